"""Workers that die, or cannot start: who replaces them, how soon, and for how long."""
import contextlib
import os
import signal
import subprocess
import threading
import time

import pytest

import fcgi
from config_text import config_text
from harness import FULL_SET, ROOT, SLOWNESS, Stack, eventually, is_alive
from http_client import Client

# Who replaces workers; these run under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

KEEP = str(ROOT / "conf" / "run" / "keep")
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


@contextlib.contextmanager
def kept(folder, script, under=()):
    """keep, with `script` as the worker; it has `starts`, a file to which it adds a line each time."""
    (folder / "worker").write_text(f"#!/bin/bash\necho >>'{folder}/starts'\n{script}\n")
    (folder / "worker").chmod(0o755)
    with subprocess.Popen([*under, KEEP, str(folder / "worker")], cwd=folder, stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE) as keep:
        try:
            yield keep
        finally:
            keep.terminate()


def starts(folder):
    return len((folder / "starts").read_text()) if (folder / "starts").exists() else 0


@pytest.mark.parametrize("script,least,most", [
    ("kill -KILL $$", 10, 32), ("exit 0", 10, 32),
    ("kill -SEGV $$", 4, 8), ("kill -ABRT $$", 4, 8),
    ("[[ $(wc -l <starts) == 1 ]] && exit 0; exit 1", 3, 5),
    ("[[ $(wc -l <starts) == 1 ]] && exit 0; exec /no/such", 3, 5),
    ("[[ $(wc -l <starts) == 1 ]] && rm worker", 0, 5)])
def test_no_loop_of_deaths_spins(folder, script, least, most):
    with kept(folder, script) as keep:
        eventually(lambda: starts(folder))
        time.sleep(3)
        assert least / SLOWNESS <= starts(folder) <= most
        assert keep.poll() is None


@pytest.mark.parametrize("script,code", [("exit 1", 1), ("exit 2", 2), ("exec /no/such", 127)])
def test_a_first_one_that_cannot_start_is_the_end_of_it(folder, script, code):
    with kept(folder, script) as keep:
        assert keep.wait(5) == code
        assert starts(folder) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGQUIT])
def test_told_to_end_it_tells_the_worker_and_waits_for_it(folder, number):
    script = "trap 'sleep 0.3; echo done >>ended; exit 0' TERM; while sleep 0.05; do :; done"
    with kept(folder, script) as keep:
        eventually(lambda: starts(folder))
        keep.send_signal(number)
        assert keep.wait(5 * SLOWNESS) == 0
        assert (folder / "ended").read_text() == "done\n"


def test_its_code_is_that_of_a_worker_that_has_ended_before_it_looks(folder):
    """Its own kill(2) of the worker takes so long that the worker is gone by then."""
    script = "trap 'exit 7' TERM; while sleep 0.02; do :; done"
    slow = ["strace", "-D", "-o", str(folder / "calls"), "-e", "trace=kill",
            "-e", "inject=kill:delay_exit=300000"]
    with kept(folder, script, under=slow) as keep:
        eventually(lambda: starts(folder))
        keep.terminate()
        assert keep.wait(5 * SLOWNESS) == 7


def test_a_hangup_is_the_workers_and_no_end(folder):
    script = "trap 'echo >>hups' HUP; while sleep 0.05; do :; done"
    with kept(folder, script) as keep:
        eventually(lambda: starts(folder))
        for number in range(1, 6):
            keep.send_signal(signal.SIGHUP)
            eventually(lambda: (folder / "hups").exists() and
                       len((folder / "hups").read_text()) == number)
        assert (keep.poll(), starts(folder)) == (None, 1)


def test_told_to_end_between_two_workers_it_ends_at_once(folder):
    with kept(folder, "[[ $(wc -l <starts) == 1 ]] && exit 0; exit 1") as keep:
        while b"code 1;" not in keep.stderr.readline():
            pass  # it rests for a second now
        keep.terminate()
        assert keep.wait(2 * SLOWNESS) == 0
