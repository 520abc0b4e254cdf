"""What a hostile client can send to nginx: refused as JSON, no 5xx, the same workers after it."""
import json

import pytest

import tokens
from http_client import Client, raw_post, send_raw

MIB = 1024 * 1024
REFUSALS = {400, 401, 403, 404, 405, 413, 429}


@pytest.fixture(autouse=True)
def same_workers_still_serve(fresh):
    before = fresh.workers()
    yield
    fresh.refill()
    for port in fresh.ports * 2:  # every worker of both pools
        with Client(port) as client:
            assert client.chat_by_body().status in (200, 429)
    assert fresh.workers() == before


def refused(port, request):
    """The one answer, which is a refusal in JSON."""
    answer, = send_raw(port, request)
    assert answer.status in REFUSALS, answer
    assert answer.detail
    return answer


MALFORMED = [
    b"", b"{", b"}", b"[]", b"null", b"true", b'"x"', b"17", b"\0", b"{]", b'{"message"}',
    b'{"message":}', b'{"message":"x"', b'{"message":"x"}}', b'{"message":"x"} x',
    b"{'message':'x'}", b'{"message":"x",}', b'{message:"x"}', b'{"message":"x"}{"message":"y"}',
    b'{"message":"\0"}', b'{"message":"\\u0000"}', b'{"message":"\\ud800"}', b'{"\\u0000":"x"}',
    b'{"message":"\\udc00\\ud800"}', b'{"message":"\xff\xfe"}', b'{"message":"\xc0\x80"}',
    b'{"message":"\xed\xa0\x80"}', b'\xef\xbb\xbf{"message":"x"}', b'{"message":"a\nb"}',
    b'{"message":1e999}', b'{"message":NaN}', b'{"message":"\\x41"}', b'// x\n{"message":"x"}',
    b'{"message":"a","message":"b"}', b'{"tenant_id":"acme","tenant_id":"globex","message":"x"}',
    b'{"message":1}', b'{"message":{}}', b'{"message":["x"]}', b'{"message":true}',
    b'{"message":null}', b"{}", b'{"Message":"x"}', b'{"tenant_id":1,"message":"x"}',
    b'{"session_id":[],"message":"x"}', b'{"tenant_id":{"a":1},"message":"x"}',
    b"[" * 60000, b'{"a":' * 10000, b'{"message":"x","a":' + b"[" * 30000 + b"]" * 29999 + b"}",
    '{"message":"x"}'.encode("utf-16"), b'{"message":99999999999999999999999999}', b"a=b&c=d",
]


@pytest.mark.parametrize("path", ["/chat", "/session"])
def test_malformed_json_is_400_whatever_its_shape(fresh, path):
    for number, body in enumerate(MALFORMED):
        with Client(fresh.port1, source=f"127.0.3.{number + 1}") as client:
            answer = client.post(path, body)
        assert answer.status == 400, (body[:60], answer)
        assert answer.detail, body[:60]
        assert b"parsing" not in answer.body


@pytest.mark.parametrize("value", [
    b"1e999", b"-1e999", b"99999999999999999999", b'[{"b":-1e999}]', b'{"b":1,"b":2}', b'1,"a":2',
    b'"\\u0000"', b'"\\ud800"', b"[" * 30000 + b"]" * 30000, b'{"b":' * 9000 + b"1" + b"}" * 9000])
def test_a_member_that_nobody_reads_does_no_harm(api1, value):
    assert api1.post("/chat", b'{"message":"x","a":' + value + b"}").json["reply"] == "x"


@pytest.mark.parametrize("body,detail", [
    (b"", "Request body is empty"),
    (b"[]", "Request body must be a JSON object"),
    (b'\xef\xbb\xbf{"message":"x"}',
     "Request body is not valid JSON: line 1, column 1: a byte order mark"),
    ('{"message":"x"}'.encode("utf-16"),
     "Request body is not valid JSON: line 1, column 1: UTF-16 or UTF-32, not UTF-8"),
    (b'{"message":"a","message":"b"}', 'Request body has member "message" twice'),
    (b'{"message":"\\u0000"}', '"message" must not have a NUL in it'),
    (b'{"message":1e999}', '"message" must be a string')])
