"""sluice chat: nginx decides about a message, and the worker lets it stand."""
import re
import subprocess

import pytest

from config_text import config_text
from gate import PATIENT, SNIPPETS
from harness import SANITIZED, Stack
from http_client import Client
from module import ModuleSite, environment_of, needs_module
from readme import block

pytestmark = needs_module

TRUST = block("nginx/module/README.md", "gate = {")
LIMITS = {"acme": "8/hour", "globex": "4/hour"}
APP = "https://app.example.com"
CORS = f'cors = {{ origins = ( "{APP}" ); }};'
CONFIG = config_text(LIMITS, extra=PATIENT + TRUST + CORS)
OURS = ("SLUICE-HANDED-OVER", "Sluice-Handed-Over", "SLUICE_HANDED_OVER")


def server():
    """The location of the README, and beside it the API without the module."""
    handed = block("nginx/module/README.md", "location = /chat")
    plain = handed.replace("location = /chat", "location /").replace("sluice chat;", "")
    assert "sluice chat;" in handed and "sluice chat;" not in plain
    return (handed + plain.replace("fastcgi_param SLUICE_HANDED_OVER $sluice_handed_over if_not_empty;", "")) \
        .replace("include sluice_", f"include {SNIPPETS}/sluice_")


@pytest.fixture(scope="module")
def site(pool, tmp_path_factory):
    upstream = "".join(f"server unix:{socket} max_fails=0;" for socket in pool.sockets("api1"))
    with ModuleSite(tmp_path_factory.mktemp("site"), pool.config, server(), f"upstream sluice {{ {upstream} keepalive 8; }}",
                    environment_of(pool)) as running:
        yield running


@pytest.fixture
def direct(pool, client):
    """The workers, with no module before them."""
    with Client(pool.port1) as plain:
        yield plain


def told(answer):
    """Status, body and fields, without what is another each time."""
    changing = ("date", "x-decision-id", "x-ratelimit-reset", "retry-after")
    fields = sorted((name.lower(), re.sub(r";t=\d+", "", value)) for name, value in answer.fields if name.lower() not in changing)
    body = re.sub(rb"v2\.[\w.-]+|\"session_id\":\"[^\"]*\"", b"", answer.body)
    return answer.status, body, [field for field in fields if field[0] not in ("server", "connection")]


def requests(pool):
    """What of /chat is counted, by outcome."""
    with Client(pool.port1) as api:
        text = api.get("/metrics").body.decode()
    return {outcome: int(count) for outcome, count in
            re.findall(r'^sluice_requests_total\{route="chat",outcome="(\w+)"\} (\d+)', text, re.M)}


def test_a_message_is_charged_once_and_answered_as_by_a_worker(pool, client, direct):
    before = requests(pool)
    through, past = client.open_session("acme"), direct.open_session("acme")
    for number in range(10):
        mine, theirs = client.chat("acme", through), direct.chat("acme", past)
        assert mine.status == (200 if number < 8 else 429)
        assert told(mine)[:2] == told(theirs)[:2]
        ours, others = dict(told(mine)[2]), dict(told(theirs)[2])
        assert {name: others[name] for name in ours if "ratelimit" in name} == \
            {name: value for name, value in ours.items() if "ratelimit" in name} != {}
        assert [name.lower() for name, _ in mine.fields].count("x-decision-id") == 1
        assert number >= 8 or mine.json["message_number"] == number + 1
    after = requests(pool)
    assert after["allowed"] - before.get("allowed", 0) == 16 and after["denied"] - before.get("denied", 0) == 4


@pytest.mark.parametrize("claim", [
    {"tenant_id": "globex"}, {"session_id": "x"}, {"tenant_id": None}, {"session_id": None}, {"message": None}])
def test_what_the_body_says_is_heard(pool, client, direct, claim):
    answers = []
    for one in (client, direct):
        pool.refill()
        session = one.open_session("acme")
        body = {"tenant_id": "acme", "session_id": session, "message": "x"} | claim
        body = {name: value for name, value in body.items() if value is not None}
        fields = [("X-Tenant-ID", "acme"), ("X-Session-ID", session)]
        answers.append(told(one.post("/chat", body, fields)))
    assert answers[0][:2] == answers[1][:2]


