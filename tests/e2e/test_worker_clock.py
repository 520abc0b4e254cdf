"""A worker whose clock is a day wrong: sessions live by Redis's time, as counts do."""
import json
import time

import pytest

import tokens
from config_text import config_text
from fcgi import ask, params, request
from harness import PRESET, RedisServer, Worker

SECRET = "5a" * 32
NEAR = 60  # seconds that a test may take
CONFIG = config_text(extra="storage = { connect_timeout_ms = 5000; deadline_ms = 5000; };")
pytestmark = pytest.mark.skipif("san" in PRESET,
                                reason="libfaketime cannot be loaded before a sanitizer")


def wrong_by(hours):
    """What makes a worker live so many hours ahead.

    Without jemalloc, as virtual_time.py says; of which it takes new and delete too.
    """
    return {"LD_PRELOAD": "/usr/$LIB/faketime/libfaketime.so.1:libc.so.6:libstdc++.so.6",
            "FAKETIME": f"{hours:+}h",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def set_by(hours, file):
    file.write_text(f"{hours:+}h\n")
    known = {name: value for name, value in wrong_by(0).items() if name != "FAKETIME"}
    return {**known, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}


def open_session(worker):
    body = b'{"tenant_id":"acme"}'
    answer = ask(worker.socket, request(params("POST", "/session", body=body, fields=[
        (b"CONTENT_TYPE", b"application/json")]), body))
    assert answer.status in (200, 201), answer
    return answer.json["session_id"]


def status_with(worker, method, session):
    body = json.dumps({"tenant_id": "acme", "session_id": session, "message": "x"}).encode()
    path = {"POST": "/chat", "DELETE": "/session"}[method]
    fields = [(b"CONTENT_TYPE", b"application/json"), (b"HTTP_X_TENANT_ID", b"acme"),
              (b"HTTP_X_SESSION_ID", session.encode())]
    body = body if method == "POST" else b""
    return ask(worker.socket, request(params(method, path, body=body, fields=fields), body)).status


def expiry_of(session):
    return int.from_bytes(tokens.decode(session)[tokens.EXPIRY], "big")


@pytest.mark.parametrize("hours", [25, -25])
def test_sessions_go_by_the_time_of_redis_on_a_worker_that_is_a_day_wrong(hours):
    with RedisServer() as server:
        uri = f"redis://127.0.0.1:{server.port}/0"
        with Worker(uri, CONFIG, SLUICE_SECRETS=SECRET) as right, \
                Worker(uri, CONFIG, SLUICE_SECRETS=SECRET, **wrong_by(hours)) as wrong:
            of_right, of_wrong = open_session(right), open_session(wrong)  # so both have begun
            logged = json.loads(wrong.log.read_text().splitlines()[0])["time"]
            there = time.mktime(time.strptime(logged, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            assert abs(there - time.time()) > 24 * 3600, "its clock is right"
            assert abs(expiry_of(of_right) - expiry_of(of_wrong)) < NEAR
            for session in (of_right, of_wrong):
                assert [status_with(worker, "POST", session) for worker in (right, wrong)] == \
                    [200, 200]
            secret = bytes.fromhex(SECRET)
            ended = tokens.expiring(of_right, -NEAR, secret)
            nearly = tokens.expiring(of_wrong, NEAR, secret)
            assert status_with(wrong, "POST", ended) == 401
            assert status_with(wrong, "POST", nearly) == 200
            assert status_with(wrong, "DELETE", of_right) // 100 == 2
            assert status_with(right, "POST", of_right) == 401


@pytest.mark.parametrize("hours", [25, -25])
def test_a_clock_that_is_set_while_a_worker_runs_changes_nothing(hours, tmp_path):
    file = tmp_path / "time"
    with RedisServer() as server, \
            Worker(f"redis://127.0.0.1:{server.port}/0", CONFIG, SLUICE_SECRETS=SECRET,
                   **set_by(0, file)) as worker:
        session = open_session(worker)
        ended = tokens.expiring(session, -NEAR, bytes.fromhex(SECRET))
        assert status_with(worker, "POST", session) == 200
        set_by(hours, file)
        assert status_with(worker, "POST", session if hours > 0 else ended) == \
            (200 if hours > 0 else 401)
        assert abs(expiry_of(open_session(worker)) - expiry_of(session)) < NEAR
