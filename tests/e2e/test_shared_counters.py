"""One truth for both ports, across restarts and layouts."""
import json
import threading

import pytest

from config_text import config_text
from harness import Stack, eventually
from http_client import Client


@pytest.fixture(scope="module")
def own():
    """A stack that tests may restart and re-configure; windows long enough for that."""
    with Stack(config_text({"acme": "8/5 minutes"})) as running:
        yield running


@pytest.fixture
def full(own):
    own.refill()
    return own


def chat(port, session, tenant="acme"):
    with Client(port) as client:
        return client.chat(tenant, session)


def remaining(answer):
    assert answer.status == 200, answer
    return int(answer.field("X-RateLimit-Remaining"))


def stopped_in_order(stack):
    """Pids of the workers that have said good-bye: those that were killed have not."""
    lines = "".join(stack.logs().values()).splitlines()
    events = [json.loads(line) for line in lines if line.startswith('{"time"')]
    return {int(event["pid"]) for event in events if event["event"] == "worker stopped"}


def open_session(stack, tenant="acme"):
    with Client(stack.port1) as client:
        return client.open_session(tenant)


def test_seven_on_one_port_and_one_on_the_other_use_up_the_eight(fresh, api1, api2):
    session = api1.open_session("acme")
    answers = [api1.chat("acme", session) for _ in range(7)] + [api2.chat("acme", session)]
    assert [remaining(answer) for answer in answers] == [7, 6, 5, 4, 3, 2, 1, 0]
    for client in (api2, api1):
        ninth = client.chat("acme", session)
        assert ninth.status == 429
        assert ninth.body == b'{"detail":"Rate limit exceeded: 8 per 10 seconds"}'


def test_session_opened_on_one_port_counts_in_every_worker(fresh, api1):
    """Each new connection may meet another worker; four workers, one count."""
    session = api1.open_session("initech")
    left = [remaining(chat(port, session, "initech")) for port in fresh.ports * 3]
    assert left == [5, 4, 3, 2, 1, 0]
    assert {chat(port, session, "initech").status for port in fresh.ports * 4} == {429}


def test_eight_simultaneous_clients_see_eight_distinct_remainders(fresh):
    for _ in range(5):
        fresh.refill()
        session = open_session(fresh)
        start = threading.Barrier(9)
        answers = []

        def one(port):
            with Client(port) as client:
                client.get()  # the connection is there before the start
                start.wait(10)
                answers.append(client.chat("acme", session))

        threads = [threading.Thread(target=one, args=(fresh.ports[i % 2],)) for i in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status for answer in answers) == [200] * 8 + [429]
        left = {remaining(answer) for answer in answers if answer.status == 200}
        assert left == set(range(8))
        numbers = {answer.json["message_number"] for answer in answers if answer.status == 200}
        assert numbers == set(range(1, 9))


def test_counters_and_sessions_survive_a_restart_of_the_workers(full):
    session = open_session(full)
    for _ in range(5):
        chat(full.port1, session)
    before, redis_before = full.workers(), full.redis_pid()
    master = full.nginx_master()
    full.restart()
    eventually(lambda: not before & full.workers(), within=20)
    assert len(full.workers()) == len(before) == 4
    assert before <= stopped_in_order(full)
    assert full.redis_pid() == redis_before
    assert full.nginx_master() == master
    assert [remaining(chat(full.port2, session)) for _ in range(3)] == [2, 1, 0]
    assert chat(full.port1, session).status == 429


def test_acme_edited_to_twelve_is_enforced_on_both_ports_after_a_restart(full):
    session = open_session(full)
    for _ in range(8):
        chat(full.port1, session)
    assert chat(full.port2, session).status == 429
    generation = Client(full.port1).get().json["config_generation"]
    with full.edited_config("8/5 minutes", "12/5 minutes"):
        full.restart()
        for port in full.ports:
            status = Client(port).get().json
            assert status["tenants"]["acme"] == {"chat_per_5m": 12}
            assert status["config_generation"] > generation
        # The eight of the old plan still count: four are left, whichever port is asked.
        assert [remaining(chat(port, session)) for port in full.ports * 2] == [3, 2, 1, 0]
        for port in full.ports:
            denied = chat(port, session)
            assert (denied.status, denied.detail) == (429,
                                                      "Rate limit exceeded: 12 per 5 minutes")
    full.restart()
    assert chat(full.port1, session).detail == "Rate limit exceeded: 8 per 5 minutes"


def test_bad_config_is_refused_and_the_old_pool_goes_on(full):
    session = open_session(full)
    before = full.workers()
    with full.edited_config("8/5 minutes", "8/10 parsecs") as (path, line):
        done = full.dev("restart")
        assert done.returncode == 2, done.output
        assert f"{path}:{line}:" in done.output
        assert "parsecs" in done.output
        assert full.workers() == before
        assert [remaining(chat(port, session)) for port in full.ports] == [7, 6]
    full.restart()
    assert remaining(chat(full.port1, session)) == 5


def test_workers_on_one_shared_socket_count_as_well():
    with Stack(LAYOUT="shared", WORKERS="3") as shared:
        assert len(shared.workers()) == 6
        assert len(shared.sockets("api1")) == 1
        session = open_session(shared)
        left = [remaining(chat(port, session)) for port in shared.ports * 4]
        assert left == [7, 6, 5, 4, 3, 2, 1, 0]
        assert {chat(port, session).status for port in shared.ports * 4} == {429}
        before = shared.workers()
        shared.restart()
        eventually(lambda: before <= stopped_in_order(shared), within=20)
        assert len(eventually(lambda: len(shared.workers()) == 6 and shared.workers(), 20)) == 6
        assert chat(shared.port1, session).status == 429