def test_a_body_that_is_refused_is_told_why(api1, body, detail):
    assert api1.post("/chat", body).detail == detail


@pytest.mark.parametrize("path", ["/chat", "/session"])
@pytest.mark.parametrize("body", [b"[" * 100_000, b"x" * MIB, b"\0" * MIB])
def test_body_beyond_the_bound_is_413_in_json(fresh, path, body):
    for port in fresh.ports:
        answer = refused(port, raw_post(path, body))
        assert answer.status == 413


STRANGE_IDS = ["ACME", "Acme", "acme.", "acm\u00e9", "\u202eacme", "*", "acme:x", "../acme", "-",
               "{acme}", "acme}", "@", "a" * 64, "a" * 65, "a" * 4000, "' OR 1=1 --", "%00", "\\",
               "acme\\u0000", "acme\u200b", "$(id)", "__proto__"]


def test_strange_tenant_ids_are_unknown_tenants(fresh):
    for number, tenant in enumerate(STRANGE_IDS):
        with Client(fresh.port1, source=f"127.0.3.{number + 1}") as client:
            in_header = client.post("/chat", {"message": "x"},
                                    [("X-Tenant-ID", tenant.encode())])
            in_body = client.chat_by_body(tenant_id=tenant)
            in_session = client.post("/session", {"tenant_id": tenant})
        for answer in (in_header, in_body, in_session):
            assert (answer.status, answer.detail) == (404, "Unknown tenant"), (tenant, answer)


@pytest.mark.reads_body
def test_tenant_ids_with_control_characters_are_refused(fresh, api1):
    for tenant in ("acme\0", "\0", "ac\0me"):
        assert api1.chat_by_body(tenant_id=tenant).status == 400, tenant
    for tenant in ("acme\n", "acme\r\nX-Evil: 1", "\tacme", "acme ", "", "\x7f", "acme\x1b[0m"):
        assert api1.chat_by_body(tenant_id=tenant).status == 404, tenant
    for value in (b"acme\0", b"\0", b"acme\0globex"):
        answer = refused(fresh.port1, raw_post("/chat", b'{"message":"x"}',
                                               [b"X-Tenant-ID: " + value]))
        assert answer.status == 400
    with fresh.redis() as client:
        assert not [key for key in client.keys() if b"acme" in key], client.keys()


def test_strange_session_ids_are_401(fresh):
    strange = STRANGE_IDS + ["", "=", "A" * 55, "A" * 56, "A" * 57, "A" * 300, "AQ==", "//8",
                             "AA AA", "A\nB", "\uffff"]
    for number, session in enumerate(strange):
        with Client(fresh.port1, source=f"127.0.3.{number + 1}") as client:
            assert client.chat_by_body(session_id=session).status == 401, session
            if session.strip() and "\n" not in session:
                answer = client.post("/chat", {"message": "x"},
                                     [("X-Session-ID", session.encode())])
                assert answer.status == 401, session


def test_overlong_headers_are_refused_in_json(fresh):
    for size in (9_000, 70_000, 400_000):
        answer = refused(fresh.port1, raw_post("/chat", b'{"message":"x"}',
                                               [b"X-Tenant-ID: " + b"a" * size]))
        assert answer.status == 400
    many = [b"X-Filler-%d: %s" % (number, b"y" * 100) for number in range(2000)]
    assert refused(fresh.port1, raw_post("/chat", b'{"message":"x"}', many)).status == 400


@pytest.mark.parametrize("name", [b"X-Tenant-ID", b"X-Session-ID"])
@pytest.mark.parametrize("values", [(b"{own}", b"{own}"), (b"{own}", b"globex"),
                                    (b"globex", b"{own}"), (b"{own},globex",), (b"{own}, {own}",),
                                    (b",",)])
def test_header_sent_twice_or_as_a_list_is_400(fresh, api1, name, values):
    session = api1.open_session("acme").encode()
    own = {b"X-Tenant-ID": b"acme", b"X-Session-ID": session}
    fields = [other + b": " + value for other, value in own.items() if other != name]
    fields += [name + b": " + value.replace(b"{own}", own[name]) for value in values]
    body = json.dumps({"tenant_id": "acme", "session_id": session.decode(), "message": "x"})
    answer = refused(fresh.port1, raw_post("/chat", body.encode(), fields))
    assert answer.status == 400
    assert answer.detail == f"Header {name.decode().upper()} must be sent once, with one value"


