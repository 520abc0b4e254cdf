"""The attacks of the threat model: what each attacker gets, and that others are served meanwhile."""
import collections
import contextlib
import http.client
import itertools
import json
import os
import random
import re
import resource
import secrets
import socket
import subprocess
import threading
import time

import pytest

import fcgi
import tokens
from harness import FULL_SET, SLOWNESS, SLUICE, Stack
from http_client import Client, raw_post

PER_TENANT, PER_NETWORK = 500, 20
DEFAULT, ACME, DEVICE, FAILURES = 5, 8, 3, 30
CONFIG = f"""
new_buckets = {{ per_tenant = {PER_TENANT}; per_network = {PER_NETWORK}; }};
fastcgi = {{ stall_timeout_ms = 2000; }};
storage = {{ deadline_ms = 2000; }};
defaults = (
  {{ name = "chat"; scope = "ip"; routes = ["chat"]; rate = "{DEFAULT}/hour"; }},
  {{ name = "session"; scope = "ip"; routes = ["session"]; rate = "1000/hour"; }},
  {{ name = "identity_failure"; scope = "ip"; routes = ["identity_failure"];
    rate = "{FAILURES}/hour"; }}
);
plans = (
  {{ id = "small"; limits = (
    {{ name = "chat"; scope = "session"; routes = ["chat"]; rate = "{ACME}/hour"; }} ); }},
  {{ id = "large"; limits = (
    {{ name = "chat"; scope = "session"; routes = ["chat"]; rate = "1000000/hour"; }} ); }},
  {{ id = "device"; limits = (
    {{ name = "chat"; scope = "header:X-Device"; routes = ["chat"]; rate = "{DEVICE}/hour"; }} ); }}
);
tenants = ( {{ id = "acme"; plan = "small"; }}, {{ id = "globex"; plan = "large"; }},
            {{ id = "a-b"; plan = "small"; }}, {{ id = "initech"; plan = "device"; }} );
"""


@pytest.fixture(scope="module")
def besieged():
    with Stack(config=CONFIG) as running:
        yield running


@pytest.fixture
def stack(besieged):
    besieged.refill()
    besieged.forget_newcomers()
    before = besieged.workers()
    with served_meanwhile(besieged):
        yield besieged
    assert besieged.workers() == before, "a worker died"


@contextlib.contextmanager
def served_meanwhile(stack, reloads=0):
    """A well-behaved tenant that asks all the time, on both ports, and gets every answer in time.

    A reload of nginx may close each of its idle connections just as it sends: then it sends again.
    """
    ended = threading.Event()
    seen, closed = [], []

    def ask():
        with contextlib.ExitStack() as clients:
            both = [clients.enter_context(Client(port, source="127.0.9.9", timeout=30))
                    for port in stack.ports]
            session = both[0].open_session("globex")
            for client in itertools.cycle(both):
                start = time.monotonic()
                try:
                    status = client.chat("globex", session).status
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                    closed.append(client.port)
                    client.close()
                    continue
                seen.append((status, time.monotonic() - start))
                if ended.wait(0.01):
                    return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert {status for status, _ in seen} == {200}, collections.Counter(seen)
    assert len(closed) <= 2 * reloads, closed
    # A tenth of a second is the most that a request waits for Redis.
    slowest = sorted(took for _, took in seen)[int(len(seen) * 0.99)]
    assert slowest < 0.5 * SLOWNESS, slowest


def keys(stack):
    with stack.redis() as client:
        return [key.decode() for key in client.scan_iter(count=10000)]


def memory(stack):
    with stack.redis() as client:
        return client.info("memory")["used_memory"]


def chat_request(address, tenant=None, session=None, fields=()):
    members = {"message": "x", "tenant_id": tenant, "session_id": session}
    body = json.dumps({name: value for name, value in members.items() if value}).encode()
    shown = [(b"HTTP_X_TENANT_ID", tenant), (b"HTTP_X_SESSION_ID", session)]
    shown = [(name, value.encode()) for name, value in shown if value]
    return fcgi.request(fcgi.params("POST", "/chat", address, body, [*shown, *fields]), body)


