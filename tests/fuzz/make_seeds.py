#!/usr/bin/python3
"""Writes the seeds of the harnesses whose inputs are bytes, into corpus/ beside this file.

The others' seeds are texts, kept as they are. What stands here is the format of each harness's
input; tests/fuzz/README.md says when to run this again.
"""
import base64
import hashlib
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
NOW = 1_800_000_000  # where the worker's clock stands


def seed(harness, name, data):
    folder = CORPUS / harness
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# --- FastCGI


def record(kind, content, request_id=1, padding=0):
    head = struct.pack(">BBHHBx", 1, kind, request_id, len(content), padding)
    return head + content + b"\0" * padding


def length(count):
    return bytes([count]) if count < 0x80 else struct.pack(">I", count | 0x80000000)


def pairs(params):
    text = b""
    for name, value in params.items():
        name, value = name.encode(), value.encode()
        text += length(len(name)) + length(len(value)) + name + value
    return text


def request(params, body=b"", keep=True, request_id=1, padding=0):
    begin = struct.pack(">HB5x", 1, 1 if keep else 0)
    text = record(1, begin, request_id) + record(4, pairs(params), request_id, padding)
    text += record(4, b"", request_id)
    if body:
        text += record(5, body, request_id, padding)
    return text + record(5, b"", request_id)


