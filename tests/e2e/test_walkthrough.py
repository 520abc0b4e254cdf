"""The HTTP contract, request by request, on the shipped config."""
import datetime
import json
import re
import time

import pytest

import tokens
from http_client import Client

pytestmark = pytest.mark.both

ACME_DENIED = b'{"detail":"Rate limit exceeded: 8 per 10 seconds"}'
TENANTS = {"acme": {"chat_per_10s": 8}, "globex": {"chat_per_10s": 4},
           "initech": {"chat_per_10s": 6}, "log-demo": {"chat_per_10s": 5},
           "window-demo": {"chat_per_10s": 5}, "bucket-demo": {"chat_per_10s": 5},
           "leaky-demo": {"chat_per_10s": 5}}
ALGORITHMS = {"acme": "fixed_window", "globex": "fixed_window", "initech": "fixed_window",
              "log-demo": "sliding_log", "window-demo": "sliding_window",
              "bucket-demo": "token_bucket", "leaky-demo": "leaky_bucket"}


def states(answer):
    """The RateLimit field as [(policy, r, t)]."""
    return [(name, int(r), int(t)) for name, r, t in
            re.findall(r'"([^"]+)";r=(\d+);t=(\d+)(?:, |$)', answer.field("RateLimit"))]


@pytest.fixture
def acme(api1):
    return api1.open_session("acme")


@pytest.mark.parametrize("port", ["port1", "port2"])
def test_status_says_who_is_limited_how(fresh, port):
    with Client(getattr(fresh, port)) as client:
        answer = client.get()
    assert answer.status == 200
    body = answer.json
    assert set(body) == {"service", "version", "pool", "config_generation", "tenant_count",
                         "tenants", "algorithms", "defaults", "storage", "store"}
    assert body["service"] == "sluice"
    assert re.fullmatch(r"\d+\.\d+\.\d+", body["version"])
    assert body["pool"] == {"port1": "api1", "port2": "api2"}[port]
    assert isinstance(body["config_generation"], int)
    assert body["tenants"] == TENANTS
    assert body["tenant_count"] == len(TENANTS)
    assert body["algorithms"] == {tenant: {"chat": name} for tenant, name in ALGORITHMS.items()}
    assert body["defaults"] == {"chat_per_10s": 5, "session_per_minute": 10,
                                "identity_failure_per_minute": 30}
    assert body["storage"] == f"unix://sluice:***@{fresh.run_dir}/redis.sock?db=0"
    assert body["store"] == {"status": "up"}


def test_status_is_never_limited_and_writes_no_key_but_its_own(fresh, api1):
    answers = [api1.get() for _ in range(200)]
    assert {answer.status for answer in answers} == {200}
    assert all(answer.field("RateLimit") is None for answer in answers)
    with fresh.redis() as client:
        assert client.keys() in ([], [b"sluice:v3:{@}:@health:global"])  # it lives for a second


@pytest.mark.parametrize("path,body", [
    ("/livez", {"status": "up"}), ("/readyz", {"status": "up", "config_generation": 1})])
