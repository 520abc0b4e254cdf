"""Who may write to a worker's socket may claim to be any client: what a worker says to each kind."""
import contextlib
import os
import socket
import stat
import subprocess

import pytest

from harness import SLUICE, eventually


def command(folder, *arguments):
    return [SLUICE, "worker", "--config", str(folder / "sluice.cfg"), *arguments]


def listening(folder, mode):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "s"))
    (folder / "s").chmod(mode)
    listener.listen()
    return listener


@contextlib.contextmanager
def running(folder, *arguments, **options):
    """The log of a worker that has started, once it has."""
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command(folder, *arguments), stderr=log, **options)
    try:
        eventually(lambda: "worker started" in (folder / "log").read_text())
        yield (folder / "log").read_text
    finally:
        process.terminate()
        assert process.wait(30) == 0, (folder / "log").read_text()


@pytest.mark.parametrize("mode", [0o666, 0o777, 0o662, 0o602])
def test_a_worker_refuses_a_socket_that_everybody_may_write_to(folder, mode):
    with listening(folder, mode) as listener:
        done = subprocess.run(command(folder), stdin=listener, text=True, capture_output=True,
                              timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (f"{folder}/s: others than its owner and its group may write to this "
                           "socket, and so claim to be any client; spawn-fcgi -M 0660\n")


def test_a_worker_refuses_an_abstract_socket_which_has_no_mode(folder):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + folder.name)
        listener.listen()
        done = subprocess.run(command(folder), stdin=listener, text=True, capture_output=True,
                              timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "anybody on this host may write to an abstract unix socket, and so claim to be any client; "
        "give it a path, as spawn-fcgi -M 0660 -s PATH\n")


@pytest.mark.parametrize("mode", [0o660, 0o600, 0o664, 0o755])
def test_a_worker_takes_a_socket_of_its_owner_and_group(folder, mode):
    with listening(folder, mode) as listener, running(folder, stdin=listener) as log:
        pass
    assert "warning" not in log()


@pytest.mark.parametrize("family,address", [(socket.AF_INET, "127.0.0.1"),
                                            (socket.AF_INET6, "::1")])
def test_a_worker_warns_that_anybody_who_reaches_a_tcp_socket_may_claim_anything(
        folder, family, address):
    with socket.socket(family) as listener:
        try:
            listener.bind((address, 0))
        except OSError:
            pytest.skip(f"no {address} here")
        listener.listen()
        with running(folder, stdin=listener) as log:
            pass
    warnings = [line for line in log().splitlines() if '"level":"warning"' in line]
    assert len(warnings) == 1
    assert "the socket is TCP: whoever can reach it can claim to be any client" in warnings[0]


@pytest.mark.parametrize("mask", [0, 0o077])
def test_the_socket_of_listen_is_for_owner_and_group_whatever_the_umask(folder, mask):
    with running(folder, "--listen", str(folder / "s"), stdin=subprocess.DEVNULL,
                 preexec_fn=lambda: os.umask(mask)) as log:
        assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o660
    assert "warning" not in log()


@pytest.mark.parametrize("name", ["TERM", "INT", "USR1"])
def test_a_worker_that_is_told_to_stop_while_it_opens_its_socket_stops(folder, name):
    done = subprocess.run(
        ["strace", "-o", str(folder / "trace"), "-e", f"inject=listen:signal={name}",
         *command(folder, "--listen", str(folder / "s"))],
        text=True, capture_output=True, timeout=30, check=False,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # it cannot, under strace
    assert "listen(" in (folder / "trace").read_text()
    assert (done.returncode, "worker stopped" in done.stderr) == (0, True), done.stderr