def nginx(method, path, body=b"", **headers):
    params = {"REQUEST_METHOD": method, "DOCUMENT_URI": path, "QUERY_STRING": "", "CONTENT_TYPE": "",
              "CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "203.0.113.7", "HTTP_HOST": "api1"}
    params.update(headers)
    return params


def token(tenant, expires=NOW + 3600):
    """As SessionTokens::sign(), by the secret of zeros."""
    head = b"\1" + expires.to_bytes(5, "big") + b"\7" * 16 + tenant.encode()
    tag = hashlib.blake2b(head, digest_size=16, key=b"\0" * 32).digest()
    return base64.urlsafe_b64encode(head + tag).rstrip(b"=").decode()


def chat(tenant, session, **headers):
    body = (b'{"tenant_id":"%s","session_id":"%s","message":"hi \\u00e9","cost":1}'
            % (tenant.encode(), session.encode()))
    params = nginx("POST", "/chat", body, HTTP_X_TENANT_ID=tenant, HTTP_X_SESSION_ID=session)
    params.update(headers)
    return params, body


def conversations():
    acme = token("acme")
    yield "status", request(nginx("GET", "/"))
    yield "head", request(nginx("HEAD", "/"), keep=False)
    yield "limits", request(nginx("GET", "/limits", HTTP_X_TENANT_ID="acme", HTTP_X_SESSION_ID=acme))
    session = b'{"tenant_id":"acme"}'
    yield "session", request(nginx("POST", "/session", session, HTTP_X_COST="2"), session, padding=5)
    yield "chat", request(*chat("acme", acme, HTTP_X_API_KEY="k1", HTTP_X_DEVICE="d1"))
    yield "chats", b"".join(request(*chat("acme", acme), request_id=i) for i in (1, 2, 700))
    yield "foreign", request(*chat("globex", acme))
    yield "expired", request(*chat("acme", token("acme", NOW)))
    yield "denied", request(*chat("globex", token("globex")))
    yield "forged", request(*chat("acme", acme[:-3] + "AAA", HTTP_AUTHORIZATION="Bearer x"))
    yield "proxied", request(nginx("GET", "/limits", REMOTE_ADDR="10.0.0.1",
                                   HTTP_X_FORWARDED_FOR="198.51.100.7, 10.0.0.2"))
    yield "not-allowed", request(nginx("DELETE", "/chat"))
    yield "no-such-path", request(nginx("GET", "/../etc"))
    yield "long-value", request(nginx("GET", "/", HTTP_COOKIE="c" * 300))
    yield "odd-names", request({"": "", "A=B": "C", "N": "x\0y", "REQUEST_METHOD": "GET"})
    yield "large-body", request(nginx("POST", "/chat", b"x" * 600), b"x" * 600)
    yield "no-params", record(1, struct.pack(">HB5x", 1, 1)) + record(4, b"") + record(5, b"")
    yield "get-values", record(9, pairs({"FCGI_MAX_CONNS": ""}), 0)
    yield "http", b"GET / HTTP/1.1\r\nHost: api1\r\n\r\n"


def fastcgi():
    for number, (name, data) in enumerate(conversations()):
        sizes = bytes([(0, 7, 63, 255)[number % 4]])
        seed("records", name, bytes([number % 4, 1]) + sizes + data)
        seed("connection", name, bytes([number % 8, 0, 1]) + b"\xff" + data)
    data = request(nginx("GET", "/"))
    seed("connection", "hangs-up", bytes([0, 3, 1, 30]) + data)
    seed("connection", "hangs-up-while-handled", bytes([4, 2, 1, 255]) + data + data)


# --- limits and what is stored of them (harness: any_limit.h)


def limit(algorithm, unit, count, quota, burst=None, alignment=0):
    kind = next(k for k in range(224) if k % 5 == algorithm - 1 and
                (algorithm != 1 or k // 5 % 3 == alignment) and k // 16 % 3 == 0)
    text = struct.pack("<BBII", kind, unit, count - 1, quota)
    return text if burst is None else text + struct.pack("<I", burst)


SECOND, DAY = 1, 4
AT = NOW * 1_000_000
TERMS = struct.pack("<IIQ", 8, 8, 10_000_000)[:14]
DAY_TERMS = struct.pack("<IIQ", 8, 8, 86_400_000_000)[:14]
# Terms that no config can say: a full bucket of them takes more than 64 bits to drain.
ENDLESS = (b"\4" + struct.pack("<IIQ", 1, 10**9, 366 * 86_400_000_000)[:14]
           + struct.pack("<qq", 3_162_240_000_000_000, AT))
# Algorithm: the limit of 8 per 10 seconds, the state of three units, its view.
LIMITS = {
    "fixed_window": (limit(1, SECOND, 10, 8), struct.pack("<BIq", 1, 3, AT)),
    "clock": (limit(1, SECOND, 10, 8, alignment=1), struct.pack("<BIq", 17, 3, AT)),
    "calendar": (limit(1, DAY, 1, 8, alignment=2), struct.pack("<BIq", 33, 3, AT)),
    "sliding_log": (limit(2, SECOND, 10, 8), struct.pack("<Bqqq", 2, AT, AT, AT + 1)),
    "sliding_window": (limit(3, SECOND, 10, 8), struct.pack("<BIIq", 3, 3, 8, AT)),
    "token_bucket": (limit(4, SECOND, 10, 8, 0), struct.pack("<Bqq", 4, 30_000_000, AT)),
    "leaky_bucket": (limit(5, SECOND, 10, 8, 16), struct.pack("<Bqq", 5, 1, AT)),
}


def buckets():
    for name, (rule, state) in LIMITS.items():
        stored = state[:1] + (DAY_TERMS if name == "calendar" else TERMS) + state[1:]
        charges = b"\1\0\0\0\0\0\0\0\x40\x42\x0f\0\0" * 4
        seed("bucket", name, rule + struct.pack("<QB", AT + 2, len(stored)) + stored + charges)
        seed("bucket", name + "-none", rule + struct.pack("<QB", AT, 0) + charges)
        old = LIMITS["token_bucket"][1]
        old = old[:1] + TERMS + old[1:]
        seed("bucket", name + "-changed", rule + struct.pack("<QB", AT + 2, len(old)) + old + charges)
        seed("bucket", name + "-endless",
             rule + struct.pack("<QB", AT + 2, len(ENDLESS)) + ENDLESS + charges)


def replies():
    # The number of charges; for each a limit and a cost; the number of bars, and how long each is set
    # for; the reply.
    everything = b""
    views = b""
    head = struct.pack("<q", AT + 2)
    for name, (rule, state) in LIMITS.items():
        view = struct.pack("<Iqq", 3, AT, AT) if name == "sliding_log" else state[1:]
        charge = rule + struct.pack("<Q", 1)
        seed("take_reply", name, b"\1" + charge + b"\0" + head + b"\0\0" + view)
        seed("take_reply", name + "-lacking",
             b"\1" + rule + struct.pack("<Q", 8) + b"\0" + head + b"\1\0" + view)
        everything += charge
        views += view
    seed("take_reply", "all", bytes([len(LIMITS)]) + everything + b"\0" + head + (b"\0\0" + views) * 2)
    rule, state = LIMITS["clock"]
    one = b"\1" + rule + struct.pack("<Q", 1)
    seed("take_reply", "barred", one + b"\2" + bytes(16) + head + b"\0\x80" + state[1:]
         + struct.pack("<qq", 0, AT + 5_000_000))
    error = b"ERR a bucket holds something else"
    seed("take_reply", "error", one + b"\0" + head + b"\xff\xff" + struct.pack("<H", len(error)) + error)
    seed("take_reply", "error-empty", one + b"\0" + head + b"\xff\xff\0\0" * 2)


def tokens():
    # The number of secrets; expiry, id, lengths, tenant, a change; a payload.
    payload = b"\1" + (NOW + 60).to_bytes(5, "big") + b"\7" * 16 + b"acme"
    for kind in range(5):
        head = bytes([kind]) + struct.pack("<Q", NOW + 60) + b"\xff" * 16
        seed("session_token", f"change-{kind}", head + b"\0\3acme" + bytes([kind, 9, 0, 0xc3]) + payload)
    seed("session_token", "longest", b"\3" + bytes(8) + bytes(16) + b"\x3f\0a" + b"\2\0\0_"
         + payload + b"x" * 60)


fastcgi()
buckets()
replies()
tokens()
