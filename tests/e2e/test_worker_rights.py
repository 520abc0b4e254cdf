"""What the workers of ./dev may ask of Redis, and what becomes of a decision that may not ask."""
import contextlib
import hashlib
import os
import re
import stat
from pathlib import Path

import pytest
import redis

from config_text import config_text
from harness import SLOWNESS, Stack, eventually
from http_client import Client

QUOTA = 1000
ALLOWING, DENYING = "globex", "acme"


def password_of(stack):
    return (stack.run_dir / "redis.password").read_text()


@contextlib.contextmanager
def as_worker(stack):
    with stack.redis(username="sluice", password=password_of(stack)) as store:
        try:
            yield store
        finally:
            store.connection_pool.disconnect()  # a client that is closed keeps its connections


@pytest.mark.parametrize("command", [
    "KEYS *", "SCAN 0", "FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "ACL LIST",
    "ACL SETUSER sluice +@all", "GET sluice:x", "MGET other:x", "SET other:x 1", "SETRANGE x 0 1",
    "DEL sluice:x", "EXPIRE sluice:x 1", "SCRIPT FLUSH", "CLIENT LIST", "CLIENT KILL TYPE normal",
    "SHUTDOWN NOSAVE", "PUBLISH sluice:x 1", "SUBSCRIBE x", "MONITOR",
    "REPLICAOF NO ONE", "SELECT 1", "PING"])
def test_a_worker_may_not(stack, command):
    with as_worker(stack) as store, pytest.raises(redis.exceptions.NoPermissionError):
        store.execute_command(*command.split(" "))


@pytest.mark.parametrize("script", ["redis.call('GET', KEYS[1])", "redis.call('KEYS', '*')",
                                    "redis.call('SET', 'other:x', 1)", "redis.call('FLUSHALL')"])
def test_a_script_of_a_worker_may_not_either(stack, script):
    with as_worker(stack) as store, pytest.raises(redis.exceptions.ResponseError,
                                                  match="user executing the script can't"):
        store.eval("return " + script, 1, "sluice:x")


def test_a_worker_may_write_its_keys(stack):
    with as_worker(stack) as store:
        assert store.set("sluice:test", "1", px=1000)
        assert store.exists("sluice:test") == 1


def test_every_worker_is_that_user(stack):
    def users():
        with stack.redis() as store:
            return sorted(client["user"] for client in store.client_list())
    # "default" is ourselves; Redis may take a moment to see what another test has closed.
    eventually(lambda: users() == ["default"] + ["sluice"] * len(stack.workers()))


def sockets_of(pid):
    """The inodes of the sockets that the process has open; some may be closed meanwhile."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                inodes.add(match[1])
    return inodes


def test_redis_is_reached_by_its_socket_alone(stack):
    pid = stack.redis_pid()
    inodes = sockets_of(pid)
    assert inodes
    for table in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()]
        assert not [row for row in rows if row[9] in inodes]
    assert stat.S_IMODE(stack.run_dir.stat().st_mode) == 0o700


def test_the_password_is_in_no_command_line_log_or_readable_file(stack):
    password = password_of(stack)
    assert len(password) == 64
    for pid in stack.processes():
        assert password not in Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    assert not any(password in text for text in stack.logs().values())
    holders = {path.name for path in stack.run_dir.iterdir()
               if path.is_file() and password in path.read_text(errors="replace")}
    assert holders == {"redis.password"}
    assert stat.S_IMODE((stack.run_dir / "redis.password").stat().st_mode) == 0o600
    with Client(stack.port1) as client:
        assert password not in client.get().body.decode()
    assert hashlib.sha256(password.encode()).hexdigest() in \
        (stack.run_dir / "redis.conf").read_text()


@pytest.fixture(scope="module")
def curtailed():
    rates = {tenant: f"{QUOTA}/10 minutes" for tenant in (ALLOWING, DENYING)}
    with Stack(config_text(rates, on_store_error={ALLOWING: "allow"})) as running:
        yield running


# Of a decision each is needed by: one whose bucket is there, one whose bucket is not, or any.
@pytest.mark.parametrize("command,used", [
    ("evalsha", True), ("evalsha", False), ("time", True), ("time", False), ("mget", True),
    ("mget", False), ("exists", False), ("set", False), ("setrange", True)])
def test_a_right_that_is_missing_is_an_outage_and_no_wrong_count(curtailed, command, used):
    before = 2 if used else 0
    with Client(curtailed.port1) as client, curtailed.redis() as store:
        store.flushall()  # of sessions too there are but 10 a minute
        sessions = {tenant: client.open_session(tenant) for tenant in (ALLOWING, DENYING)}
        for tenant, session in sessions.items():
            for _ in range(before):
                assert client.chat(tenant, session).status == 200
        store.execute_command("ACL", "SETUSER", "sluice", f"-{command}")
        try:
            for _ in range(3):
                answer = client.chat(DENYING, sessions[DENYING])
                assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
                answer = client.chat(ALLOWING, sessions[ALLOWING])
                if command == "evalsha":  # Redis says that it is a matter of rights
                    assert (answer.status, answer.json["message_number"]) == (200, None)
                else:  # and within the script only that it failed, which is never allowed
                    assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
                assert answer.field("X-RateLimit-Remaining") is None
        finally:
            store.execute_command("ACL", "SETUSER", "sluice", f"+{command}")
        for tenant, session in sessions.items():
            answer = client.chat(tenant, session)
            assert (answer.status, answer.json["message_number"]) == (200, before + 1)


def test_another_key_prefix_comes_with_a_restart(curtailed):
    text = curtailed.config.read_text()
    try:
        curtailed.config.write_text('storage = { key_prefix = "blue"; };\n' + text)
        curtailed.restart()
        with Client(curtailed.port1) as client, curtailed.redis() as store:
            session = client.open_session(DENYING)
            assert client.chat(DENYING, session).json["message_number"] == 1
            assert store.keys("blue:*")
            assert store.acl_getuser("sluice")["keys"] == ["~blue:*"]
        assert "~blue:*" in (curtailed.run_dir / "redis.conf").read_text()
    finally:
        curtailed.config.write_text(text)
        curtailed.restart()
    with Client(curtailed.port1) as client:
        eventually(lambda: client.get().json["store"] == {"status": "up"}, within=3 * SLOWNESS)
        assert client.chat(DENYING, session).json["message_number"] == 1