def flood(stack, requests):
    """Straight to one worker's socket, over a few connections at once; counts the statuses."""
    statuses = collections.Counter()
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(fcgi.Connection(stack.sockets()[0], timeout=30))
                       for _ in range(32)]
        waiting = iter(requests)
        while True:
            asked = [connection for connection, request in zip(connections, waiting)
                     if connection.send(request)]
            if not asked:
                return statuses
            statuses.update(connection.read_answer().status for connection in asked)


def ask_all(port, source, calls):
    with Client(port, source=source) as client:
        return collections.Counter(call(client).status for call in calls)


def open_session(stack, tenant, source="127.0.9.8"):
    with Client(stack.port1, source=source) as client:
        return client.open_session(tenant)


@pytest.mark.reads_body
def test_rotating_the_session_id_buys_nothing(stack):
    session = open_session(stack, "acme")
    body = {"tenant_id": "acme", "session_id": session, "message": "x"}

    def over_a_valid_body(number):
        fields = [("X-Tenant-ID", "acme"), ("X-Session-ID", f"rotated-{number}")]
        return lambda client: client.post("/chat", body, fields)

    assert ask_all(stack.port1, "127.0.2.1", map(over_a_valid_body, range(100))) == {
        400: DEFAULT, 429: 100 - DEFAULT}
    invented = [lambda client, n=n: client.chat("acme", secrets.token_urlsafe(42))
                for n in range(200)]
    assert ask_all(stack.port1, "127.0.2.1", invented) == {401: FAILURES, 429: 200 - FAILURES}
    with Client(stack.port1) as victim:
        assert victim.chat("acme", session).field("X-RateLimit-Remaining") == str(ACME - 1)


def test_dropping_headers_leads_to_one_more_bucket_and_no_further(stack):
    session = open_session(stack, "acme")
    tenant_field, session_field = ("X-Tenant-ID", "acme"), ("X-Session-ID", session)
    whole = {"tenant_id": "acme", "session_id": session, "message": "x"}
    bodies = [{name: whole[name] for name in names} for names in (
        ("message",), ("tenant_id", "message"), ("session_id", "message"), tuple(whole))]
    heads = [(), (tenant_field,), (session_field,), (tenant_field, session_field)]
    ways = list(itertools.product(bodies, heads)) * 4
    random.Random(7).shuffle(ways)
    calls = [lambda client, way=way: client.post("/chat", *way) for way in ways]
    statuses = ask_all(stack.port2, "127.0.2.2", calls)
    assert set(statuses) == {200, 429}
    assert statuses[200] <= ACME + DEFAULT


@pytest.mark.parametrize("tenant", ["acme:chat", "a:b", "a}:chat", "{acme}", "acme}:x:{acme",
                                    "a-b:session", "@", "@4:7f000001", "*", "acme "])
def test_ids_with_colons_and_braces_meet_no_other_bucket(stack, tenant):
    session = open_session(stack, "acme")
    for claimed in (session, f"{session}:x", "b:c", "}"):
        answer = fcgi.ask(stack.sockets()[0],
                          chat_request("192.0.2.9", tenant, claimed))
        assert answer.status == 404, (tenant, answer)
    made = [key for key in keys(stack) if "c0000209" in key]
    assert made == ["sluice:v3:{@4:c0000209}:identity_failure:ip"]


def test_header_values_with_colons_and_braces_have_buckets_of_their_own(stack):
    session = open_session(stack, "initech")

    def left(device):
        answer = fcgi.ask(stack.sockets()[0], chat_request(
            "192.0.2.10", "initech", session, [(b"HTTP_X_DEVICE", device)]))
        return answer.status, answer.field("X-RateLimit-Remaining")

    values = [b"a", b"a:b", b"b:a", b"a:b:c", b"a}", b"{a}", b"a b", b"A", b"\xc3\xa4"]
    assert [left(value) for value in values] == [(200, str(DEVICE - 1))] * len(values)
    for key in keys(stack):
        assert key.replace("{", "", 1).replace("}", "", 1).translate(
            str.maketrans("", "", "abcdefghijklmnopqrstuvwxyz0123456789:-_@")) == "", key


