"""Exact counts where many charge few keys at once: several processes, each as fast as it can."""
import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

import fcgi
from harness import SLOWNESS, Stack, eventually
from http_client import Client

pytestmark = pytest.mark.both

CLIENTS = 4  # processes, and as many workers
CONNECTIONS = 16  # of each client to its worker, which answers one request at a time on each
PIPELINE = 200  # calls of the script in flight
WINDOW_DAYS = 300

# Of these parts of what is sent, at a quota of 5/16: far above, just above, and below.
WEIGHTS = (0.5, 0.35, 0.15)

# How much each client sends. Each take of a sliding log reads and writes 8 bytes for every unit in
# it, and the quota of one is bounded for that reason.
TAKES = {"fixed_window": 20_000, "sliding_log": 2_000, "sliding_window": 20_000,
         "token_bucket": 20_000, "leaky_bucket": 20_000}

# What the script says of a decision on one charge, behind the time: as bits, which do not fit.
VERDICT = slice(8, 10)
ALLOWED, DENIED = b"\0\0", b"\1\0"


def quota_of(takes):
    return takes * CLIENTS * 5 // 16


def takes_of(algorithm):
    return TAKES[algorithm] // SLOWNESS


def tenant_of(algorithm):
    return algorithm.replace("_", "-")


def config():
    plans = ",\n".join(
        f'{{ id = "{tenant_of(algorithm)}"; limits = ( {{\n'
        f'    name = "chat"; routes = ["chat"]; scope = "session"; algorithm = "{algorithm}";\n'
        f'    rate = "{quota_of(takes_of(algorithm))}/{WINDOW_DAYS} days"; }} ); }}'
        for algorithm in TAKES)
    tenants = ", ".join(f'{{ id = "{tenant_of(algorithm)}"; plan = "{tenant_of(algorithm)}"; }}'
                        for algorithm in TAKES)
    # A take that times out may have been charged all the same.
    return (f"storage = {{ deadline_ms = 30000; }};\nplans = (\n{plans}\n);\n"
            f"tenants = ( {tenants} );\n")


