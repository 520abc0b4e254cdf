"""GET /limits: what a caller is told of its own limits, and that asking is free."""
import json

from config_text import config_text
from harness import Stack
from http_client import Client

CHAT = {"name": "chat", "scope": "session", "routes": ["chat"], "algorithm": "fixed_window",
        "mode": "enforce", "unit": "requests"}


def own_limits(client, tenant=None, session=None):
    fields = [("X-Tenant-ID", tenant), ("X-Session-ID", session)]
    return client.request("GET", "/limits", fields=[field for field in fields if field[1]])


def shown(answer):
    assert answer.status == 200, answer
    assert answer.field("Cache-Control") == "no-store"
    return {limit["name"]: limit for limit in answer.json["limits"]}


def test_a_session_sees_its_tenants_limit_and_what_is_left(api1, api2):
    session = api1.open_session("acme")
    for _ in range(3):
        api1.chat("acme", session)
    answer = own_limits(api2, "acme", session)
    assert answer.json["tenant_id"] == "acme"
    assert answer.json["session_id"] == session
    limit = shown(answer)["chat"]
    assert 1 <= limit.pop("reset_after") <= 10
    assert limit == {**CHAT, "limit": "8 per 10 seconds", "quota": 8, "used": 3, "remaining": 5}


def test_asking_is_free_even_when_nothing_is_left(fresh, api1):
    session = api1.open_session("globex")
    for _ in range(5):
        api1.chat("globex", session)
    with fresh.redis() as client:
        before = sorted(client.keys())
        for _ in range(50):
            limit = shown(own_limits(api1, "globex", session))["chat"]
            assert (limit["used"], limit["remaining"]) == (4, 0)
            assert 1 <= limit["reset_after"] <= 10
        assert sorted(client.keys()) == before


def test_without_a_session_the_address_sees_the_defaults(api1):
    for _ in range(2):
        api1.chat_by_body()
    answer = own_limits(api1, "acme")
    assert (answer.json["tenant_id"], answer.json["session_id"]) == (None, None)
    limits = shown(answer)
    assert set(limits) == {"session", "chat"}
    assert (limits["chat"]["scope"], limits["chat"]["used"]) == ("ip", 2)
    assert limits["session"]["limit"] == "10 per 1 minute"
    with Client(api1.port, source="127.0.0.2") as elsewhere:
        assert shown(own_limits(elsewhere))["chat"]["used"] == 0


def test_names_are_those_of_the_response_fields(api1):
    session = api1.open_session("acme")
    charged = api1.chat_by_body(session_id=session)
    assert charged.field("RateLimit-Policy") == '"default:chat";q=5;w=10, "chat";q=8;w=10'
    limits = shown(own_limits(api1, session=session))
    assert set(limits) == {"default:chat", "chat", "session"}
    assert (limits["default:chat"]["scope"], limits["chat"]["scope"]) == ("ip", "session")


def test_a_false_claim_is_charged_to_the_address_and_answered_as_on_chat(api1):
    session = api1.open_session("acme")
    rows = [("globex", session, 403, "Session does not belong to tenant"),
            ("acme", "forged", 401, "Invalid or expired session"),
            ("nobody", None, 404, "Unknown tenant")]
    for count, (tenant, token, status, detail) in enumerate(rows, 1):
        answer = own_limits(api1, tenant, token)
        assert (answer.status, answer.detail) == (status, detail)
        assert answer.field("RateLimit").startswith(f'"identity_failure";r={30 - count};')
    for _ in range(27):
        own_limits(api1, "acme", "forged")
    assert own_limits(api1, "acme", "forged").status == 429
    assert shown(own_limits(api1, "acme", session))["chat"]["used"] == 0


def test_a_header_sent_twice_is_400(api1):
    answer = api1.request("GET", "/limits", fields=[("X-Tenant-ID", "acme")] * 2)
    assert answer.status == 400
    assert answer.detail == "Header X-TENANT-ID must be sent once, with one value"


def test_methods_of_limits(api1):
    assert api1.request("HEAD", "/limits").status == 200
    answer = api1.post("/limits", {})
    assert (answer.status, answer.field("Allow")) == (405, "GET, HEAD")


def test_status_names_the_algorithm_of_every_tenants_limit(api1):
    body = api1.get().json
    assert set(body["algorithms"]) == set(body["tenants"])
    for tenant in ("acme", "globex", "initech"):
        assert body["algorithms"][tenant] == {"chat": "fixed_window"}


def test_without_a_store_it_is_503_even_where_chat_is_allowed():
    config = config_text(on_store_error={"acme": "allow"})
    with Stack(config) as stack, Client(stack.port1) as client:
        session = client.open_session("acme")
        with stack.redis() as store:
            store.shutdown(nosave=True)
        assert client.chat("acme", session).status == 200
        answer = own_limits(client, "acme", session)
        assert (answer.status, json.loads(answer.body)) == \
            (503, {"detail": "Rate limit store unavailable"})