def test_a_header_that_is_rotated_buys_so_many_buckets_and_then_one(stack):
    session = open_session(stack, "initech")
    requests = (chat_request("192.0.2.11", "initech", session,
                             [(b"HTTP_X_DEVICE", secrets.token_hex(8).encode())])
                for _ in range(1000))
    assert flood(stack, requests)[200] == PER_NETWORK + DEVICE
    # Another network of the tenant is not touched by it.
    answer = fcgi.ask(stack.sockets()[0], chat_request(
        "198.51.100.1", "initech", session, [(b"HTTP_X_DEVICE", b"mine")]))
    assert (answer.status, answer.field("X-RateLimit-Remaining")) == (200, str(DEVICE - 1))


def test_forwarding_headers_are_not_believed(stack):
    def spoofed(number):
        value = f"192.0.2.{number % 250}"
        fields = [("X-Forwarded-For", f"{value}, 127.0.0.1"), ("X-Real-IP", value),
                  ("Forwarded", f"for={value}"), ("True-Client-IP", value)]
        return lambda client: client.post("/chat", {"message": "x"}, fields)

    statuses = ask_all(stack.port1, "127.0.2.3", map(spoofed, range(200)))
    assert statuses == {200: DEFAULT, 429: 200 - DEFAULT}
    with Client(stack.port1, source="127.0.2.4") as victim:
        assert victim.chat_by_body().field("X-RateLimit-Remaining") == str(DEFAULT - 1)


def test_addresses_of_a_64_are_one_client_and_a_48_opens_so_many_buckets(stack):
    one = (chat_request(f"2001:db8:1:2::{number:x}") for number in range(1, 101))
    assert flood(stack, one) == {200: DEFAULT, 429: 100 - DEFAULT}
    many = (chat_request(f"2001:db8:2:{number:x}::1") for number in range(1000))
    assert flood(stack, many)[200] == PER_NETWORK + DEFAULT
    neighbour = fcgi.ask(stack.sockets()[0], chat_request("2001:db8:3::1"))
    assert (neighbour.status, neighbour.field("X-RateLimit-Remaining")) == (200, str(DEFAULT - 1))


def test_a_spray_of_addresses_leaves_a_bounded_number_of_keys(stack):
    count = 20_000 if FULL_SET else 5_000
    dice = random.Random(11)
    requests = (chat_request(f"2{dice.randrange(0x1000):03x}:{dice.randrange(0x10000):x}:"
                             f"{dice.randrange(0x10000):x}::1") for _ in range(count))
    before = memory(stack)
    statuses = flood(stack, requests)
    assert statuses[200] == PER_TENANT + DEFAULT
    made = len(keys(stack))
    print(f"{count} addresses: {made} keys, {memory(stack) - before} bytes more")
    assert made <= PER_TENANT + 10


def test_a_hundred_thousand_invented_sessions_leave_no_key(stack):
    count = 100_000 if FULL_SET else 20_000
    requests = (chat_request("192.0.2.12", "acme", secrets.token_urlsafe(42))
                for _ in range(count))
    before = memory(stack)
    assert flood(stack, requests) == {401: FAILURES, 429: count - FAILURES}
    assert len(keys(stack)) < 10
    grown = memory(stack) - before
    print(f"{count} invented sessions: {len(keys(stack))} keys, {grown} bytes more")
    assert grown < 1_000_000


