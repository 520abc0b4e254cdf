"""Workers that die, or cannot start: who replaces them, how soon, and for how long."""
import contextlib
import os
import signal
import threading
import time

import pytest

import fcgi
from config_text import config_text
from harness import FULL_SET, SLOWNESS, Stack, eventually, is_alive
from http_client import Client

# Who replaces workers; these run under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

SOON = 1.0 * SLOWNESS
KILLS = 200 if FULL_SET else 40


@pytest.fixture(scope="module")
def single():
    """Takes the place of the shared stack: one worker a pool."""
    with Stack(config_text({"acme": "1000000/10 minutes"}), WORKERS="1") as running:
        yield running


def worker_of(stack):
    pid, = eventually(lambda: stack.workers("api1"))
    return pid


def serves(path):
    try:
        return fcgi.ask(path, fcgi.request())
    except OSError:
        return None  # it was killed meanwhile


class Asker(threading.Thread):
    """Asks on and on through nginx; `gaps` has how long it went without a 200."""

    def __init__(self, port):
        super().__init__()
        self.port, self.stop = port, threading.Event()
        self.answered, self.longest = 0, 0.0

    def run(self):
        last = time.monotonic()
        with Client(self.port) as client:
            while not self.stop.is_set():
                with contextlib.suppress(OSError):
                    if client.get().status == 200:
                        self.answered += 1
                        self.longest = max(self.longest, time.monotonic() - last)
                        last = time.monotonic()


def test_a_worker_that_is_killed_is_replaced_each_time_as_soon_as_the_last_one_serves(single):
    path, = single.sockets("api1")
    asker = Asker(single.port1)
    asker.start()
    try:
        for number in range(KILLS):
            os.kill(worker_of(single), signal.SIGKILL)
            start = time.monotonic()
            eventually(lambda: serves(path), within=2 * SOON)
            assert time.monotonic() - start < SOON, number
    finally:
        asker.stop.set()
        asker.join()
    assert asker.answered > KILLS / 2
    assert asker.longest < 3 * SLOWNESS
    assert single.dev("status").returncode == 0


# SIGABRT, as a sanitizer makes a report of its own of SIGSEGV.
@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGTERM, signal.SIGUSR1],
                         ids=lambda number: number.name)
def test_so_is_one_that_crashes_or_is_told_to_end(single, number):
    path, = single.sockets("api1")
    for _ in range(12 if number == signal.SIGABRT else 4):
        before = worker_of(single)
        os.kill(before, number)
        eventually(lambda: not is_alive(before), within=12)
        eventually(lambda: serves(path), within=2 * SOON)


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_text("defaults = ("), lambda path: path.unlink(),
    lambda path: path.write_text(path.read_text().replace('scope = "', 'scope = "x', 1))],
    ids=["no config", "no file", "mistake"])
def test_one_that_cannot_start_is_paced_says_why_and_comes_back_once_mended(single, spoil):
    path, = single.sockets("api1")
    log = single.run_dir / "log" / "api1-1.log"
    text, said = single.config.read_text(), len(log.read_text())
    try:
        spoil(single.config)
        os.kill(worker_of(single), signal.SIGKILL)
        start = time.monotonic()
        tries = eventually(lambda: [line for line in log.read_text()[said:].splitlines()
                                    if str(single.config) in line][3:])
        assert time.monotonic() - start > 2.5
        assert "sluice.cfg" in tries[0]
        answer = Client(single.port1).get()
        assert (answer.status, answer.detail) == (503, "Service unavailable")
        assert single.dev("status").returncode == 3
    finally:
        single.config.write_text(text)
    eventually(lambda: serves(path), within=3 * SLOWNESS)
