"""Workers count every request that they answer, in memory that all of a host share."""
import os
import signal
import threading

import pytest

import segment
from config_text import config_text
from harness import Stack, eventually
from http_client import Client

WORKERS = 6  # three to a pool
CLIENTS = 8
EACH = 40  # messages of a client, of which eight are allowed


@pytest.fixture(scope="module")
def stack():
    with Stack(config_text({"acme": "8/hour"}), WORKERS=str(WORKERS // 2)) as running:
        yield running


def seen(stack):
    return segment.Slots(stack.shared_file())


def talk(port, answers):
    with Client(port) as client:
        session = client.open_session("acme")
        for _ in range(EACH):
            client.close()  # the next one may meet another worker
            answers.append(client.chat("acme", session).status)


def talk_at_once(stack):
    """Statuses of all messages that the clients send, over both pools, with every quota full."""
    stack.refill()
    answers = []
    threads = [threading.Thread(target=talk, args=(stack.ports[i % 2], answers))
               for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == CLIENTS * EACH
    return answers


def test_every_request_is_counted_once_whoever_answers_it(stack):
    before = seen(stack)
    answers = talk_at_once(stack)
    after = seen(stack)
    assert sorted(set(answers)) == [200, 429]
    for outcome, status in (("allowed", 200), ("denied", 429)):
        counted = after.requests("chat", outcome) - before.requests("chat", outcome)
        assert counted == answers.count(status) == CLIENTS * (8 if status == 200 else EACH - 8)
    assert after.requests() - before.requests() == CLIENTS * (EACH + 1)
    assert after.total("units") - before.total("units") == CLIENTS * (8 + 1)
    assert after.that_counted() > 1
    assert after.owners() == stack.workers()


def test_what_is_refused_and_what_is_free_is_counted_too(stack):
    before = seen(stack)
    with Client(stack.port1) as client:
        assert client.request("GET", "/").status == 200
        assert client.chat("acme", "forged").status == 401
        assert client.request("GET", "/chat").status == 405
        assert client.request("GET", "/limits").status == 200
    after = seen(stack)
    for route, outcome in (("status", "allowed"), ("chat", "refused"), ("other", "refused"),
                           ("limits", "allowed")):
        assert after.requests(route, outcome) - before.requests(route, outcome) == 1, route
    assert after.requests() - before.requests() == 4


def test_counts_of_a_worker_that_is_killed_remain_and_its_slot_is_taken_over(stack):
    talk_at_once(stack)
    before, workers = seen(stack), stack.workers()
    for pid in stack.workers("api1"):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(stack.workers()) == WORKERS and seen(stack).owners() == stack.workers())
    assert stack.workers() != workers
    after = seen(stack)
    assert after.requests("chat") == before.requests("chat")
    assert after.requests(outcome="unfinished") == before.requests(outcome="unfinished")
    talk_at_once(stack)
    assert seen(stack).requests("chat") - after.requests("chat") == CLIENTS * EACH


def test_a_restart_goes_on_from_the_counts_there_are(stack):
    talk_at_once(stack)
    before = seen(stack)
    stack.restart()
    eventually(lambda: seen(stack).owners() == stack.workers() and len(stack.workers()) == WORKERS,
               within=20)
    talk_at_once(stack)
    assert seen(stack).requests("chat") - before.requests("chat") == CLIENTS * EACH