def test_genuine_sessions_beyond_the_bounds_share_a_bucket(stack):
    count = 100_000 if FULL_SET else 10_000
    secret = tokens.secret_of(stack)
    head = tokens.decode(open_session(stack, "acme"))[:-tokens.TAG_BYTES]

    def session():
        return tokens.signed(head[:6] + secrets.token_bytes(16) + head[22:], secret)

    own = session()
    with Client(stack.port1) as client:
        assert client.chat("acme", own).status == 200
    one_network = (chat_request("192.0.2.13", "acme", session()) for _ in range(1000))
    assert flood(stack, one_network)[200] == PER_NETWORK + ACME
    neighbour = fcgi.ask(stack.sockets()[0], chat_request("192.0.2.15", "acme", session()))
    assert neighbour.field("X-RateLimit-Remaining") == str(ACME - 1), "a bucket of his own"
    before = memory(stack)
    many = (chat_request(f"198.18.{n % 200}.{n // 200 % 250}", "acme", session())
            for n in range(count))
    assert flood(stack, many)[200] == PER_TENANT - PER_NETWORK - 2 + ACME
    grown = memory(stack) - before
    print(f"{count} genuine sessions: {len(keys(stack))} keys, {grown} bytes more")
    assert len(keys(stack)) <= PER_TENANT + 20
    assert grown < 1_000_000
    with Client(stack.port2) as client:  # who had a bucket keeps it
        assert client.chat("acme", own).field("X-RateLimit-Remaining") == str(ACME - 2)


def test_a_token_that_is_replayed_counts_on_and_one_that_is_cut_is_none(stack):
    session = open_session(stack, "acme")
    statuses = collections.Counter()
    for port, source in zip(stack.ports * 10, itertools.count(1)):
        statuses += ask_all(port, f"127.0.3.{source}",
                            [lambda client: client.chat("acme", session)])
    assert statuses == {200: ACME, 429: 20 - ACME}
    cut = [lambda client, end=end: client.chat("acme", session[:end])
           for end in range(1, len(session))]
    statuses = ask_all(stack.port1, "127.0.2.5", cut)
    assert statuses == {401: FAILURES, 429: len(session) - 1 - FAILURES}


def test_a_session_that_was_ended_is_dead_on_every_worker(stack):
    session, other = open_session(stack, "acme"), open_session(stack, "acme")
    with Client(stack.port1, source="127.0.2.6") as client:
        assert client.request("DELETE", "/session", fields=[("X-Session-ID", session)]).status == 204
    for port in stack.ports * 2:
        with Client(port, source="127.0.2.6") as client:
            assert client.chat("acme", session).status == 401
            fields = [("X-Session-ID", session)]
            assert client.request("GET", "/limits", fields=fields).status == 401
            assert client.request("DELETE", "/session", fields=fields).status == 401
            assert client.chat("acme", other).status == 200
    with stack.redis() as client:
        marks = [key for key in client.keys() if b"@ended" in key]
        assert len(marks) == 1 and session.encode() not in marks[0]
        assert 86_000_000 < client.pttl(marks[0]) <= 86_460_000, "as long as it had left, and a minute"


def test_who_ends_sessions_of_its_own_takes_it_from_nobody_else(stack):
    sessions = [open_session(stack, "acme") for _ in range(PER_NETWORK + 15)]
    mine = open_session(stack, "acme")

    def end(client, session):
        return client.request("DELETE", "/session", fields=[("X-Session-ID", session)])

    answers = []
    for session, port in zip(sessions, itertools.cycle(stack.ports)):
        with Client(port, source="127.0.2.10") as attacker:
            answers.append(end(attacker, session))
    assert [answer.status for answer in answers] == [204] * PER_NETWORK + [429] * 15
    assert answers[-1].detail == ("Too many sessions were ended today from your network; "
                                  "this one ends by itself")
    assert 86_000 < int(answers[-1].field("Retry-After")) <= 86_400
    with Client(stack.port1, source="127.0.2.11") as client:
        assert end(client, mine).status == 204
        assert client.chat("acme", mine).status == 401
        assert client.chat("acme", sessions[-1]).status == 200, "it was not ended"


