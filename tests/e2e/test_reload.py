"""A config that is edited while workers run: SIGHUP, by ./dev reload."""
import collections
import contextlib
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

import fcgi
from config_text import config_text
from harness import SLOWNESS, SLUICE, Stack, eventually
from http_client import Client

PATIENT = "storage = { deadline_ms = 2000; };\n"  # it is not the store that is tested here


def text_of(quota, more=""):
    return config_text({"acme": f"{quota}/10 minutes", "globex": "1000000/10 minutes"},
                       default="1000000/10 minutes", extra=PATIENT + more)


@pytest.fixture(scope="module")
def running():
    """Takes the place of the shared stack, as its config is edited."""
    with Stack(text_of(8), WORKERS="2") as stack:
        yield stack


@pytest.fixture
def edited(running):
    running.config.write_text(text_of(8))
    assert running.dev("reload").returncode == 0
    running.refill()
    return running


def sockets(stack):
    return stack.sockets("api1") + stack.sockets("api2")


def page(path, uri=b"/"):
    return fcgi.ask(path, fcgi.request(fcgi.params("GET", uri.decode(), "127.0.0.1", b""))).json


def generations(stack):
    return [page(path)["config_generation"] for path in sockets(stack)]


def hang_up(stack):
    for pid in stack.workers():
        os.kill(pid, signal.SIGHUP)


def lines(stack, event):
    return [line for log in stack.logs().values() for line in log.splitlines()
            if f'"event":"{event}"' in line]


def test_every_worker_enforces_a_new_quota_at_once(edited):
    before, workers = generations(edited), edited.workers()
    with Client(edited.port1) as client:
        session = client.open_session("acme")
        assert [client.chat("acme", session).status for _ in range(5)] == [200] * 5
    edited.config.write_text(text_of(5))
    start = time.monotonic()
    assert edited.dev("reload").returncode == 0
    assert generations(edited) == [number + 1 for number in before]
    assert [page(path)["tenants"]["acme"] for path in sockets(edited)] == [{"chat_per_10m": 5}] * 4
    assert [page(path, b"/readyz")["config_generation"] for path in sockets(edited)] == generations(edited)
    for port in edited.ports * 2:
        with Client(port) as client:
            answer = client.chat("acme", session)
            assert (answer.status, answer.detail) == (429, "Rate limit exceeded: 5 per 10 minutes")
    assert time.monotonic() - start < 3 * SLOWNESS
    assert edited.workers() == workers, "the same processes"


def test_a_reload_is_seen_whatever_level_the_log_has(edited):
    edited.config.write_text(text_of(7, 'log = { level = "error"; };\n'))
    assert edited.dev("restart").returncode == 0
    edited.config.write_text(text_of(6, 'log = { level = "info"; };\n'))
    done = edited.dev("reload")
    assert (done.returncode, "./dev restart for: log.level" in done.output) == (0, True), done.output
    edited.config.write_text(text_of(8))
    assert edited.dev("restart").returncode == 0


def test_twenty_reloads_under_load_fail_and_miscount_nothing(edited):
    ended, seen, failures = threading.Event(), [], []
    with Client(edited.port1) as client:
        sessions = [client.open_session("globex") for _ in range(4)]
        limited = client.open_session("acme")  # its quota is what is edited

    def ask(tenant, session, port):
        try:
            with Client(port) as client:
                while not ended.is_set():
                    answer = client.chat(tenant, session)
                    seen.append((session, answer.status, answer.json.get("message_number")))
        except Exception as failure:  # of any kind: a thread's own would only be a warning
            failures.append(failure)

    askers = [("globex", session, port) for session, port in zip(sessions, edited.ports * 2)]
    threads = [threading.Thread(target=ask, args=asker)
               for asker in [*askers, ("acme", limited, edited.port1)]]
    before, start = generations(edited), time.monotonic()
    for thread in threads:
        thread.start()
    try:
        for number in range(20):
            edited.config.write_text(text_of(8 + number % 2))
            hang_up(edited)
            eventually(lambda: generations(edited) == [was + number + 1 for was in before])
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    took = time.monotonic() - start
    assert not failures
    assert len(seen) > 100 * took / SLOWNESS, f"{len(seen)} in {took:.1f} s are no load"
    # The larger quota is 9, and used units stay used.
    of_acme = [(status, number) for of, status, number in seen if of == limited]
    assert [number for status, number in of_acme if status == 200] == list(range(1, 10))
    assert {status for status, _ in of_acme} == {200, 429}
    others = [entry for entry in seen if entry[0] != limited]
    assert collections.Counter(status for _, status, _ in others) == {200: len(others)}
    for session in sessions:
        numbers = [number for of, _, number in others if of == session]
        assert numbers == list(range(1, len(numbers) + 1))
    print(f"{len(seen)} requests during 20 reloads")