def test_headers_with_underscores_do_not_count(api1):
    session = api1.open_session("acme")
    body = {"tenant_id": "acme", "session_id": session, "message": "x"}
    spoofed = [("X_Tenant_ID", "acme"), ("X_Session_ID", session)]
    answer = api1.post("/chat", body, spoofed)  # as if they were not there
    assert answer.field("RateLimit-Policy") == '"default:chat";q=5;w=10, "chat";q=8;w=10'
    genuine = [("X-Tenant-ID", "acme"), ("X-Session-ID", session)]
    answer = api1.post("/chat", body, [*genuine, ("X_Tenant_ID", "globex"),
                                       ("X_Session_ID", "forged"), ("X-Tenant_ID", "globex")])
    assert (answer.status, answer.field("X-RateLimit-Remaining")) == (200, "6")


CHUNKED = b"Transfer-Encoding: chunked"
INNER = b'{"message":"x"}'
SMUGGLED = b'POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"tenant_id":"acme"}'


def framed(*fields, body):
    lines = [b"POST /chat HTTP/1.1", b"Host: localhost", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("fields,body", [
    ((b"Content-Length: 5", CHUNKED), b"0\r\n\r\n" + SMUGGLED),
    ((CHUNKED, b"Content-Length: 5"), b"0\r\n\r\n" + SMUGGLED),
    ((b"Content-Length: 0", b"Content-Length: %d" % len(SMUGGLED)), SMUGGLED),
    ((b"Content-Length: 5, 5",), b"{   }" + SMUGGLED),
    ((b"Content-Length: -1",), SMUGGLED),
    ((b"Content-Length: 0x5",), b"{   }" + SMUGGLED),
    ((b"Content-Length: 99999999999999999999",), SMUGGLED),
    ((CHUNKED, CHUNKED), b"0\r\n\r\n" + SMUGGLED),
    ((b"Transfer-Encoding: chunked, identity",), b"0\r\n\r\n" + SMUGGLED),
    ((b"Transfer-Encoding: xchunked",), b"0\r\n\r\n" + SMUGGLED),
    ((CHUNKED,), b"ffffffffffffffff1\r\n" + SMUGGLED),
    ((CHUNKED,), b"-5\r\n{   }\r\n0\r\n\r\n" + SMUGGLED),
    ((CHUNKED,), b"z\r\n" + SMUGGLED),
    ((CHUNKED,), b"5x\r\n{   }\r\n0\r\n\r\n" + SMUGGLED),
    ((b"Transfer-Encoding : chunked", b"Content-Length: 5"), b"0\r\n\r\n" + SMUGGLED),
    ((b"Transfer-Encoding: \x0bchunked", b"Content-Length: 5"), b"0\r\n\r\n" + SMUGGLED),
    ((b"Transfer-Encoding: gzip, chunked",), b"0\r\n\r\n" + SMUGGLED),
    ((b"Content-Length: 5", b" 0"), b"{   }" + SMUGGLED),
    ((b"Content-Length: +5",), b"{   }" + SMUGGLED),
    ((b"Content-Length: 5 5",), b"{   }" + SMUGGLED),
    ((b"Content-Length: ",), SMUGGLED),
    ((b"Content-Length: 5\0",), b"{   }" + SMUGGLED),
])
@pytest.mark.reads_body
def test_smuggling_shapes_get_one_answer_at_most_and_run_nothing(fresh, fields, body):
    answers = send_raw(fresh.port1, framed(*fields, body=body))
    assert len(answers) <= 1, answers
    assert all(answer.status in (400, 413) and answer.detail for answer in answers), answers
    with fresh.redis() as client:
        assert client.dbsize() == 0


def test_content_length_that_lies_gets_one_answer_at_most(fresh):
    cut_short = send_raw(fresh.port1, raw_post("/chat", INNER, length=len(INNER) + 1000))
    assert len(cut_short) <= 1 and all(answer.status < 500 for answer in cut_short), cut_short
    with_rest, = send_raw(fresh.port1, raw_post("/chat", INNER + SMUGGLED, length=len(INNER)))
    assert with_rest.status == 200
    with fresh.redis() as client:
        assert not [key for key in client.keys() if b":session:" in key]


def test_chunked_bodies_are_read_and_bounded(fresh):
    def chunked(body, size):
        parts = [body[at:at + size] for at in range(0, len(body), size)]
        return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    close = b"Connection: close"
    answer, = send_raw(fresh.port1, framed(CHUNKED, close, body=chunked(INNER, 1)))
    assert (answer.status, answer.json["reply"]) == (200, "x")
    answer, = send_raw(fresh.port1, framed(CHUNKED, close, body=chunked(b"x" * MIB, 8192)))
    assert (answer.status, bool(answer.detail)) == (413, True)


@pytest.mark.parametrize("request_bytes", [
    b"GET\r\n\r\n", b"\0\0\0\0\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" * 50,
    b"GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /../../etc HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x01\x01\x00\x01\x00\x08\x00\x00" * 20])
def test_what_is_hardly_http_is_refused_in_json(fresh, request_bytes):
    for answer in send_raw(fresh.port1, request_bytes):
        assert answer.status < 500, answer
        assert answer.detail


def test_every_flipped_bit_of_a_session_is_401(fresh, api1):
    session = api1.open_session("acme")
    genuine = tokens.decode(session)
    for byte in range(len(genuine)):
        with Client(fresh.port1, source=f"127.0.4.{byte + 1}") as client:
            for bit in range(8):
                flipped = bytearray(genuine)
                flipped[byte] ^= 1 << bit
                answer = client.chat("acme", tokens.encode(bytes(flipped)))
                assert answer.status == 401, (byte, bit, answer)
    assert api1.chat("acme", session).field("X-RateLimit-Remaining") == "7"


def test_other_spellings_of_a_genuine_session_are_401(api1):
    session = api1.open_session("globex")  # its last character carries spare bits
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(session[-1])
    twins = [session[:-1] + alphabet[last ^ 1], session + "=", session + "==", session + "A"]
    for twin in twins:
        assert api1.chat("globex", twin).status == 401, twin
    assert api1.chat("globex", session).field("X-RateLimit-Remaining") == "3"


FORWARDING = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "X-Cluster-Client-IP",
              "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Originating-IP",
              "X-Remote-IP", "X-Remote-Addr", "X-Forwarded", "Forwarded-For", "Client-IP",
              "Remote-Addr", "Via", "X-ProxyUser-Ip", "X-Envoy-External-Address"]