def test_half_sent_and_slow_bodies_hold_no_worker(stack):
    body = json.dumps({"message": "x"}).encode()
    with contextlib.ExitStack() as opened:
        for port in stack.ports * 100:
            peer = opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            peer.sendall(raw_post("/chat", body, length=len(body) + 100))
        half = chat_request("192.0.2.14")[:-9]
        workers = [opened.enter_context(fcgi.Connection(path, timeout=30))
                   for path in stack.sockets() for _ in range(50)]
        for connection in workers:
            assert connection.send(half)
        for connection in workers:
            assert connection.is_closed(), "given up after stall_timeout_ms"
        with Client(stack.port1, source="127.0.2.7") as client:
            assert client.chat_by_body().status == 200


def test_ten_thousand_idle_connections_leave_room(stack):
    count = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count + 200:
        pytest.skip(f"at most {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = []
    try:
        for number in range(count):
            peer = socket.socket()
            peer.bind((f"127.0.{100 + number % 50}.1", 0))
            peer.connect(("127.0.0.1", stack.ports[number % 2]))
            idle.append(peer)
        for number in range(50):
            with Client(stack.ports[number % 2], source=f"127.0.4.{number + 1}") as client:
                assert client.chat_by_body().status == 200
    finally:
        for peer in idle:
            peer.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_lock_out(answer):
    return answer.detail.startswith("Denied too often")


def test_who_hammers_on_is_locked_out_and_an_operator_can_end_it():
    config = CONFIG + "penalty = { after = 5; first_s = 300; most_s = 300; };"
    with Stack(config=config) as stack, served_meanwhile(stack):
        session = open_session(stack, "acme")
        with Client(stack.port1, source="127.0.2.8") as client:
            for _ in range(ACME):
                assert client.chat("acme", session).status == 200
            # Nobody waits for the count, and of denials that come while one is counted none is.
            denied = [client.chat("acme", session) for _ in range(6)]
            assert not any(is_lock_out(answer) for answer in denied), "five are forgiven"
            while not is_lock_out(denied[-1]):
                assert len(denied) < 100
                denied.append(client.chat("acme", session))
            denied += [client.chat("acme", session) for _ in range(10)]
            assert {answer.status for answer in denied} == {429}
            assert all(is_lock_out(answer) for answer in denied[-10:])
            assert 290 < int(denied[-1].field("Retry-After")) <= 3600
            # The quota again, and the lock-out still holds, on the other pool too.
            def operate(verb):
                done = subprocess.run(
                    [SLUICE, verb, "-c", stack.config, "--session", session],
                    capture_output=True, text=True, check=True, timeout=30,
                    env={**os.environ, "SLUICE_SECRET_FILE": str(stack.run_dir / "secret"),
                         "RATE_LIMIT_STORAGE_URI": f"unix://{stack.run_dir}/redis.sock"})
                return done.stdout
            assert re.search(r"^locked out for (29|30)\d s$", operate("peek"), re.M)
            limits = client.request("GET", "/limits", fields=[
                ("X-Tenant-ID", "acme"), ("X-Session-ID", session)]).json
            assert 290 <= limits["locked_out_for"] <= 300
            with Client(stack.port2, source="127.0.2.8") as other:
                assert is_lock_out(other.chat("acme", session))
                assert other.chat_by_body().status == 200, "another caller of that address"
            assert "denials are forgotten" in operate("reset")
            assert client.chat("acme", session).status == 200


def test_a_secret_that_was_rotated_out_signs_for_nobody():
    with Stack(config=CONFIG) as stack:
        secret_file = stack.run_dir / "secret"
        old = open_session(stack, "acme")
        first = secret_file.read_text()
        second = secrets.token_hex(32) + "\n"

        def after(text):
            secret_file.write_text(text)
            stack.restart()
            with Client(stack.port1) as client:
                return client.chat("acme", old).status

        with served_meanwhile(stack, reloads=1):
            assert after(second + first) == 200, "the old one still verifies"
        fresh = open_session(stack, "acme")
        assert tokens.secret_of(stack).hex() == second.strip()
        assert after(second) == 401
        with Client(stack.port2) as client:
            assert client.chat("acme", fresh).status == 200