def test_pages_of_other_origins_may_ask_and_read(client):
    session, origin = client.open_session("globex"), ("Origin", APP)
    for _ in range(6):
        asked = client.request("OPTIONS", "/chat", None, [origin, ("Access-Control-Request-Method", "POST")])
        assert (asked.status, asked.field("Access-Control-Allow-Methods")) == (204, "POST")
    body = {"tenant_id": "globex", "session_id": session, "message": "x"}
    fields = [origin, ("X-Tenant-ID", "globex"), ("X-Session-ID", session)]
    answers = [client.post("/chat", body, fields) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 4 + [429]
    for answer in answers:
        assert [value for name, value in answer.fields if name.lower() == "access-control-allow-origin"] == [APP]
        assert [value for name, value in answer.fields if name.lower() == "vary"] == ["Origin"]
        assert "RateLimit" in answer.field("Access-Control-Expose-Headers")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_another_method_is_the_workers_to_answer_and_free(client, direct, method):
    for one in (client, direct):
        session = one.open_session("acme")
        fields = [("X-Tenant-ID", "acme"), ("X-Session-ID", session)]
        answers = [one.request(method, "/chat", None, fields) for _ in range(9)]
        assert {(answer.status, answer.field("Allow")) for answer in answers} == {(405, "POST")}
        assert one.chat("acme", session).field("X-RateLimit-Remaining") == "7"


def test_false_sessions_cost_their_address(client):
    statuses = {client.chat("acme", "v2.nonsense").status for _ in range(31)}
    assert statuses <= {401, 429} and 429 in statuses


def test_nobody_but_nginx_hands_a_decision_over(pool, client, direct):
    """With and without the module before the worker: a client's word is none."""
    for one in (client, direct):
        session = one.open_session("globex")
        body = {"tenant_id": "globex", "session_id": session, "message": "x"}
        seen = []
        for number in range(5):
            fields = [("X-Tenant-ID", "globex"), ("X-Session-ID", session)]
            fields += [(name, "chat 0 - - -") for name in OURS]
            fields += [(name, f"chat 2 globex {session} -") for name in OURS]
            answer = one.post("/chat", body, fields)
            seen.append((answer.status, answer.field("X-RateLimit-Remaining")))
            assert number < 4 or answer.status == 429
        assert seen == [(200, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")]


def test_a_worker_that_does_not_trust_it_decides_again(pool, client):
    pool.config.write_text(CONFIG.replace(TRUST, ""))
    try:
        assert pool.dev("reload").returncode == 0
        session = client.open_session("acme")
        for left in ("6", "4", "2", "0"):
            answer = client.chat("acme", session)
            assert (answer.status, answer.field("X-RateLimit-Remaining")) == (200, left)
            assert [name.lower() for name, _ in answer.fields].count("ratelimit") == 1
        assert client.chat("acme", session).status == 429
    finally:
        pool.config.write_text(CONFIG)
        assert pool.dev("reload").returncode == 0


@pytest.mark.outside_worker
@pytest.mark.skipif(SANITIZED, reason="an nginx without sanitizers cannot load a module with")
def test_dev_starts_a_site_with_the_module(tmp_path):
    """With what is shipped: 8 messages, though nginx and the workers have all of them."""
    with Stack(flags=["--module"], WORKERS="1") as stack, Client(stack.port1) as client:
        assert "already running" in stack.dev("up").output
        session = client.open_session("acme")
        assert [client.chat("acme", session).status for _ in range(9)] == [200] * 8 + [429]
        counted = requests(stack)
        assert (counted["allowed"], counted["denied"]) == (8, 1)
        assert '"event":"denied","pool":"nginx"' in stack.logs()["nginx.log"]
        with stack.edited_config('rate = "8 per', 'rate = "9 per', stack.conf / "tenants.cfg"):
            done = stack.dev("reload")
            assert done.returncode == 0, done.output
            client.close()
            assert client.chat("acme", client.open_session("acme")).field("X-RateLimit-Limit") == "9"
            assert stack.dev("restart").returncode == 0
            client.close()
            assert client.chat("acme", client.open_session("acme")).json["message_number"] == 1
        assert '"event":"denied","pool":"api1"' not in "".join(stack.logs().values())


def test_a_cost_that_is_in_the_body_is_the_workers_to_know(tmp_path):
    (tmp_path / "nginx").mkdir()
    (tmp_path / "sluice.cfg").write_text('storage = { uri = "memory://"; }; costs = ( { route = "chat"; from = "body:n"; } );')
    site = ModuleSite(tmp_path / "nginx", tmp_path / "sluice.cfg", "sluice chat;")
    done = subprocess.run([*site.command[:-2], "-e", "stderr", "-t"], capture_output=True, text=True,
                          env=site.environment, check=False)
    assert done.returncode == 1
    assert 'route "chat" costs what a body says, which a worker alone reads, in ' in done.stderr, done.stderr
