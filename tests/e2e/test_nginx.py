"""What the shipped nginx files add to an answer, and what they bound."""
import os
import re
import selectors
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest

from harness import ROOT, SLOWNESS, Stack
from http_client import Client, parse_answers, raw_post, send_raw

# nginx and its snippets; the workers of these tests run under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

BODY = b'{"message":"x"}'
SECURITY = {"X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
            "Referrer-Policy": "no-referrer"}
TIMEOUT_S = 10  # of nginx/sluice_hardening.conf


def get(*fields):
    return b"\r\n".join([b"GET / HTTP/1.1", b"Host: x", b"Connection: close", *fields]) + b"\r\n\r\n"


REQUESTS = [
    # of the worker
    ("status", get(), 200), ("chat", raw_post("/chat", BODY), 200),
    ("session", raw_post("/session", b'{"tenant_id":"acme"}'), 201),
    ("bad JSON", raw_post("/chat", b"{"), 400),
    ("unknown tenant", raw_post("/chat", b'{"tenant_id":"x","message":"x"}'), 404),
    ("forged", raw_post("/chat", b'{"session_id":"x","message":"x"}'), 401),
    ("no path", get().replace(b"/ ", b"/nowhere ", 1), 404),
    ("method", get().replace(b"GET", b"PUT", 1), 405),
    # of nginx
    ("no HTTP", b"\0\0\0\0\r\n\r\n", 400), ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("long header", get(b"X-A: " + b"a" * 9000), 400),
    ("long body", raw_post("/chat", b"x" * 70_000), 413),
    ("long path", get().replace(b"/ ", b"/" + b"a" * 20_000 + b" ", 1), 414),
    ("unknown coding", get(b"Transfer-Encoding: x"), 400),
    ("TRACE", get().replace(b"GET", b"TRACE", 1), 405),
]


def assert_guarded(answer):
    for name, value in SECURITY.items():
        assert answer.field(name) == value, (name, answer)
    assert answer.field("Cache-Control") == "no-store", answer


@pytest.mark.parametrize("request_bytes,status", [row[1:] for row in REQUESTS],
                         ids=[row[0] for row in REQUESTS])
def test_every_answer_has_the_security_headers_once_and_is_not_kept(fresh, request_bytes, status):
    answer, = send_raw(fresh.port1, request_bytes)
    assert answer.status == status
    assert_guarded(answer)


def test_denials_and_what_nginx_says_without_workers_have_them_too():
    with Stack() as stack, Client(stack.port1) as client:
        denied = [client.chat_by_body() for _ in range(6)][-1]
        assert denied.status == 429
        assert_guarded(denied)
        for path in stack.sockets("api1"):
            path.unlink()
        for pid in [*stack.processes("bash"), *stack.workers()]:  # in this order, for good
            os.kill(pid, signal.SIGKILL)
        gone = client.chat_by_body()
        assert (gone.status, gone.detail) == (503, "Service unavailable")
        assert gone.field("Retry-After") == "1"
        assert_guarded(gone)


def test_more_than_a_hundred_headers_are_refused_where_nginx_can(fresh):
    config = (fresh.run_dir / "nginx.conf").read_text()
    knows = b"max_headers" in Path(shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin"))\
        .read_bytes()
    assert ("max_headers 100;" in config) == knows
    if not knows:
        pytest.skip("this nginx has no max_headers")
    filler = [b"X-%d: y" % number for number in range(96)]  # and Host, Connection
    assert send_raw(fresh.port1, get(*filler))[0].status == 200
    answer, = send_raw(fresh.port1, get(*filler, b"A: 1", b"B: 2", b"C: 3"))
    assert (answer.status, answer.detail) == (400, "Bad request")


def test_the_shipped_files_name_nothing_that_only_some_nginx_know():
    for path in (ROOT / "nginx").glob("sluice_*"):
        assert not re.search(r"^\s*(max_headers|http2|early_hints)\b", path.read_text(), re.M), path


class Slow:
    """A client that has sent `head` and then sends `drip` a byte a second; None: nothing more."""

    def __init__(self, port, head, drip):
        self.peer = socket.create_connection(("127.0.0.1", port))
        self.peer.sendall(head)
        self.drip = drip
        self.received = b""
        self.closed_after = None


def play(clients, until):
    """Lets each second pass for all of them until `until(clients)`, or 3 times nginx's bound."""
    start = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client.peer, selectors.EVENT_READ, client)
        second = 1
        while not until(clients) and time.monotonic() < start + 3 * TIMEOUT_S * SLOWNESS:
            for key, _ in selector.select(max(0, start + second - time.monotonic())):
                read(key.data, selector, time.monotonic() - start)
            if time.monotonic() >= start + second:
                second += 1
                for client in clients:
                    if client.closed_after is None and client.drip:
                        try:
                            client.peer.send(client.drip)
                        except OSError:
                            pass  # the close is read in a moment


def read(client, selector, after):
    try:
        chunk = client.peer.recv(65536)
    except ConnectionResetError:
        chunk = b""
    client.received += chunk
    if not chunk:
        client.closed_after = after
        selector.unregister(client.peer)


def test_slow_clients_are_cut_and_hold_no_worker(fresh):
    post = raw_post("/chat", BODY, length=60_000)
    slow_header = Slow(fresh.port1, b"GET / HTTP/1.1\r\nX-A: ", b"a")
    stuck_header = Slow(fresh.port1, b"GET / HT", None)
    stuck_body = Slow(fresh.port1, post, None)
    refused_body = Slow(fresh.port1, raw_post("/chat", b"x", length=70_000), b"x")
    cut = [slow_header, stuck_header, stuck_body, refused_body]
    slow_body = Slow(fresh.port1, post, b" ")  # nginx has no bound on this one: README.md says so
    play([*cut, slow_body], lambda _: all(client.closed_after for client in cut))
    for client in cut:
        assert client.closed_after, client.received
        assert client.closed_after < 1.5 * TIMEOUT_S + SLOWNESS, client.received
    assert slow_header.closed_after > TIMEOUT_S / 2
    for client in (slow_header, stuck_body):
        assert [answer.status for answer in parse_answers(client.received)] in ([], [408])
    assert parse_answers(refused_body.received)[0].status == 413
    # 301 bodies are on their way, and no worker knows of one.
    silent = [Slow(fresh.port1, post, b" ") for _ in range(300)]
    with fresh.redis() as client:
        assert client.dbsize() == 0
    with Client(fresh.port1) as client:
        for _ in range(20):
            started = time.monotonic()
            assert client.get().status == 200
            assert time.monotonic() - started < SLOWNESS
    for client in [*cut, slow_body, *silent]:
        client.peer.close()


def test_content_type_twice_is_no_fault_and_hides_nothing(fresh):
    kinds = [b"Content-Type: application/json", b"Content-Type: text/html"]
    for fields in (kinds, kinds[::-1], kinds + kinds):
        answers = send_raw(fresh.port1, raw_post("/chat", BODY, fields))
        assert [answer.status for answer in answers] in ([200], [400]), answers