@pytest.fixture(scope="module")
def crowd():
    with Stack(config(), WORKERS=str(CLIENTS // 2)) as running:
        yield running


def all_sockets(stack):
    return stack.sockets("api1") + stack.sockets("api2")


def open_sessions(stack, algorithm):
    with Client(stack.port1) as client:
        return [client.open_session(tenant_of(algorithm)) for _ in WEIGHTS]


def chat(tenant, session):
    body = b'{"message":"x"}'
    return fcgi.request(fcgi.params("POST", "/chat", body=body, fields=[
        (b"HTTP_X_TENANT_ID", tenant.encode()), (b"HTTP_X_SESSION_ID", session.encode())]), body)


def used_of(stack, algorithm, session):
    """What the store holds against a session, in whole units; asking may take one more."""
    with Client(stack.port2) as client:
        answer = client.chat(tenant_of(algorithm), session)
    left = int(answer.field("X-RateLimit-Remaining"))
    return int(answer.field("X-RateLimit-Limit")) - left - (answer.status == 200)


def shuffled(sessions, count, seed):
    """What one client sends."""
    return random.Random(seed).choices(sessions, WEIGHTS, k=count)


def status_of(peer):
    """The status of the answer to request 1, or None if the worker hung up instead. In a hurry."""
    data = b""
    while data[-16:-10] != b"\1\3\0\1\0\x08":  # the record that ends it
        try:
            chunk = peer.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return None
        data += chunk
    assert data[8:16] == b"Status: ", data
    return int(data[16:19])


def worker_at(socket):
    """The pid of the worker behind a socket: the child of what restarts it."""
    watcher = socket.with_suffix(".pid").read_text().split()[0]
    children = Path(f"/proc/{watcher}/task/{watcher}/children")
    return int(eventually(lambda: children.read_text().split())[0])


def send_all(socket, tenant, plan, kills=()):
    """Counts (session, status); the status is None where the worker was killed before it spoke.

    That is in the rounds in `kills`, when a part of a round is in its hands.
    """
    data = {session: chat(tenant, session) for session in set(plan)}
    counts = collections.Counter()

    def connect(stack):
        return [stack.enter_context(fcgi.Connection(socket, timeout=20 * SLOWNESS))
                for _ in range(CONNECTIONS)]
    with contextlib.ExitStack() as stack:
        connections = connect(stack)
        for number, start in enumerate(range(0, len(plan), CONNECTIONS)):
            sent = list(zip(connections, plan[start:start + CONNECTIONS]))
            victim = worker_at(socket) if number in kills else None
            for position, (connection, session) in enumerate(sent):
                if victim and position == CONNECTIONS // 2:
                    os.kill(victim, signal.SIGKILL)
                assert connection.send(data[session]) or victim
            for connection, session in sent:
                counts[session, status_of(connection.peer)] += 1
            if victim:
                stack.close()
                connections = connect(stack)
    return counts


def in_processes(function, jobs):
    """A process for each job; what they return."""
    with concurrent.futures.ProcessPoolExecutor(
            len(jobs), mp_context=multiprocessing.get_context("fork")) as executor:
        running = [executor.submit(function, *job) for job in jobs]
        return [future.result() for future in running]


def assert_no_unit_drained(algorithm, quota, since):
    """A bucket drains by its quota in each window; it fits one more when a whole unit is gone."""
    drained = quota * (time.monotonic() - since) / (WINDOW_DAYS * 86400)
    assert drained < 0.9 or algorithm not in ("token_bucket", "leaky_bucket"), drained


@pytest.mark.parametrize("algorithm", TAKES)
def test_workers_on_one_redis_allow_exactly_the_smaller_of_sent_and_quota(crowd, algorithm):
    takes = takes_of(algorithm)
    quota = quota_of(takes)
    sessions = open_sessions(crowd, algorithm)
    plans = [shuffled(sessions, takes, seed) for seed in range(CLIENTS)]
    begun = time.monotonic()
    outcomes = sum(in_processes(send_all, [
        (socket, tenant_of(algorithm), plan)
        for socket, plan in zip(all_sockets(crowd), plans, strict=True)]), collections.Counter())
    assert_no_unit_drained(algorithm, quota, begun)

    sent = collections.Counter(session for plan in plans for session in plan)
    assert [sent[session] > quota for session in sessions] == [True, True, False]
    allowed = {session: outcomes[session, 200] for session in sessions}
    assert allowed == {session: min(sent[session], quota) for session in sessions}
    assert {status for _, status in outcomes} == {200, 429}
    assert {session: used_of(crowd, algorithm, session) for session in sessions} == allowed


def test_workers_killed_meanwhile_let_nothing_be_counted_twice_or_not_at_all(crowd):
    algorithm = "fixed_window"
    takes = takes_of(algorithm)
    quota = quota_of(takes)
    sessions = open_sessions(crowd, algorithm)
    plans = [shuffled(sessions, takes, 100 + seed) for seed in range(CLIENTS)]
    rounds = takes // CONNECTIONS
    before = crowd.workers()
    # One client's worker three times while there is room, and once when there is none.
    kills = [rounds * part // 20 for part in (2, 5, 8, 18)]
    counts = in_processes(send_all, [
        (socket, tenant_of(algorithm), plan, kills if number == 0 else ())
        for number, (socket, plan) in enumerate(zip(all_sockets(crowd), plans, strict=True))])
    assert len(crowd.workers() - before) == 1 and len(before - crowd.workers()) == 1
    outcomes = sum(counts, collections.Counter())
    assert {status for _, status in outcomes} == {200, 429, None}
    assert not any(number and status is None for number, count in enumerate(counts)
                   for _, status in count), "a client of a worker that lived was hung up on"

    sent = collections.Counter(session for plan in plans for session in plan)
    for session in sessions:
        received, lost = outcomes[session, 200], outcomes[session, None]
        used = used_of(crowd, algorithm, session)
        assert received <= used <= min(quota, sent[session])
        assert used <= received + lost
        if sent[session] - lost > quota:
            assert used == quota


def call_of(stack, algorithm):
    """How a worker calls the script for one charge, but for the bucket's own key, which is first:
    (digest, the keys of its guards and holds, argument)."""
    session = open_sessions(stack, algorithm)[0]
    with Client(stack.port1) as client, stack.redis() as store, store.monitor() as monitor:
        client.chat(tenant_of(algorithm), session)
        line = b""
        while b'"EVALSHA"' not in line:
            line = monitor.connection.read_response(disable_decoding=True)
    quoted = re.findall(rb'"((?:[^"\\]|\\.)*)"', line)
    name, digest, count, _, *others, argument = [
        text.decode("unicode_escape").encode("latin-1") for text in quoted]
    assert (name, int(count)) == (b"EVALSHA", 1 + len(others)), line
    return digest, others, argument


def take_all(stack, digest, others, argument, plan):
    """Calls the script for each key of the plan; counts (key, verdict)."""
    counts = collections.Counter()
    with stack.redis(socket_timeout=20 * SLOWNESS) as store:
        for start in range(0, len(plan), PIPELINE):
            keys = plan[start:start + PIPELINE]
            with store.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.evalsha(digest, 1 + len(others), key, *others, argument)
                for key, reply in zip(keys, pipeline.execute(), strict=True):
                    counts[key, reply[VERDICT]] += 1
    return counts


@pytest.mark.parametrize("algorithm", TAKES)
def test_script_allows_exactly_the_smaller_of_sent_and_quota(crowd, algorithm):
    takes = takes_of(algorithm)
    quota = quota_of(takes)
    digest, others, argument = call_of(crowd, algorithm)
    keys = [f"{algorithm}:{number}" for number in range(len(WEIGHTS))]
    plans = [shuffled(keys, takes, 200 + seed) for seed in range(CLIENTS)]
    begun = time.monotonic()
    outcomes = sum(in_processes(take_all, [
        (crowd, digest, others, argument, plan) for plan in plans]), collections.Counter())
    assert_no_unit_drained(algorithm, quota, begun)

    sent = collections.Counter(key for plan in plans for key in plan)
    allowed = {key: outcomes[key, ALLOWED] for key in keys}
    assert allowed == {key: min(sent[key], quota) for key in keys}
    assert {verdict for _, verdict in outcomes} == {ALLOWED, DENIED}
