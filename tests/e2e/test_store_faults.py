"""Redis stops, dies, forgets, refuses; workers die. The policy answers, in time; nobody hangs."""
import contextlib
import os
import signal
import struct
import subprocess
import threading
import time

import pytest

import tokens
from config_text import config_text
from harness import SLOWNESS, Stack, eventually
from http_client import Client

pytestmark = pytest.mark.both

QUOTA = 100_000
FIRST_ANSWER = 0.3 * SLOWNESS  # a worker's first in an outage: the store's deadline is 0.1 s
LATER_ANSWER = 0.1 * SLOWNESS
PROBED_AGAIN = 0.5 * SLOWNESS  # all who ask how the store is share an answer, for a tenth of a second
ALLOWING, DENYING = "globex", "acme"


@pytest.fixture(scope="module")
def own():
    rates = {tenant: f"{QUOTA}/10 minutes" for tenant in (ALLOWING, DENYING)}
    policies = {ALLOWING: "allow", DENYING: "deny"}
    with Stack(config_text(rates, on_store_error=policies)) as running:
        running.second_redis = None
        yield running
        if running.second_redis:
            running.second_redis.kill()
            running.second_redis.wait()


def new_connections(stack, each=6):
    """Clients that between them meet every worker."""
    for port in stack.ports * each:
        with Client(port) as client:
            yield client


def store_is(stack, status):
    return all(client.get().json["store"] == {"status": status}
               for client in new_connections(stack, 3))


@pytest.fixture
def faulty(own):
    """The stack with full quotas; whatever the test breaks, it is whole again afterwards."""
    own.refill()
    yield own
    eventually(lambda: store_is(own, "up"), within=5 * SLOWNESS)


@pytest.fixture
def sessions(faulty):
    with Client(faulty.port1) as client:
        return {tenant: client.open_session(tenant) for tenant in (ALLOWING, DENYING)}


@contextlib.contextmanager
def paused(stack):
    pid = stack.redis_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def assert_policy(answer, tenant):
    """The answer of a tenant's on_store_error, and nothing that looks like a limit's."""
    assert answer.field("RateLimit") is None and answer.field("X-RateLimit-Remaining") is None
    if tenant == ALLOWING:
        assert (answer.status, answer.json["reply"]) == (200, "during")
        assert answer.json["message_number"] is None
    else:
        assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
        assert answer.field("Retry-After") == "1"
        assert answer.field("Cache-Control") == "no-store"


