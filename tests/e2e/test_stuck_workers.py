"""Workers that stand still, or have no descriptor left: nginx waits for none of them for long."""
import contextlib
import os
import resource
import signal
import time

import pytest

import fcgi
from config_text import config_text
from harness import SLOWNESS, Stack, eventually
from http_client import Client

# nginx's time-outs; the workers of these tests run under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

SOON = 3.0
AT_ONCE = 1.0 * SLOWNESS
BODY = {"message": "x"}


@pytest.fixture(scope="module")
def wide():
    """Takes the place of the shared stack: nobody is denied here, and it has two workers a pool."""
    with Stack(config_text({"acme": "1000000/10 minutes"}, default="1000000/10 minutes")) as running:
        yield running


@contextlib.contextmanager
def frozen(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def timed(ask):
    start = time.monotonic()
    answer = ask()
    return answer, time.monotonic() - start


def assert_answers(port, statuses, within, rounds=4):
    for method, path in [("GET", "/"), ("GET", "/limits"), ("POST", "/chat")] * rounds:
        with Client(port) as client:
            answer, seconds = timed(lambda: client.get(path) if method == "GET"
                                    else client.post(path, BODY))
        assert answer.status in statuses[method], (method, path, answer)
        assert seconds < within, (method, path, seconds)
        assert answer.json, answer


def test_one_frozen_worker_delays_answers_by_seconds_at_most(wide):
    with frozen([min(wide.workers("api1"))]):
        assert_answers(wide.port1, {"GET": [200], "POST": [200, 503]}, SOON)
    eventually(lambda: Client(wide.port1).get().status == 200)


def test_when_all_workers_are_frozen_everybody_is_told_so_in_time(wide):
    with frozen(wide.workers("api1")):
        assert_answers(wide.port1, {"GET": [503], "POST": [503]}, SOON, rounds=1)
        assert_answers(wide.port2, {"GET": [200], "POST": [200]}, AT_ONCE, rounds=1)


@contextlib.contextmanager
def without_descriptors(pids):
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    try:
        for pid, (_, most) in before.items():
            used = len(os.listdir(f"/proc/{pid}/fd"))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, most))
        yield
    finally:
        for pid, limit in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)


def test_a_worker_without_descriptors_keeps_nobody_waiting(wide):
    with without_descriptors([min(wide.workers("api1"))]):
        assert_answers(wide.port1, {"GET": [200], "POST": [200, 503]}, AT_ONCE)


def test_workers_without_descriptors_close_new_connections_at_once_and_serve_later(wide):
    with without_descriptors(wide.workers("api1")):
        for path in wide.sockets("api1"):
            with fcgi.Connection(path, timeout=AT_ONCE) as connection:
                assert connection.is_closed()
        assert_answers(wide.port1, {"GET": [200, 503], "POST": [200, 503]}, AT_ONCE)
    assert_answers(wide.port1, {"GET": [200], "POST": [200]}, AT_ONCE)
