"""sluice peek and sluice reset, beside running workers."""
import contextlib
import os
import socket
import subprocess
import threading

import pytest

from config_text import config_text
from harness import SLUICE, RedisServer, free_port


def sluice(stack, *arguments, uri=None):
    """The command as an operator gives it on the host of `stack`: (exit code, output, errors)."""
    environment = {**os.environ, "SLUICE_SECRET_FILE": str(stack.run_dir / "secret"),
                   "RATE_LIMIT_STORAGE_URI": uri or f"unix://{stack.run_dir}/redis.sock"}
    done = subprocess.run([SLUICE, *arguments], text=True,
                          env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def ask(stack, verb, *flags, **options):
    return sluice(stack, verb, "-c", str(stack.config), *flags, **options)


def test_peek_shows_what_a_session_has_used_and_uses_nothing(fresh, api1):
    session = api1.open_session("acme")
    for _ in range(3):
        api1.chat("acme", session)
    for _ in range(10):
        code, output, errors = ask(fresh, "peek", "--session", session)
        assert (code, errors) == (0, "")
        assert output.startswith("chat  route chat  scope session  8 per 10 seconds  "
                                 "used 3/8  remaining 5  reset ")
        assert output.count("\n") == 1
    assert api1.chat("acme", session).field("X-RateLimit-Remaining") == "4"


def test_reset_gives_a_session_its_full_quota_back_on_every_worker(fresh, api1, api2):
    session, other = api1.open_session("acme"), api1.open_session("acme")
    for token in (session, other):
        assert [api1.chat("acme", token).status for _ in range(9)] == [200] * 8 + [429]
    code, output, errors = ask(fresh, "reset", "--tenant", "acme", "--session", session)
    assert (code, errors) == (0, "")
    assert "used 8/8  remaining 0" in output
    assert output.endswith("\n1 of 1 buckets had been in use\n")
    assert api2.chat("acme", session).field("X-RateLimit-Remaining") == "7"
    assert api2.chat("acme", other).status == 429


def test_a_dry_run_shows_what_a_reset_would_do_and_changes_nothing(fresh, api1):
    session = api1.open_session("acme")
    for _ in range(3):
        api1.chat("acme", session)
    for _ in range(3):
        code, output, errors = ask(fresh, "reset", "--dry-run", "--session", session)
        assert (code, errors) == (0, "")
        assert "used 3/8" in output
        assert output.endswith("\n1 of 1 buckets would be reset; nothing was changed\n")
    assert api1.chat("acme", session).field("X-RateLimit-Remaining") == "4"


def test_an_address_shows_and_resets_the_defaults(fresh, api1):
    for _ in range(5):
        api1.chat_by_body()
    api1.chat("acme", "forged")
    code, output, _ = ask(fresh, "peek", "--ip", "127.0.0.1")
    assert code == 0
    used = {line.split()[0]: line.split("used ")[1].split()[0] for line in output.splitlines()}
    assert used == {"session": "0/10", "chat": "5/5", "identity_failure": "1/30"}
    code, output, _ = ask(fresh, "reset", "--ip", "127.0.0.1", "--route", "chat")
    assert code == 0 and output.endswith("\n1 of 1 buckets had been in use\n")
    assert api1.chat_by_body().status == 200
    assert "used 1/30" in ask(fresh, "peek", "--ip", "127.0.0.1", "--route",
                              "identity_failure")[1]


def test_a_tenant_alone_says_which_limits_need_a_session(fresh):
    assert ask(fresh, "peek", "--tenant", "acme") == (
        0, "chat  route chat  scope session  8 per 10 seconds  "
           "skipped: it takes --session to name its bucket\n", "")


@pytest.mark.parametrize("flags,message", [
    ([], "say whose: --tenant, --session, --api-key or --ip"),
    (["--tenant", "nobody"], '--tenant: the config has no "nobody"'),
    (["--session", "forged"], "--session: not signed with the configured secrets, or expired"),
    (["--ip", "localhost"], '--ip: "localhost" is no address'),
    (["--ip", "127.0.0.1", "--route", "x"],
     '--route: "x" is none of session, chat, identity_failure')])
def test_a_mistake_in_the_flags_is_one_line_and_2(fresh, flags, message):
    for verb in ("peek", "reset"):
        assert ask(fresh, verb, *flags) == (2, "", message + "\n")


def test_a_mistake_in_the_config_is_2(fresh, tmp_path):
    config = tmp_path / "bad.cfg"
    config.write_text("storage = { uri = 7; };\n")
    code, output, errors = sluice(fresh, "peek", "-c", str(config), "--ip", "127.0.0.1")
    assert (code, output) == (2, "")
    assert errors.startswith(f"{config}:1: ")


def test_counts_in_the_memory_of_workers_cannot_be_seen(fresh):
    assert ask(fresh, "peek", "--ip", "127.0.0.1", uri="memory://") == (
        2, "", "memory://: each worker keeps its own counts, nobody else can see them\n")


@pytest.mark.parametrize("verb", ["peek", "reset"])
def test_a_store_that_cannot_be_reached_is_one_line_and_1(fresh, verb):
    uri = f"unix://{fresh.run_dir}/none.sock"
    code, output, errors = ask(fresh, verb, "--ip", "127.0.0.1", uri=uri)
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1 and errors.startswith(uri)


@contextlib.contextmanager
def stranger(words):
    """The port of a server that is no Redis: it says this to whatever comes, or nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peers = []

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    peers.append(peer)
                    peer.recv(65536)
                    peer.sendall(words)
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        for peer in peers:
            peer.close()


@contextlib.contextmanager
def guarded():
    """The port of a Redis that wants to know who asks, and lets `idle` do nothing."""
    with RedisServer("--requirepass", "s3cret",
                     "--user", "idle", "on", ">s3cret", "~*", "-@all") as server:
        yield server.port


WHY = {
    "refused": (lambda: contextlib.nullcontext(free_port()), "redis://127.0.0.1:{}/0",
                "Connection refused"),
    "no socket": (lambda: contextlib.nullcontext(0), "unix:///tmp/no-such-folder/s",
                  "No such file or directory"),
    "no name": (lambda: contextlib.nullcontext(0), "redis://no-such-host.invalid/0",
                "no-such-host.invalid: "),
    "wrong password": (guarded, "redis://:wr0ng@127.0.0.1:{}/0", "AUTH: WRONGPASS "),
    "no password": (guarded, "redis://127.0.0.1:{}/0", "NOAUTH "),
    "no rights": (guarded, "redis://idle:s3cret@127.0.0.1:{}/0", "NOPERM "),
    "wrong db": (guarded, "redis://:s3cret@127.0.0.1:{}/99", "SELECT: ERR DB index"),
    "no Redis": (lambda: stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "redis://127.0.0.1:{}/0",
                 "does not answer as Redis does"),
    "rude": (lambda: stranger(b"-ERR \x1b[31m \xff\n go away\r\n" * 3), "redis://127.0.0.1:{}/0",
             "ERR ?[31m ?? go away"),
    "silent": (lambda: stranger(b""), "redis://127.0.0.1:{}/0", "command timed out"),
    "no TLS": (guarded, "rediss://127.0.0.1:{}/0", "TLS"),
}


@pytest.mark.parametrize("case", WHY)
def test_why_the_store_does_not_serve_is_said_in_one_line(fresh, case):
    server, uri, why = WHY[case]
    with server() as port:
        for verb in ("peek", "reset"):
            code, output, errors = ask(fresh, verb, "--ip", "127.0.0.1", uri=uri.format(port))
            assert (code, output) == (1, "")
            scheme, _, rest = uri.format(port).partition("://")
            shown = scheme + "://" + (":***@" if rest.startswith(":") else "")
            assert errors.startswith(shown) and why in errors, errors
            assert errors.count("\n") == 1
            assert errors[:-1].isprintable() and "wr0ng" not in errors and "s3cret" not in errors


def test_a_password_is_used_and_never_shown(fresh):
    with RedisServer("--requirepass", "s3cret") as server:
        good = f"redis://:s3cret@127.0.0.1:{server.port}/0"
        assert ask(fresh, "peek", "--ip", "127.0.0.1", uri=good)[0] == 0
        bad = good.replace("s3cret", "wr0ng")
        code, output, errors = ask(fresh, "reset", "--ip", "127.0.0.1", uri=bad)
        assert (code, output) == (1, "")
        assert errors.count("\n") == 1 and "wr0ng" not in errors


def test_help_says_whose_buckets(fresh):
    for verb in ("peek", "reset"):
        code, output, _ = sluice(fresh, verb, "--help")
        assert code == 0
        for flag in ("--config", "--tenant", "--session", "--ip", "--api-key", "--route"):
            assert flag in output
        for flag in ("--shared", "--dry-run"):
            assert (flag in output) == (verb == "reset")


def test_check_warns_of_a_cost_that_never_passes_and_is_content(folder):
    config = folder / "sluice.cfg"
    config.write_text(config_text(
        extra='storage = { uri = "memory://"; };\n'
              'costs = ( { route = "chat"; from = "body:n"; max = 99; } );'))
    done = subprocess.run([SLUICE, "check", str(config)], text=True, capture_output=True, timeout=60,
                          env={**os.environ, "SLUICE_SECRET_FILE": str(folder / "secret")}, check=False)
    assert done.returncode == 0 and "ok, 3 tenants" in done.stdout
    assert done.stderr.startswith(f"{config}:2: warning: ") and done.stderr.count("\n") == 1
