"""The gate and request bodies: they go past it to the application, whole, and nobody keeps them."""
import hashlib
import http.client
import json
import os
import re
import socket
from pathlib import Path

import pytest

from gate import CONFIG, UPSTREAM, charges, program, shows_limits
from harness import eventually
from http_client import TIMEOUT, Client, parse_answers
from module import FORMS, gated

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

SERVER = """
    include sluice_server.conf;
    client_max_body_size 200m;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / { include sluice_gate.conf; }
    location /node/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:NODE/; }
    location /tight/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:NODE/; }
    location /stream/ {
        include sluice_gate.conf;
        proxy_pass http://127.0.0.1:NODE/;
        proxy_request_buffering off;
    }
"""

MEGABYTE = 1 << 20
UPLOAD = 100  # MB
PEAK = 48 * MEGABYTE  # of memory of a process that they go through


@pytest.fixture(scope="module")
def upstream():
    """The application itself, without nginx."""
    with program(*UPSTREAM) as running, Client(running.port) as client:
        yield client


@pytest.fixture(scope="module", params=FORMS)
def site(pool, upstream, tmp_path_factory, request):
    server = SERVER.replace("NODE", str(upstream.port))
    with gated(request.param, tmp_path_factory.mktemp("site"), pool, server) as running:
        yield running


def pieces(count, digest):
    """A large body, never in memory as a whole; `digest` takes all of it."""
    rest = os.urandom(MEGABYTE - 8)
    for number in range(count):
        piece = number.to_bytes(8, "big") + rest
        digest.update(piece)
        yield piece


def upload(site, path, body, length, chunked):
    """The application's account of a body that is sent with its length, or in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    field = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(length)}
    connection.request("PUT", path, body, field, encode_chunked=chunked)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    account = json.loads(answer.read())
    connection.close()
    return account


def fields_of(account):
    """What the application saw, by name."""
    names, values = account["fields"][::2], account["fields"][1::2]
    return {name.lower(): value for name, value in zip(names, values)}


def peak(pid):
    """The most memory that a process has had, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


@pytest.mark.parametrize("path", ["/node/", "/stream/"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_large_body_comes_whole_and_nobody_keeps_it_in_memory(site, client, pool, path, chunked):
    digest = hashlib.sha256()
    with charges(client) as seen:
        account = upload(site, path, pieces(UPLOAD, digest), UPLOAD * MEGABYTE, chunked)
    assert (account["length"], account["sha256"]) == (UPLOAD * MEGABYTE, digest.hexdigest())
    assert seen.units == 1
    streams = chunked and path == "/stream/"
    assert fields_of(account).get("content-length") == (None if streams else str(UPLOAD * MEGABYTE))
    for pid in [*site.workers(), *pool.workers("api1")]:
        assert peak(pid) < PEAK, Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_streams_through_the_gate(site, upstream, chunked):
    """The application has the first half before the second half is sent."""
    half = os.urandom(MEGABYTE)

    def halves():
        yield half
        eventually(lambda: upstream.get("/received").json["received"] == MEGABYTE)
        yield half
    account = upload(site, "/stream/", halves(), 2 * MEGABYTE, chunked)
    assert account["sha256"] == hashlib.sha256(half * 2).hexdigest()


def begin_with_expect(site, path, length):
    peer = socket.create_connection(("127.0.0.1", site.port), timeout=TIMEOUT)
    peer.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n"
                 "Connection: close\r\n\r\n".encode())
    return peer


@pytest.mark.parametrize("path", ["/node/", "/stream/"])
def test_a_client_that_waits_for_100_is_told_to_go_on(site, client, path):
    body = os.urandom(200_000)
    with charges(client) as seen, begin_with_expect(site, path, len(body)) as peer:
        go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
        assert peer.recv(len(go_on), socket.MSG_WAITALL) == go_on
        peer.sendall(body)
        answer, = parse_answers(b"".join(iter(lambda: peer.recv(65536), b"")))
    assert answer.status == 200 and answer.json["sha256"] == hashlib.sha256(body).hexdigest()
    assert shows_limits(answer) and seen.units == 1


def test_a_denied_client_that_waits_for_100_gets_429_without_sending(site, client):
    assert client.get("/tight/x").status == 200
    with begin_with_expect(site, "/tight/x", 200_000) as peer:
        received = b""
        while b"429" not in received:
            received += peer.recv(65536)
    # nginx 1.22 may say 100 first: it then reads what it throws away.
    assert re.match(rb"(HTTP/1.1 100 Continue\r\n\r\n)?HTTP/1.1 429 ", received), received