@pytest.mark.parametrize("spoil", [
    lambda text: text.replace('scope = "session"', 'scope = "sesion"', 1), lambda text: "nonsense",
    lambda text: text + "\nnonsense = 1;\n", lambda text: ""],
    ids=["mistake", "no config", "unknown key", "empty"])
def test_a_bad_file_changes_nothing_and_is_one_line_each_time(edited, spoil):
    before, told = generations(edited), len(lines(edited, "config refused"))
    edited.config.write_text(spoil(text_of(1)))
    done = edited.dev("reload")
    assert (done.returncode, "sluice.cfg" in done.output) == (2, True), done.output
    assert lines(edited, "config refused")[told:] == [], "./dev found it first"
    for number in range(1, 6):
        hang_up(edited)
        eventually(lambda: len(lines(edited, "config refused")) == told + number * 4)
    assert all("sluice.cfg" in line for line in lines(edited, "config refused")[told:])
    assert generations(edited) == before
    with Client(edited.port1) as client:
        session = client.open_session("acme")
        assert [client.chat("acme", session).status for _ in range(9)] == [200] * 8 + [429]


def test_api_keys_and_sessions_of_before_and_after(edited):
    keys = edited.config.parent / "reload.keys"
    edited.config.write_text(text_of(8, f'api_keys = {{ file = "{keys}"; }};\n'))
    made = os.popen(f"{SLUICE} key new -c {edited.config} --tenant acme --user alice 2>/dev/null").read()
    key = made.strip()
    fields = [("X-API-Key", key), ("X-Tenant-ID", "acme")]
    with Client(edited.port1) as client:
        def user():
            return client.request("GET", "/limits", fields=fields).json.get("user", "nobody")
        session = client.open_session("acme")
        assert user() is None, "keys are not looked at"
        assert edited.dev("reload").returncode == 0
        assert user() == "alice"
        assert client.chat("acme", session).status == 200, "a session outlives a reload"
        keys.rename(f"{keys}.moved")
        done = edited.dev("reload")
        assert (done.returncode, user()) == (1, "alice")
        assert re.search(rf"sluice\.cfg:\d+: {keys} is gone, with the API keys that are in use", done.output), done.output
        keys.write_text("")
        assert edited.dev("reload").returncode == 0
        assert client.request("GET", "/limits", fields=fields).status == 401


def test_what_takes_a_restart_is_named(edited):
    edited.config.write_text(text_of(7, 'log = { level = "debug"; };\nfastcgi = { max_connections = 9; };\n'))
    done = edited.dev("reload")
    assert done.returncode == 0
    assert "./dev restart for: fastcgi.max_connections, log.level" in done.output, done.output
    assert page(sockets(edited)[0])["tenants"]["acme"] == {"chat_per_10m": 7}, "the rest is taken"


def test_a_worker_that_ends_is_not_kept_by_a_reload(edited):
    edited.config.write_text(text_of(6))
    for pid in edited.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGHUP)
    eventually(lambda: len(edited.workers()) == 4, within=15)
    eventually(lambda: all(page(path)["tenants"]["acme"] == {"chat_per_10m": 6}
                           for path in sockets(edited)), within=15)


def test_a_worker_that_cannot_start_at_this_moment_holds_up_no_reload(edited):
    """It refuses a socket that everybody may write to, and is tried again each second."""
    path = edited.sockets("api1")[0]
    log = edited.run_dir / "log" / f"{path.stem}.log"
    keep = int((path.parent / f"{path.stem}.pid").read_text().split()[0])
    path.chmod(0o666)
    try:
        for pid in Path(f"/proc/{keep}/task/{keep}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        eventually(lambda: "another starts in 1 s" in log.read_text(), within=15)
        edited.config.write_text(text_of(7))
        start = time.monotonic()
        done = edited.dev("reload")
        assert time.monotonic() - start < 5 * SLOWNESS
        assert (done.returncode, "reloaded by 3 workers" in done.output) == (0, True), done.output
        assert "read the config when they start: 1 (./dev status)" in done.output
    finally:
        path.chmod(0o660)
    eventually(lambda: len(edited.workers()) == 4, within=15)
    assert [page(path)["tenants"]["acme"] for path in sockets(edited)] == [{"chat_per_10m": 7}] * 4


def test_a_worker_that_replaces_a_killed_one_has_the_config_and_counts_reloads_anew(edited):
    edited.config.write_text(text_of(6))
    assert edited.dev("reload").returncode == 0
    first = int(sockets(edited)[0].parent.name.removeprefix("gen-"))
    assert min(generations(edited)) > first
    old = edited.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(edited.workers() - old) == 4, within=15)
    assert [page(path)["tenants"]["acme"] for path in sockets(edited)] == [{"chat_per_10m": 6}] * 4
    assert generations(edited) == [first] * 4
