"""What a client sends to a limited route is charged before it is answered, readable or not."""
import pytest

from config_text import config_text
from harness import Stack
from http_client import Client, raw_post, send_raw

DEFAULT, ACME = 3, 2
CONFIG = config_text(rates={"acme": f"{ACME}/hour"}, default=f"{DEFAULT}/hour")
WHOLE = b'{"message":"x"}'
# A name; the body; lines of the head; the answer is 400, or 415 to an encoded body.
SHAPES = [
    ("no JSON", b"{bad", []),
    ("no body", b"", []),
    ("a list", b"[]", []),
    ("bytes", b"\xff\xfe\x00", []),
    ("a body within another", b'{"message":"x"}{"message":"y"}', []),
    ("a tenant that is a number", b'{"tenant_id":1,"message":"x"}', []),
    ("no message", b"{}", []),
    ("gzip", WHOLE, [b"Content-Encoding: gzip"]),
    ("brotli beside identity", WHOLE, [b"Content-Encoding: br, identity"]),
    ("two encodings", WHOLE, [b"Content-Encoding: deflate", b"Content-Encoding: x-unheard-of"]),
    ("a tenant header twice", WHOLE, [b"X-Tenant-ID: acme", b"X-Tenant-ID: acme"]),
    ("a tenant header that is a list", WHOLE, [b"X-Tenant-ID: acme,globex"]),
    ("a session header twice", WHOLE, [b"X-Session-ID: a", b"X-Session-ID: b"]),
    ("a tenant that differs", b'{"tenant_id":"acme","message":"x"}', [b"X-Tenant-ID: globex"]),
    ("a session that differs", b'{"session_id":"a","message":"x"}', [b"X-Session-ID: b"]),
]


@pytest.fixture(scope="module")
def stack():
    """Takes the place of the shared stack: no window ends while a test asks."""
    with Stack(CONFIG) as running:
        yield running


def chat(stack, body, lines=()):
    answer, = send_raw(stack.port1, raw_post("/chat", body, lines))
    return answer


@pytest.mark.reads_body
@pytest.mark.parametrize("name,body,lines", SHAPES, ids=[shape[0] for shape in SHAPES])
def test_every_shape_is_charged_until_it_is_429(fresh, name, body, lines):
    encoded = any(line.startswith(b"Content-Encoding") for line in lines)
    for left in reversed(range(DEFAULT)):
        answer = chat(fresh, body, lines)
        assert answer.status == (415 if encoded else 400), answer
        assert answer.field("X-RateLimit-Remaining") == str(left), answer
        assert answer.field("Accept-Encoding") == ("identity" if encoded else None), answer
    denied = chat(fresh, body, lines)
    assert (denied.status, denied.detail) == (429, "Rate limit exceeded: 3 per 1 hour")
    assert denied.field("Retry-After")
    assert chat(fresh, WHOLE).status == 429, "an honest request has the same bucket"
    with Client(fresh.port2, source="127.0.0.9") as other:
        assert other.post("/chat", WHOLE).status == 200


@pytest.mark.reads_body
def test_who_is_over_the_limit_gets_429_in_every_shape(fresh):
    assert [chat(fresh, WHOLE).status for _ in range(DEFAULT)] == [200] * DEFAULT
    assert {name: chat(fresh, body, lines).status for name, body, lines in SHAPES} == \
        {name: 429 for name, _, _ in SHAPES}


@pytest.mark.parametrize("body", [b"{bad", b"", b"[]", b'{"session_id":1,"message":"x"}'])
def test_a_session_that_the_headers_prove_is_charged_besides(fresh, body):
    with Client(fresh.port1) as client:
        session = client.open_session("acme")
        fields = [("X-Tenant-ID", "acme"), ("X-Session-ID", session)]
        refused = client.post("/chat", body, fields)
        assert refused.status == 400
        assert refused.field("RateLimit-Policy") == '"default:chat";q=3;w=3600, "chat";q=2;w=3600'
        assert client.chat("acme", session).field("X-RateLimit-Remaining") == "0"
        denied = client.post("/chat", body, fields)
        assert (denied.status, denied.detail) == (429, "Rate limit exceeded: 2 per 1 hour")


def test_a_false_claim_beside_a_body_that_cannot_be_read_is_told_as_one(fresh):
    with Client(fresh.port1) as client:
        answer = client.post("/chat", b"{bad", [("X-Session-ID", "forged")])
    assert (answer.status, answer.detail) == (401, "Invalid or expired session")
    assert '"identity_failure"' in answer.field("RateLimit")


def test_opening_a_session_is_charged_in_every_shape(fresh):
    with Client(fresh.port1) as client:
        statuses = [client.post("/session", body).status
                    for body in (b"{bad", b"", b"[]", b'{"tenant_id":1}', b"{}") * 2]
        assert statuses == [400] * 10
        assert client.post("/session", {"tenant_id": "acme"}).status == 429


def test_the_encoding_that_changes_nothing_is_none(fresh):
    for line in (b"Content-Encoding: identity", b"Content-Encoding: Identity",
                 b"Content-Encoding: "):
        assert chat(fresh, WHOLE, [line]).status == 200, line


def test_free_routes_refuse_without_a_charge(fresh):
    twice = [("X-Tenant-ID", "acme")] * 2
    with Client(fresh.port1) as client:
        for _ in range(DEFAULT + 1):
            assert client.request("GET", "/limits", fields=twice).status == 400
        assert client.get().status == 200
    assert fresh.buckets() == [b"sluice:v3:{@}:@health:global"]
