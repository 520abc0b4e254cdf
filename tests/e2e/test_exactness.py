"""Never one more than the quota, never one less: many threads, both ports, every worker."""
import collections
import random
import threading

import pytest

from config_text import config_text
from harness import Stack
from http_client import Client

SESSIONS = 40
QUOTA = 20
WINDOW_MS = 600_000
THREADS = 8
PER_THREAD = 600


@pytest.fixture(scope="module")
def roomy():
    with Stack(config_text({"acme": f"{QUOTA}/10 minutes"})) as running:
        yield running


@pytest.fixture(scope="module")
def sessions(roomy):
    opened = []
    for number in range(SESSIONS):  # ten a minute for each address
        with Client(roomy.port1, source=f"127.0.1.{1 + number // 10}") as client:
            opened.append(client.open_session("acme"))
    return opened


class Tally(threading.Thread):
    """Sends messages of random sessions on both ports, and notes what came of each."""

    def __init__(self, stack, plan):
        super().__init__()
        self.clients = [Client(port) for port in stack.ports]
        self.plan = plan
        self.outcomes = collections.Counter()  # (session, status)
        self.remainders = collections.defaultdict(list)
        self.failure = None

    def run(self):
        try:
            for number, session in enumerate(self.plan):
                answer = self.clients[number % 2].chat("acme", session, message=str(number))
                self.outcomes[session, answer.status] += 1
                if answer.status == 200:
                    assert answer.json["reply"] == str(number)
                    self.remainders[session].append(int(answer.field("X-RateLimit-Remaining")))
        except BaseException as failure:
            self.failure = failure


def test_exactly_the_smaller_of_sent_and_quota_is_allowed_for_every_session(roomy, sessions):
    roomy.refill()
    rng = random.Random(20)
    # Weights from rare to crowded, so that some sessions stay below their quota.
    weights = [1 if number % 4 == 0 else 25 for number in range(SESSIONS)]
    plans = [rng.choices(sessions, weights, k=PER_THREAD) for _ in range(THREADS)]
    threads = [Tally(roomy, plan) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [thread.failure for thread in threads] == [None] * THREADS

    sent = collections.Counter(session for plan in plans for session in plan)
    outcomes = sum((thread.outcomes for thread in threads), collections.Counter())
    assert {status for _, status in outcomes} == {200, 429}
    allowed = {session: outcomes[session, 200] for session in sent}
    assert allowed == {session: min(count, QUOTA) for session, count in sent.items()}
    assert any(count < QUOTA for count in sent.values()), "no session stayed below its quota"
    for session in sent:
        seen = sorted(left for thread in threads for left in thread.remainders[session])
        assert seen == list(range(QUOTA - allowed[session], QUOTA)), "a remainder was told twice"


def test_every_key_in_redis_expires_within_its_window(roomy, sessions):
    with Client(roomy.port1) as client, roomy.redis() as store:
        client.chat("acme", sessions[0])
        client.chat("acme", "forged")
        client.chat_by_body()
        client.open_session("globex")
        keys = store.keys()
        windows = {b":identity_failure:": 60_000, b":session:ip": 60_000,
                   b"{@}:session:": 60_000, b"{@": 10_000}
        assert len(keys) >= 4
        for key in keys:
            window = next((ms for mark, ms in windows.items() if mark in key), WINDOW_MS)
            assert 0 < store.pttl(key) <= window, key


def test_a_denial_neither_counts_nor_prolongs(roomy, sessions):
    with Client(roomy.port1) as client, roomy.redis() as store:
        store.flushall()
        for _ in range(QUOTA):
            client.chat("acme", sessions[1])
        key, = roomy.buckets()
        state, expires = store.get(key), store.execute_command("PEXPIRETIME", key)
        assert {client.chat("acme", sessions[1]).status for _ in range(50)} == {429}
        assert (store.get(key), store.execute_command("PEXPIRETIME", key)) == (state, expires)
