"""The gate and HTTP: what passes it comes to the application, and back, as if there were no gate."""
import functools
import hashlib
import http.client
import http.server
import json
import os
import subprocess

import pytest

from certificates import Authority
from gate import CONFIG, FIELDS, UPSTREAM, application, charges, program, shows_limits
from harness import free_port
from http_client import TIMEOUT, Client, send_raw
from module import FORMS, gated
from websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

SERVER = """
    include sluice_server.conf;
    client_max_body_size 200m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / { include sluice_gate.conf; }
    location /named/ { set $sluice_route site; set $sluice_fact_user x; include sluice_gate.conf; alias html/; }
    location /bare/ { proxy_pass http://127.0.0.1:NODE/; }
    location /node/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:NODE/; }
    location /stream/ {
        include sluice_gate.conf;
        proxy_pass http://127.0.0.1:NODE/;
        proxy_buffering off;
    }
    location ~ ^/(?:tight/)?socket$ {
        include sluice_gate.conf;
        proxy_pass http://127.0.0.1:NODE;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }
    location /tight/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:NODE/; }
    location /python/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:PYTHON/; }
"""


@pytest.fixture(scope="module")
def node():
    with program(*UPSTREAM) as running:
        yield running


@pytest.fixture(scope="module", params=FORMS)
def running(pool, node, tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("site")
    files = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder / "html")
    with application(files) as (python, _):
        server = SERVER.replace("NODE", str(node.port)).replace("PYTHON", str(python))
        second = free_port()
        certificate, key = Authority(folder).issue("site", "IP:127.0.0.1")
        tls = f"listen 127.0.0.1:{second} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};"
        with gated(request.param, folder, pool, server, f"server {{ {tls} root html; {server} }}") as site:
            site.http2 = f"https://127.0.0.1:{second}"
            yield site


@pytest.fixture
def site(running, pool):
    pool.refill()
    return running


@pytest.fixture
def client(site):
    with Client(site.port) as client:
        yield client


@pytest.fixture
def upstream(node):
    """The application itself, without nginx."""
    with Client(node.port) as client:
        yield client


# --- methods, fields, conditions ---------------------------------------------------------------------

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")


@pytest.mark.parametrize("method", METHODS)
def test_the_application_sees_what_it_would_see_without_a_gate(client, method):
    body = None if method in ("GET", "OPTIONS") else b'{"a":1}'
    fields = [("Accept", "*/*"), ("Authorization", "Basic eDp5"), ("Cookie", "a=b; c=d"), ("X-Twice", "1"),
              ("X-Twice", "2"), ("Range", "bytes=0-1"), ("If-None-Match", '"x"'), ("Origin", "https://x.example")]
    bare = client.request(method, "/bare/a%20b?c=%2F", body, fields)
    with charges(client) as seen:
        gated = client.request(method, "/node/a%20b?c=%2F", body, fields)
    assert gated.status == 200 and gated.json == bare.json
    assert gated.json["method"] == method and gated.json["url"] == "/a%20b?c=%2F"
    assert seen.units == 1 and shows_limits(gated)
    ours = {"date", "x-decision-id", *(name.lower() for name in FIELDS)}
    assert ([field for field in gated.fields if field[0] not in ours] ==
            [field for field in bare.fields if field[0] != "date"])


def test_head_has_the_fields_of_get_and_no_body(client):
    for path in ("/plain.txt", "/node/file", "/python/plain.txt"):
        whole = client.get(path)
        with charges(client) as seen:
            head = client.request("HEAD", path)
        assert (head.status, head.body, seen.units) == (200, b"", 1)
        assert head.field("Content-Length") == whole.field("Content-Length") == str(len(whole.body))
        assert shows_limits(head)


@pytest.mark.parametrize("path", ["/plain.txt", "/node/file"], ids=["nginx", "application"])
def test_a_part_of_a_file_is_that_part(client, path):
    whole = client.get(path)
    with charges(client) as seen:
        part = client.request("GET", path, None, [("Range", "bytes=3-9"), ("If-Range", whole.field("ETag"))])
    assert (part.status, part.body, seen.units) == (206, whole.body[3:10], 1)
    assert part.field("Content-Range") == f"bytes 3-9/{len(whole.body)}"
    assert shows_limits(part)


@pytest.mark.parametrize("path,names", [
    ("/plain.txt", ("ETag", "Last-Modified")), ("/node/file", ("ETag", "Last-Modified")),
    ("/python/plain.txt", ("Last-Modified",))], ids=["nginx", "node", "python"])
def test_what_has_not_changed_is_not_sent_again(client, path, names):
    whole = client.get(path)
    for name in names:
        asked = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}[name]
        with charges(client) as seen:
            same = client.request("GET", path, None, [(asked, whole.field(name))])
        assert (same.status, same.body, seen.units) == (304, b"", 1)
        assert shows_limits(same)
        assert client.request("GET", path, None, [(asked, {
            "ETag": '"other"', "Last-Modified": "Thu, 01 Jan 1970 00:00:01 GMT"}[name])]).body == whole.body


