"""Answers that come in pieces, through nginx, while workers are replaced; and what they may cost."""
import contextlib
import itertools
import time

import pytest

from harness import FULL_SET, SANITIZED, SLOWNESS
from streams import HUNG_S, PIECES, Crowd, Pool, Reader, get

# Under the sanitizers ./dev test full runs it; tests/fcgi does so with the same code each time.
pytestmark = pytest.mark.outside_worker

CLIENTS = 100 if SANITIZED else 500
SECONDS = 60 if FULL_SET else 10
LONGEST = "/stream/minute" if FULL_SET else "/stream/ticks"
MAX_RSS_KB = 64 * 1024  # of a worker; the streams that nobody reads would be gigabytes
SLEEPERS = 100


@pytest.fixture(scope="module")
def pool():
    with Pool() as running:
        yield running


def assert_bounded(pool):
    if not SANITIZED:  # which keep what was freed
        assert max(pool.memory()) < MAX_RSS_KB


def test_every_answer_is_whole_while_the_workers_are_replaced_one_after_the_other(pool):
    readers = [Reader(pool, "/stream/ticks") for _ in range(CLIENTS)]
    crowd = Crowd(readers)
    crowd.start()
    begun, took = time.monotonic(), []
    try:
        for number in itertools.cycle(range(2)):
            took.append(pool.restart(number))
            assert_bounded(pool)
            if time.monotonic() - begun > SECONDS or crowd.failures:
                break
    finally:
        crowd.finish()
    assert crowd.failures == []
    assert len(took) >= SECONDS / (4 * SLOWNESS)
    assert max(took) < 4 * SLOWNESS, "a drain does not wait for its deadline"
    assert min(reader.whole for reader in readers) >= 2
    assert sum(reader.shortened for reader in readers) >= CLIENTS / 4
    for name in ("1", "2"):
        assert "not ended in time" not in pool.log(name)
    assert "prematurely" not in pool.log("nginx")


def test_a_long_answer_is_whole_while_the_worker_beside_its_own_is_replaced_again_and_again(pool):
    readers = [Reader(pool, LONGEST) for _ in range(CLIENTS)]
    for reader in readers:
        reader.asks_on = False  # after this one
    crowd = Crowd(readers)
    begun = time.monotonic()
    crowd.start()
    try:
        while crowd.is_alive():
            pool.restart(0)
            assert_bounded(pool)
    finally:
        crowd.finish()
    assert crowd.failures == []
    assert [reader.whole for reader in readers] == [1] * CLIENTS
    # nginx spreads them evenly over the two workers.
    assert CLIENTS / 4 <= sum(reader.shortened for reader in readers) <= CLIENTS * 3 / 4
    assert time.monotonic() - begun >= PIECES[LONGEST] / 10


def test_clients_that_read_nothing_hold_little_and_hold_up_nobody(pool):
    with contextlib.ExitStack() as stack:
        for _ in range(SLEEPERS):
            stack.enter_context(pool.connect()).sendall(get("/stream/flood"))
        crowd = Crowd([Reader(pool, "/stream/flood") for _ in range(2)])
        crowd.start()
        crowd.finish()
        assert crowd.failures == []
        assert [reader.whole for reader in crowd.readers] == [1, 1]
        assert_bounded(pool)


def read_all(pool, path, method="GET"):
    received = b""
    with pool.connect() as peer:
        peer.settimeout(HUNG_S)
        peer.sendall(get(path, method).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        with contextlib.suppress(ConnectionResetError):
            while data := peer.recv(65536):
                received += data
    return received


@pytest.mark.parametrize("path", ["/stream/broken", "/buffered/broken"])
def test_an_answer_that_is_broken_off_is_not_taken_for_a_whole_one(pool, path):
    answer = read_all(pool, path)
    if path.startswith("/stream"):
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        assert b"0 \n" in answer
    assert not answer.endswith(b"0\r\n\r\n"), answer


def test_a_head_request_has_no_body(pool):
    head, _, body = read_all(pool, "/stream/flood", "HEAD").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""
    assert b"Content-Length" not in head