def test_forwarding_headers_change_no_key_and_burn_nobodys_quota(fresh, api1):
    statuses = []
    for number, name in enumerate(FORWARDING):
        value = f"for=127.0.0.{9 + number}" if name == "Forwarded" else f"127.0.0.{9 + number}"
        statuses.append(api1.post("/chat", {"message": "x"}, [(name, value)]).status)
    assert statuses == [200] * 5 + [429] * (len(FORWARDING) - 5)
    assert len(fresh.buckets()) == 1
    with Client(fresh.port1, source="127.0.0.9") as victim:
        assert victim.chat_by_body().field("X-RateLimit-Remaining") == "4"


def test_invented_sessions_buy_no_bucket(fresh, api1):
    statuses = [api1.chat("acme", f"invented{number}").status for number in range(100)]
    assert statuses == [401] * 30 + [429] * 70
    assert len(fresh.buckets()) == 1


@pytest.mark.reads_body
def test_rotating_the_session_header_over_a_valid_body_spends_nothing(fresh, api1):
    session = api1.open_session("acme")
    body = {"tenant_id": "acme", "session_id": session, "message": "x"}
    for number in range(20):
        fields = [("X-Tenant-ID", "acme"), ("X-Session-ID", f"rotated{number}")]
        assert api1.post("/chat", body, fields).status == (400 if number < 5 else 429)
    assert api1.chat("acme", session).field("X-RateLimit-Remaining") == "7"
