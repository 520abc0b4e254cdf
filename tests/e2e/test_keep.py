"""conf/run/keep: how soon it replaces a worker, and what it passes on."""
import contextlib
import signal
import subprocess
import time

import pytest

from harness import ROOT, SLOWNESS, eventually

# What they start runs under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

KEEP = str(ROOT / "conf" / "run" / "keep")


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