def test_health_is_told_without_limit(api1, path, body):
    for _ in range(50):
        answer = api1.request("GET", path)
        assert (answer.status, answer.json) == (200, body)
        assert answer.field("RateLimit") is None
        assert answer.field("Cache-Control") == "no-store"
    head = api1.request("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert api1.request("POST", path).status == 405


def test_head_of_status_is_the_get_without_its_body(api1):
    answer = api1.request("HEAD", "/")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.field("content-type") == "application/json"
    assert api1.get().status == 200


def test_session_is_created_with_token_tenant_and_expiry(api1):
    answer = api1.post("/session", {"tenant_id": "acme"})
    assert answer.status == 201
    assert set(answer.json) == {"session_id", "tenant_id", "expires_at"}
    assert answer.json["tenant_id"] == "acme"
    assert re.fullmatch(r"[A-Za-z0-9_-]{40,}", answer.json["session_id"])
    expires = datetime.datetime.fromisoformat(answer.json["expires_at"].replace("Z", "+00:00"))
    assert expires > datetime.datetime.now(datetime.timezone.utc)
    assert answer.field("RateLimit-Policy") == '"session";q=10;w=60'
    assert states(answer) == [("session", 9, 60)]


def test_eleventh_session_within_a_minute_is_429(api1, api2):
    answers = [client.post("/session", {"tenant_id": "acme"})
               for client in [api1, api2] * 6]
    assert [answer.status for answer in answers] == [201] * 10 + [429] * 2
    assert answers[10].body == b'{"detail":"Rate limit exceeded: 10 per 1 minute"}'
    assert 1 <= int(answers[10].field("Retry-After")) <= 60


def test_session_for_an_unknown_tenant_is_404(api1):
    answer = api1.post("/session", {"tenant_id": "nobody"})
    assert (answer.status, answer.body) == (404, b'{"detail":"Unknown tenant"}')
    assert answer.field("RateLimit-Policy") == '"identity_failure";q=30;w=60', "as any false claim"


def test_chat_echoes_the_message_with_its_number(api1, acme):
    for number in range(1, 9):
        answer = api1.chat("acme", acme, f"n{number} \u2603")
        assert answer.status == 200
        assert answer.json == {"tenant_id": "acme", "session_id": acme,
                               "reply": f"n{number} \u2603", "message_number": number}


def test_limited_answers_carry_both_families_of_fields(api1, acme):
    for used in range(1, 9):
        now = time.time()
        answer = api1.chat("acme", acme)
        assert answer.status == 200
        assert answer.field("X-RateLimit-Limit") == "8"
        assert answer.field("X-RateLimit-Remaining") == str(8 - used)
        assert now <= int(answer.field("X-RateLimit-Reset")) <= now + 12
        assert answer.field("RateLimit-Policy") == '"chat";q=8;w=10'
        (name, remaining, wait), = states(answer)
        assert (name, remaining) == ("chat", 8 - used)
        assert 1 <= wait <= 10
        assert answer.field("Retry-After") is None


def test_ninth_message_is_429_with_exactly_the_articles_body(api1, acme):
    assert [api1.chat("acme", acme).status for _ in range(8)] == [200] * 8
    now = time.time()
    ninth = api1.chat("acme", acme)
    assert (ninth.status, ninth.body) == (429, ACME_DENIED)
    assert ninth.field("Content-Type") == "application/json"
    assert ninth.field("Cache-Control") == "no-store"
    assert ninth.field("X-RateLimit-Limit") == "8"
    assert ninth.field("X-RateLimit-Remaining") == "0"
    assert now < int(ninth.field("X-RateLimit-Reset")) <= now + 11
    assert ninth.field("RateLimit-Policy") == '"chat";q=8;w=10'
    (name, remaining, wait), = states(ninth)
    assert (name, remaining) == ("chat", 0)
    assert 1 <= wait <= int(ninth.field("Retry-After")) <= 10


@pytest.mark.parametrize("tenant", TENANTS)
def test_t_is_until_more_is_to_be_had_and_on_a_denial_retry_after(api1, tenant):
    session = api1.open_session(tenant)
    answers = [api1.chat(tenant, session)]
    while answers[-1].status == 200 and len(answers) < 30:
        answers.append(api1.chat(tenant, session))
    assert answers[-1].status == 429
    waits = [wait for answer in answers for _, _, wait in states(answer)]
    assert waits[-1] == int(answers[-1].field("Retry-After"))
    drains = ALGORITHMS[tenant] in ("token_bucket", "leaky_bucket")
    assert max(waits) <= (2 if drains else 11), "5 per 10 seconds: a bucket has one back in 2"


@pytest.mark.parametrize("tenant,quota", [("globex", 4), ("initech", 6)])
def test_every_tenant_has_its_own_quota(api1, tenant, quota):
    session = api1.open_session(tenant)
    answers = [api1.chat(tenant, session) for _ in range(quota + 1)]
    assert [answer.status for answer in answers] == [200] * quota + [429]
    assert answers[-1].detail == f"Rate limit exceeded: {quota} per 10 seconds"


def test_two_sessions_of_a_tenant_count_apart(api1, acme):
    other = api1.open_session("acme")
    assert [api1.chat("acme", acme).status for _ in range(9)] == [200] * 8 + [429]
    assert api1.chat("acme", other).field("X-RateLimit-Remaining") == "7"


@pytest.mark.reads_body
@pytest.mark.parametrize("members", [{}, {"tenant_id": "acme"}])
def test_without_a_session_the_address_is_limited_by_the_default(api1, api2, members):
    answers = [client.chat_by_body(**members) for client in [api1, api2] * 3]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert answers[0].json["message_number"] == 1
    assert answers[-1].body == b'{"detail":"Rate limit exceeded: 5 per 10 seconds"}'
    assert answers[-1].field("RateLimit-Policy") == '"chat";q=5;w=10'
    with Client(api1.port, source="127.0.0.2") as elsewhere:
        assert elsewhere.chat_by_body(**members).field("X-RateLimit-Remaining") == "4"


@pytest.mark.reads_body
def test_a_session_in_the_body_alone_is_charged_to_address_and_session(api1, acme):
    def by_body():
        return api1.chat_by_body(tenant_id="acme", session_id=acme)
    first = by_body()
    assert first.field("RateLimit-Policy") == '"default:chat";q=5;w=10, "chat";q=8;w=10'
    assert [state[:2] for state in states(first)] == [("default:chat", 4), ("chat", 7)]
    assert [by_body().status for _ in range(5)] == [200] * 4 + [429]
    assert by_body().detail == "Rate limit exceeded: 5 per 10 seconds"
    # The two denials changed nothing: five of the session's eight are gone.
    assert api1.chat("acme", acme).field("X-RateLimit-Remaining") == "2"


@pytest.mark.reads_body
def test_an_exhausted_session_is_not_saved_by_leaving_the_headers_out(api1, acme):
    for _ in range(8):
        api1.chat("acme", acme)
    answer = api1.chat_by_body(tenant_id="acme", session_id=acme)
    assert (answer.status, answer.body) == (429, ACME_DENIED)
    assert api1.chat_by_body().field("X-RateLimit-Remaining") == "4"


@pytest.mark.reads_body
@pytest.mark.parametrize("header", ["X-Tenant-ID", "X-Session-ID"])
def test_header_that_differs_from_the_body_is_400_and_charged_to_the_address(api1, acme, header):
    fields = {"X-Tenant-ID": "acme", "X-Session-ID": acme}
    fields[header] = {"X-Tenant-ID": "globex", "X-Session-ID": api1.open_session("acme")}[header]
    body = {"tenant_id": "acme", "session_id": acme, "message": "x"}
    answer = api1.post("/chat", body, fields.items())
    # Where the tenants differ, the session is proved all the same.
    charged = [("chat", 4)] if header == "X-Session-ID" else [("default:chat", 4), ("chat", 7)]
    assert [state[:2] for state in states(answer)] == charged
    member = {"X-Tenant-ID": "tenant_id", "X-Session-ID": "session_id"}[header]
    assert answer.status == 400
    assert answer.detail == f'"{member}" in the body differs from the header'


def test_session_of_another_tenant_is_403_and_leaves_the_victim_alone(api1, acme):
    globex = api1.open_session("globex")
    answer = api1.chat("globex", acme)
    assert (answer.status, answer.body) == \
        (403, b'{"detail":"Session does not belong to tenant"}')
    assert answer.field("RateLimit-Policy") == '"identity_failure";q=30;w=60'
    assert answer.field("Retry-After") is None
    assert api1.chat("acme", acme).field("X-RateLimit-Remaining") == "7"
    assert api1.chat("globex", globex).field("X-RateLimit-Remaining") == "3"


def test_expired_session_is_401_and_a_living_one_of_the_same_secret_is_not(fresh, api1, acme):
    secret = tokens.secret_of(fresh)
    assert api1.chat("acme", tokens.expiring(acme, 60, secret)).status == 200
    answer = api1.chat("acme", tokens.expiring(acme, -1, secret))
    assert (answer.status, answer.detail) == (401, "Invalid or expired session")
    assert answer.field("WWW-Authenticate")
    assert states(answer)[0][:2] == ("identity_failure", 29)


def test_truncated_and_invented_sessions_are_401(api1, acme):
    for forged in (acme[:-1], acme[:20], acme + "A", acme.swapcase(), "x", "a" * 86):
        answer = api1.chat("acme", forged)
        assert (answer.status, answer.detail) == (401, "Invalid or expired session"), forged
    assert api1.chat("acme", acme).field("X-RateLimit-Remaining") == "7"


def test_thirty_first_false_claim_of_an_address_is_429(api1, api2, acme):
    def false_claims():
        while True:
            yield api1.chat("acme", "forged")
            yield api2.chat("globex", acme)
            yield api1.chat("nobody", acme)
    answers = [answer for answer, _ in zip(false_claims(), range(31))]
    assert [answer.status for answer in answers] == [401, 403, 404] * 10 + [429]
    assert answers[2].body == b'{"detail":"Unknown tenant"}'
    assert answers[30].detail == "Rate limit exceeded: 30 per 1 minute"
    assert api1.chat("acme", acme).field("X-RateLimit-Remaining") == "7"


@pytest.mark.parametrize("method,path,status,allow", [
    ("GET", "/nothing", 404, None), ("POST", "/chat/", 404, None),
    ("POST", "/chat/x.php", 404, None), ("GET", "/%63hat2", 404, None),
    ("GET", "/chat", 405, "POST"), ("PUT", "/chat", 405, "POST"),
    ("PUT", "/session", 405, "POST, DELETE"), ("POST", "/", 405, "GET, HEAD"),
    ("OPTIONS", "/chat", 405, "POST"), ("PATCH", "/", 405, "GET, HEAD")])
def test_wrong_paths_and_methods_are_said_in_json(api1, method, path, status, allow):
    answer = api1.request(method, path, b"" if method == "POST" else None)
    assert answer.status == status, answer
    assert answer.detail == {404: "Not Found", 405: "Method Not Allowed"}[status]
    assert answer.field("Allow") == allow


def test_body_is_taken_up_to_its_bound_and_413_beyond(api1, acme):
    def body(size):
        empty = json.dumps({"message": ""}).encode()
        return json.dumps({"message": "m" * (size - len(empty))}).encode()
    assert api1.post("/chat", body(65536)).status == 200
    answer = api1.post("/chat", body(65537))
    assert answer.status == 413
    assert answer.detail
    assert api1.chat("acme", acme).status == 200