def assert_outage_is_handled(stack, sessions):
    durations = {ALLOWING: [], DENYING: []}
    for client in new_connections(stack, 12):
        for tenant, session in sessions.items():
            start = time.monotonic()
            assert_policy(client.chat(tenant, session, "during"), tenant)
            durations[tenant].append(time.monotonic() - start)
    for spans in durations.values():
        assert max(spans) <= FIRST_ANSWER, spans
        assert max(spans[len(spans) // 2:]) <= LATER_ANSWER, spans
    eventually(lambda: store_is(stack, "down"), within=PROBED_AGAIN)


def assert_served(stack, sessions):
    for client in new_connections(stack):
        for tenant, session in sessions.items():
            answer = client.chat(tenant, session)
            assert answer.status == 200 and answer.field("X-RateLimit-Remaining"), answer


def test_paused_redis_is_answered_for_by_the_policy_in_time(faulty, sessions):
    with paused(faulty):
        assert_outage_is_handled(faulty, sessions)
    eventually(lambda: store_is(faulty, "up"), within=3 * SLOWNESS)
    assert_served(faulty, sessions)


def test_readiness_follows_the_store_and_liveness_does_not(faulty):
    def ready_is(status):
        return all(client.request("GET", "/readyz").status == status
                   for client in new_connections(faulty, 3))
    with paused(faulty):
        eventually(lambda: ready_is(503), within=3 * SLOWNESS)
        with Client(faulty.port1) as client:
            answer = client.request("GET", "/readyz")
            assert (answer.status, answer.json["status"]) == (503, "down")
            assert answer.json["reason"]
            assert answer.field("Retry-After") == "1"
            assert client.request("GET", "/livez").status == 200
    eventually(lambda: ready_is(200), within=3 * SLOWNESS)


def bucket_of(store, session):
    """The Redis key of a session's chat bucket."""
    key, = store.keys(b"*" + tokens.decode(session)[6:22].hex().encode())
    return key


def set_used(store, key, used):
    """As if so many units of the open window had been used (limits/bucket.h has the bytes)."""
    store.setrange(key, 15, struct.pack("<I", used))


class Chatter(threading.Thread):
    """Chats until told to stop; each answer must be its own: nonce, session and count."""

    def __init__(self, stack, number, tenant, stop):
        super().__init__()
        self.client = Client(stack.ports[number % 2])
        self.tenant, self.number, self.stop = tenant, number, stop
        self.low = 1000 * 10 * (number + 1)  # the counts of two chatters never meet
        with Client(stack.port1) as client, stack.redis() as store:
            self.session = client.open_session(tenant)
            client.chat(tenant, self.session)
            key = bucket_of(store, self.session)
            set_used(store, key, self.low)
        self.statuses, self.failure = [], None
        self.slowest = 0.0

    def run(self):
        try:
            last = self.low
            while not self.stop.is_set():
                nonce = f"{self.number}:{len(self.statuses)}"
                start = time.monotonic()
                answer = self.client.chat(self.tenant, self.session, nonce)
                self.slowest = max(self.slowest, time.monotonic() - start)
                self.statuses.append(answer.status)
                if answer.status != 200:
                    continue
                body = answer.json
                assert (body["reply"], body["session_id"]) == (nonce, self.session)
                if body["message_number"] is not None:
                    assert last < body["message_number"] <= self.low + len(self.statuses)
                    assert int(answer.field("X-RateLimit-Remaining")) == \
                        QUOTA - body["message_number"]
                    last = body["message_number"]
        except BaseException as failure:
            self.failure = failure


@contextlib.contextmanager
def load(stack, tenant=ALLOWING, threads=6):
    """Chatters at work; on leaving, each must have got its own answers and enough of them."""
    stop = threading.Event()
    chatters = [Chatter(stack, number, tenant, stop) for number in range(threads)]
    for chatter in chatters:
        chatter.start()

    def everybody_gets(more):
        goals = [len(chatter.statuses) + more for chatter in chatters]
        eventually(lambda: all(len(chatter.statuses) >= goal or chatter.failure
                               for chatter, goal in zip(chatters, goals)), within=20)
    try:
        yield chatters, everybody_gets
        everybody_gets(20)
    finally:
        stop.set()
        for chatter in chatters:
            chatter.join()
    assert [chatter.failure for chatter in chatters] == [None] * threads


@pytest.mark.parametrize("tenant,expected", [(ALLOWING, {200}), (DENYING, {200, 503})])
def test_pauses_under_load_swap_no_replies_and_hang_nobody(faulty, tenant, expected):
    with load(faulty, tenant) as (chatters, everybody_gets):
        for _ in range(3):
            everybody_gets(20)
            with paused(faulty):
                everybody_gets(3)
            eventually(lambda: store_is(faulty, "up"), within=3 * SLOWNESS)
    statuses = {status for chatter in chatters for status in chatter.statuses}
    assert statuses == expected
    assert max(chatter.slowest for chatter in chatters) <= 0.4 * SLOWNESS


def test_killed_redis_is_found_again_at_its_socket(faulty, sessions):
    pid = faulty.redis_pid()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid not in faulty.processes("redis-server"))
    assert_outage_is_handled(faulty, sessions)
    if faulty.second_redis:
        faulty.second_redis.wait()
    faulty.second_redis = subprocess.Popen(
        ["redis-server", str(faulty.run_dir / "redis.conf")], cwd=faulty.run_dir,
        stdout=subprocess.DEVNULL)
    eventually(lambda: store_is(faulty, "up"), within=3 * SLOWNESS)
    assert_served(faulty, sessions)


def test_scripts_flushed_under_load_fail_no_request(faulty):
    with load(faulty, DENYING) as (chatters, everybody_gets), faulty.redis() as store:
        for _ in range(40):
            store.script_flush()
            everybody_gets(2)
    assert {status for chatter in chatters for status in chatter.statuses} == {200}


def test_password_changed_meanwhile_is_an_outage_until_it_is_taken_back(faulty, sessions):
    with faulty.redis() as store:
        password, = store.acl_getuser("sluice")["passwords"]
        store.execute_command("ACL", "SETUSER", "sluice", "resetpass", ">another")
        store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:
            eventually(lambda: store_is(faulty, "down"))
            assert_outage_is_handled(faulty, sessions)
        finally:
            store.execute_command("ACL", "SETUSER", "sluice", "resetpass", f"#{password}")
    eventually(lambda: store_is(faulty, "up"), within=3 * SLOWNESS)
    assert_served(faulty, sessions)


@pytest.mark.parametrize("spoil", [
    lambda store, key: store.sadd(key, "x"), lambda store, key: store.set(key, "rubbish"),
    lambda store, key: store.set(key, "-5 99"), lambda store, key: store.hset(key, "a", "b")])
def test_key_of_another_kind_denies_until_it_is_gone(faulty, sessions, spoil):
    with Client(faulty.port1) as client, faulty.redis() as store:
        for tenant, session in sessions.items():  # a fault is never allowed, whatever the policy
            client.chat(tenant, session)
            key = bucket_of(store, session)
            store.delete(key)
            spoil(store, key)
            for _ in range(3):
                answer = client.chat(tenant, session)
                assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
                assert answer.field("Retry-After") == "1"
            store.delete(key)
            answer = client.chat(tenant, session)
            assert (answer.status, answer.json["message_number"]) == (200, 1)


def test_key_without_expiry_gets_one_again_with_its_next_window(faulty, sessions):
    with Client(faulty.port1) as client, faulty.redis() as store:
        client.chat(DENYING, sessions[DENYING])
        key = bucket_of(store, sessions[DENYING])
        store.persist(key)
        assert store.pttl(key) == -1
        assert client.chat(DENYING, sessions[DENYING]).json["message_number"] == 2
        store.setrange(key, 19, bytes(8))  # as if the window had opened in 1970
        assert client.chat(DENYING, sessions[DENYING]).json["message_number"] == 1
        assert 0 < store.pttl(key) <= 600_000


def test_full_redis_is_an_outage_and_opens_no_exhausted_bucket(faulty, sessions):
    with faulty.redis() as store, Client(faulty.port1) as client:
        exhausted = client.open_session(ALLOWING)
        client.chat(ALLOWING, exhausted)
        key = bucket_of(store, exhausted)
        set_used(store, key, QUOTA)
        store.config_set("maxmemory", 1)
        try:
            for other in new_connections(faulty):
                for tenant, session in sessions.items():
                    assert_policy(other.chat(tenant, session, "during"), tenant)
                assert other.chat(ALLOWING, exhausted).status == 429
            eventually(lambda: store_is(faulty, "down"), within=PROBED_AGAIN)
        finally:
            store.config_set("maxmemory", 0)
        assert_served(faulty, sessions)


def test_killed_worker_is_replaced_and_its_pool_goes_on(faulty, sessions):
    before = faulty.workers()
    victim = min(faulty.workers("api1"))
    os.kill(victim, signal.SIGKILL)
    statuses = [client.chat(DENYING, sessions[DENYING]).status
                for client in new_connections(faulty, 20)]
    assert statuses.count(200) >= len(statuses) - 1, statuses  # the one that was in its hands
    assert set(statuses) <= {200, 503}
    eventually(lambda: len(faulty.workers()) == len(before), within=3 * SLOWNESS)
    assert faulty.workers() & before == before - {victim}
    eventually(lambda: store_is(faulty, "up"), within=3 * SLOWNESS)
    assert_served(faulty, sessions)


def test_all_workers_killed_at_once_come_back_with_the_same_counts(faulty):
    with Client(faulty.port1) as client:
        session = client.open_session("initech")
        assert [client.chat("initech", session).status for _ in range(7)] == [200] * 6 + [429]
    before = faulty.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(faulty.workers() - before) == len(before), within=3 * SLOWNESS)

    def answers():
        return [client.chat("initech", session) for client in new_connections(faulty, 3)]
    for answer in answers():
        assert answer.status in (429, 503) and answer.detail
    eventually(lambda: {answer.status for answer in answers()} == {429}, within=3 * SLOWNESS)
