"""shm:// instead of Redis: the workers of one host share their counts in a file."""
import os
import signal
import subprocess

import pytest

from config_text import config_text
from harness import SLUICE, Stack, eventually
from http_client import Client


@pytest.fixture
def shared(tmp_path):
    uri = f"shm://{tmp_path}/counts"
    with Stack(config_text({"acme": "8/600 seconds"}), RATE_LIMIT_STORAGE_URI=uri) as stack:
        stack.uri = uri
        yield stack


def numbers(stack, session, count):
    with Client(stack.port1) as one, Client(stack.port2) as two:
        answers = [client.chat("acme", session) for client in [one, two] * count]
    return [answer.json["message_number"] for answer in answers if answer.status == 200]


def test_counts_are_shared_by_all_workers_and_outlive_them(shared):
    assert not shared.processes("redis-server")
    with Client(shared.port1) as client:
        assert client.get().json["storage"] == shared.uri
        assert client.get().json["store"] == {"status": "up"}
        session = client.open_session("acme")
    assert numbers(shared, session, 2) == [1, 2, 3, 4]
    for pid in shared.workers():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(shared.workers()) == 4)
    with Client(shared.port1) as client:
        eventually(lambda: client.get().status == 200)
    assert numbers(shared, session, 4) == [5, 6, 7, 8]
    shared.restart()
    assert numbers(shared, session, 1) == []


def test_a_file_that_is_something_else_is_refused_in_one_line(tmp_path):
    (tmp_path / "counts").write_text("somebody else's\n")
    (tmp_path / "sluice.cfg").write_text(config_text())
    done = subprocess.run(
        [SLUICE, "worker", "-c", tmp_path / "sluice.cfg",
         "--listen", tmp_path / "socket"], timeout=20, stdin=subprocess.DEVNULL,
        env={**os.environ, "RATE_LIMIT_STORAGE_URI": f"shm://{tmp_path}/counts"},
        capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and f"{tmp_path}/counts" in done.stderr, done.stderr


def ask(verb, tmp_path, *flags):
    config = tmp_path / "sluice.cfg"
    config.write_text(config_text())
    done = subprocess.run(
        [SLUICE, verb, "-c", config, *flags], timeout=20,
        env={**os.environ, "RATE_LIMIT_STORAGE_URI": f"shm://{tmp_path}/counts"},
        capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("verb", ["peek", "reset"])
def test_an_operator_does_not_make_the_file(verb, tmp_path):
    assert ask(verb, tmp_path, "--ip", "127.0.0.1") == (
        1, "", f"shm://{tmp_path}/counts: no worker has counted here yet\n")
    assert not (tmp_path / "counts").exists()


@pytest.mark.parametrize("verb", ["peek", "reset"])
def test_the_help_says_who_may_look_into_the_file(verb, tmp_path):
    code, output, _ = ask(verb, tmp_path, "--help")
    assert code == 0 and "With shm://, run it as the workers' user" in output
