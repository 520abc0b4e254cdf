"""A Redis of somebody else, behind a password, as the environment says; a short window."""
import time
from pathlib import Path

import pytest
import redis

from config_text import config_text
from harness import SLOWNESS, RedisServer, Stack, eventually
from http_client import Client


@pytest.fixture(scope="module")
def remote():
    with RedisServer("--requirepass", "s3cret/pw") as server:
        uri = f"redis://default:s3cret%2Fpw@127.0.0.1:{server.port}/3"
        with Stack(config_text({"acme": "8/2 seconds"}), RATE_LIMIT_STORAGE_URI=uri) as running:
            running.redis_port = server.port
            yield running


def test_storage_uri_of_the_environment_is_used_and_its_password_masked(remote):
    with Client(remote.port1) as client:
        answer = client.get()
        assert answer.json["store"] == {"status": "up"}
        assert answer.json["storage"] == f"redis://default:***@127.0.0.1:{remote.redis_port}/3"
        assert b"s3cret" not in answer.body
    assert not any("s3cret" in text for text in remote.logs().values())
    assert not remote.processes("redis-server"), "a private Redis was started all the same"


def test_the_kernel_asks_after_a_redis_that_is_silent(remote):
    """Of every connection to it, the timer that /proc/net/tcp shows is keepalive's."""
    def timers():
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        # Column 3 is the other end, 4 the state (01: connected), 6 the timer and when it fires.
        return [row[5].split(":")[0] for row in rows
                if row[2].endswith(f":{remote.redis_port:04X}") and row[3] == "01"]
    with Client(remote.port1) as client:
        assert client.get().json["store"] == {"status": "up"}
    assert eventually(lambda: (seen := timers()) and set(seen) == {"02"} and seen)


def test_window_opens_again_when_retry_after_says(remote):
    with Client(remote.port1) as client, Client(remote.port2) as other:
        session = client.open_session("acme")
        first_hit = time.monotonic()
        assert [client.chat("acme", session).status for _ in range(8)] == [200] * 8
        denied = other.chat("acme", session)
        denied_at = time.monotonic()
        assert denied.detail == "Rate limit exceeded: 8 per 2 seconds"
        assert denied.field("Retry-After") in ("1", "2")
        again = eventually(lambda: (answer := other.chat("acme", session)).status == 200
                           and answer, within=5)
        reopened = time.monotonic()
        assert again.field("X-RateLimit-Remaining") == "7"
        assert reopened - first_hit >= 1.99
        assert reopened - denied_at <= int(denied.field("Retry-After")) + 0.15 * SLOWNESS


def test_password_that_is_wrong_is_an_outage_and_not_an_answer(remote):
    def store_is(status):
        return all(Client(port).get().json["store"] == {"status": status}
                   for port in remote.ports * 3)
    with redis.Redis(port=remote.redis_port, password="s3cret/pw") as store, \
            Client(remote.port1) as client:
        session = client.open_session("acme")
        store.config_set("requirepass", "other")
        try:
            store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            eventually(lambda: store_is("down"))
            answer = client.chat("acme", session)
            assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
            assert not any("s3cret" in text for text in remote.logs().values())
        finally:
            store.config_set("requirepass", "s3cret/pw")
        eventually(lambda: store_is("up"), within=5 * SLOWNESS)
        assert client.chat("acme", session).status == 200
