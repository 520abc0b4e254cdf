"""A worker to which the kernel refuses something, by strace: it goes on, idles, and says why."""
import contextlib
import os
import subprocess
import time

import pytest

import fcgi
from config_text import config_text
from harness import SLOWNESS, RedisServer, Worker, eventually

IDLE = 0.2  # of a processor, at most


@contextlib.contextmanager
def injected(worker, fault):
    """`fault` as of strace's inject=, in the worker's process; ended before the worker is."""
    call = fault.split(":")[0]
    trace = worker.directory / "trace"
    with open(trace, "wb") as output:
        tracer = subprocess.Popen(["strace", "-f", "-p", str(worker.process.pid), "-e",
                                   f"trace={call}", "-e", f"inject={fault}"],
                                  stdin=subprocess.DEVNULL, stderr=output)
    try:
        eventually(lambda: b"attached" in trace.read_bytes())
        yield trace
    finally:
        tracer.terminate()
        tracer.wait(10)


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def assert_idles(worker, seconds=1.0):
    before, start = processor_seconds(worker.process.pid), time.monotonic()
    time.sleep(seconds)
    used = processor_seconds(worker.process.pid) - before
    assert used < IDLE * (time.monotonic() - start), f"{used} s of {seconds} s"


def assert_serves(worker):
    answer = fcgi.ask(worker.socket, fcgi.request())
    assert answer is not None and answer.status == 200


@pytest.fixture
def worker():
    with Worker("memory://", config_text()) as running:
        eventually(lambda: fcgi.ask(running.socket, fcgi.request()))
        yield running


@pytest.mark.parametrize("error", ["EPERM", "ENETDOWN", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS",
                                   "EPROTO", "EINVAL"])
def test_accept_that_fails_for_good_pauses_the_worker_and_is_logged_once(worker, error):
    with fcgi.Connection(worker.socket) as early:
        with injected(worker, f"accept4:error={error}"), fcgi.Connection(worker.socket) as late:
            late.send(fcgi.request())
            assert_idles(worker)
            early.send(fcgi.request())
            assert early.read_answer().status == 200
        assert worker.log.read_text().count("cannot accept") == 1
        assert_serves(worker)


@pytest.mark.parametrize("which", [
    "", *[f":when={first}+" for first in range(1, 7)], ":when=1+2", ":when=2+3"])
def test_connections_that_cannot_be_watched_are_shed_and_the_worker_goes_on(worker, which):
    with fcgi.Connection(worker.socket) as early:
        early.send(fcgi.request())
        assert early.read_answer().status == 200
        with injected(worker, f"epoll_ctl:error=ENOSPC{which}"):
            answers = [fcgi.ask(worker.socket, fcgi.request()) for _ in range(8)]
            assert None in answers
            assert_idles(worker, 0.5)
            early.send(fcgi.request())
            assert early.read_answer().status == 200
        assert_serves(worker)
        assert worker.log.read_text().count("cannot watch a connection") == 1


def test_redis_that_cannot_be_watched_is_redis_that_is_down():
    with RedisServer() as redis, \
            Worker(f"redis://127.0.0.1:{redis.port}/0", config_text()) as worker:
        def store():
            answer = fcgi.ask(worker.socket, fcgi.request())
            return answer and answer.json["store"]["status"]

        eventually(lambda: store() == "up")
        with fcgi.Connection(worker.socket) as early:
            early.send(fcgi.request())
            assert early.read_answer().json["store"]["status"] == "up"
            with injected(worker, "epoll_ctl:error=ENOMEM"):
                redis.kill()
                redis.start()
                eventually(redis.answers)

                def told():
                    early.send(fcgi.request())
                    answer = early.read_answer()
                    assert answer.status == 200
                    return answer.json["store"]["status"]

                # All who ask share an answer, for a tenth of a second.
                eventually(lambda: told() != "up", within=SLOWNESS)
                for _ in range(3):
                    assert told() != "up"
                assert_idles(worker)
            eventually(lambda: store() == "up", within=10 * SLOWNESS)
