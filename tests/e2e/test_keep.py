"""conf/run/keep: how soon it replaces a worker, and what it passes on."""
import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import fcgi
from config_text import config_text
from harness import REPORTS, ROOT, SLOWNESS, SLUICE, eventually

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
    script = "trap 'echo >>hups' HUP; echo >>ready; while sleep 0.05; do :; done"
    with kept(folder, script) as keep:
        eventually((folder / "ready").exists)
        for number in range(1, 6):
            keep.send_signal(signal.SIGHUP)
            eventually(lambda: (folder / "hups").exists() and
                       len((folder / "hups").read_text()) == number)
        assert (keep.poll(), starts(folder)) == (None, 1)


@pytest.mark.parametrize("script", [
    "[[ $(wc -l <starts) == 1 ]] && exit 0; exit 1", "while sleep 0.05; do :; done"],
    ids=["none", "one that does not heed it"])
def test_a_hangup_that_no_worker_gets_is_told(folder, script):
    with kept(folder, script) as keep:
        if "exit" in script:
            while b"code 1;" not in keep.stderr.readline():
                pass  # it rests for a second now
        eventually(lambda: starts(folder))
        for _ in range(2):
            keep.send_signal(signal.SIGHUP)
            assert keep.stderr.readline().startswith(b"keep: no worker runs at this moment: ")
        assert keep.poll() is None
        assert "exit" in script or starts(folder) == 1


def test_told_to_end_between_two_workers_it_ends_at_once(folder):
    with kept(folder, "[[ $(wc -l <starts) == 1 ]] && exit 0; exit 1") as keep:
        while b"code 1;" not in keep.stderr.readline():
            pass  # it rests for a second now
        keep.terminate()
        assert keep.wait(2 * SLOWNESS) == 0


@contextlib.contextmanager
def kept_worker(folder):
    """keep with a real worker that serves; afterwards folder/said has what both wrote."""
    command = [KEEP, SLUICE, "worker", "--config", str(folder / "sluice.cfg")]
    write_config(folder, 1)
    with socket.socket(socket.AF_UNIX) as listener, open(folder / "said", "w") as log:
        listener.bind(str(folder / "socket"))
        (folder / "socket").chmod(0o660)
        listener.listen()
        with subprocess.Popen(command, stdin=listener, stderr=log) as keep:
            try:
                assert quota_of(folder) == 1
                yield keep
            finally:
                keep.terminate()
                keep.wait(15)
                (folder / "socket").unlink()
    assert not any(report in (folder / "said").read_text() for report in REPORTS)


def write_config(folder, quota):
    (folder / "new.cfg").write_text(config_text({"acme": f"{quota}/10 minutes"},
                                                extra='storage = { uri = "memory://"; };'))
    (folder / "new.cfg").rename(folder / "sluice.cfg")


def quota_of(folder):
    page = fcgi.ask(folder / "socket", fcgi.request()).json
    return page["tenants"]["acme"]["chat_per_10m"]


def worker_of(keep):
    children = Path(f"/proc/{keep.pid}/task/{keep.pid}/children").read_text().split()
    return int(children[0]) if children else None


def next_worker(keep):
    """One that is just being started."""
    old = worker_of(keep)
    os.kill(old, signal.SIGKILL)
    return eventually(lambda: (new := worker_of(keep)) != old and new, every=0)


# How long after its start, in ms. The first are before its main(), where it holds no signal back yet.
MOMENTS = [0, 0, 0, 0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 12, 15, 20, 30]


def test_a_hangup_never_ends_a_worker_that_starts_nor_is_it_lost(folder):
    with kept_worker(folder) as keep:
        for number, moment in enumerate(2 * MOMENTS, 2):
            worker = next_worker(keep)
            time.sleep(moment / 1000 * SLOWNESS)
            write_config(folder, number)
            keep.send_signal(signal.SIGHUP)
            eventually(lambda: quota_of(folder) == number)
            assert worker_of(keep) == worker, moment


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_starts_ends_when_it_is_told_to(folder, number):
    for moment in MOMENTS:
        with kept_worker(folder) as keep:
            worker = next_worker(keep)
            time.sleep(moment / 1000 * SLOWNESS)
            keep.send_signal(number)
            # Before its main() the signal itself ends it; it has nothing to tidy up then.
            assert keep.wait(5 * SLOWNESS) in (0, 128 + signal.SIGTERM)
            assert not Path(f"/proc/{worker}").exists()
        assert "code 143" not in (folder / "said").read_text(), moment