@pytest.mark.parametrize("path,most", [("/plain.txt", 248), ("/named/plain.txt", 246)], ids=["matched", "named"])
def test_who_sends_very_many_fields_is_refused(site, path, most):
    """nginx's own words for it, 8 and two more for a route and a fact, are among the 256."""
    for count, status in ((most, 200), (most + 1, 400), (2 * most, 400)):
        fields = "".join(f"X-{number}: x\r\n" for number in range(count - 2))
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"
        answer, = send_raw(site.port, request.encode(), quiet=TIMEOUT)
        assert answer.status == status, answer
        assert status == 200 or answer.detail == "Too many header fields"


# --- HTTP/2 ------------------------------------------------------------------------------------------

def curl(*words, body=None):
    """The answers that curl prints, by HTTP/2."""
    done = subprocess.run(["curl", "-s", "-S", "-k", "--http2", "--max-time", "60", *words], input=body,
                          capture_output=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_http2_is_charged_once_for_each_stream_of_a_connection(site, client):
    with charges(client) as seen:
        said = curl("-Z", "--parallel-max", "20", "-o", "/dev/null", "-w", "%{http_version} %{http_code}\n",
                    f"{site.http2}/folder/?[1-40]")
    assert said.decode().split("\n")[:-1] == ["2 200"] * 40
    assert seen.units == 40


@pytest.mark.parametrize("path", ["/node/", "/stream/"])
@pytest.mark.parametrize("source", ["-", "body"], ids=["without length", "length"])
def test_http2_bodies_come_whole(site, client, tmp_path, path, source):
    body = os.urandom(5_000_007)
    (tmp_path / "body").write_bytes(body)
    with charges(client) as seen:
        said = curl("-T", "-" if source == "-" else str(tmp_path / "body"), f"{site.http2}{path}",
                    body=body)
    account = json.loads(said)
    assert (account["method"], account["sha256"]) == ("PUT", hashlib.sha256(body).hexdigest())
    assert seen.units == 1


def test_http2_shows_the_limits_of_allowed_and_denied(site):
    allowed, denied = (curl("-i", f"{site.http2}/tight/x").decode() for _ in range(2))
    assert allowed.startswith("HTTP/2 200") and denied.startswith("HTTP/2 429")
    for name in FIELDS:
        assert f"\n{name.lower()}: " in allowed and f"\n{name.lower()}: " in denied
    assert "\nretry-after: " in denied and denied.endswith('{"detail":"Rate limit exceeded: 1 per 1 day"}')


# --- WebSocket, server-sent events -------------------------------------------------------------------

def test_a_websocket_is_one_charge_however_much_is_said(site, client):
    with charges(client) as seen:
        with WebSocket(site.port, "/socket") as peer:
            assert peer.answer.status == 101 and shows_limits(peer.answer)
            for kind, payload in ((TEXT, b"hello"), (BINARY, os.urandom(200)), (BINARY, os.urandom(100_000)), (TEXT, b"")):
                peer.send(kind, payload)
                assert peer.receive() == (kind, payload)
            peer.send(PING, b"there?")
            assert peer.receive() == (PONG, b"there?")
            peer.send(CLOSE, b"\x03\xe8")
            assert peer.receive() == (CLOSE, b"\x03\xe8")
            assert peer.file.read() == b""
    assert seen.units == 1


def test_a_denied_websocket_is_a_429(site):
    with WebSocket(site.port, "/tight/socket") as peer:
        assert peer.answer.status == 101
        with WebSocket(site.port, "/tight/socket") as denied:
            assert denied.answer.status == 429 and shows_limits(denied.answer)
            assert denied.answer.detail == "Rate limit exceeded: 1 per 1 day"
        peer.send(TEXT, b"still here")  # who is in stays in
        assert peer.receive() == (TEXT, b"still here")


@pytest.mark.parametrize("path", ["/node/events", "/stream/events"], ids=["buffered", "unbuffered"])
def test_an_event_is_there_before_the_next_one_is_made(site, client, upstream, path):
    with charges(client) as seen:
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=TIMEOUT)
        connection.request("GET", path)
        stream = connection.getresponse()
        assert stream.status == 200 and all(stream.getheader(name) for name in FIELDS)
        assert stream.getheader("Content-Type") == "text/event-stream"
        for number in range(1, 6):
            assert [stream.readline() for _ in range(3)] == [b"id: %d\n" % number, b"data: event %d\n" % number, b"\n"]
            if number < 5:
                assert upstream.get("/next").json["sent"] == number + 1
        assert upstream.get("/end").status == 200
        assert stream.read() == b""
        connection.close()
    assert seen.units == 1
