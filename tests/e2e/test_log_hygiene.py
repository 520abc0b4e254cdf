"""What must not be in a log, an error or GET / is sent everywhere; then all of them are searched."""
import hashlib
import json
import os
import signal
import subprocess

import pytest

import fcgi
import tokens
from config_text import config_text
from harness import ROOT, SLUICE, RedisServer, Stack, eventually
from http_client import Client, raw_post, send_raw

PASSWORD = "marked-redis-password"
SECRETS = ("5e" * 32, "5E" * 31 + "5f")
API_KEY = "slk_" + "marked".ljust(43, "A")
BEARER = "marked-bearer"
CHAT = "marked-message"
GARBAGE = [b"\x1b]0;marked\x07", b"\x1b[2J", b"\xff\xfe\xc3", b"\xe2\x80\xa8\xe2\x80\xae", b'"}\\',
           b"\x7f\x08\x01", b"%1b%0a%00", b"x" * 6000]
CONFIG = config_text(extra="""
log = { level = "debug"; };
storage = { deadline_ms = 1000; };
api_keys = { file = "sluice.keys"; };
""").replace('scope = "session"; routes = ["chat"]', 'scope = "api_key"; routes = ["chat"]')
KEY_LINE = f"ci acme ci {hashlib.blake2b(API_KEY.encode(), digest_size=32).hexdigest()} 2026-01-01T00:00:00Z\n"
PLACES = [b"X-Session-ID", b"X-Tenant-ID", b"X-API-Key", b"Authorization", b"User-Agent", b"Referer",
          b"Host", b"X-Forwarded-For", b"Cookie", b"Content-Type", b"Accept", b"Origin"]


class Said:
    """Everything that was answered, and what must not be in it."""

    def __init__(self, stack):
        self.stack = stack
        self.answers = []
        self.sessions = []

    def keep(self, answer):
        self.answers.append(answer)
        return answer


def everything_that_can_go_wrong(said):
    """Requests with marks and garbage in each place, at nginx and at a worker's socket."""
    stack = said.stack
    shown = [("X-API-Key", API_KEY)]
    with Client(stack.port1) as client:
        session = client.open_session("acme")
        said.sessions += [session, session[:-4] + "AAAA", "marked-session"]
        for token in said.sessions:
            for fields in (shown, [("Authorization", f"Bearer {BEARER}")],
                           [*shown, ("Authorization", f"Bearer {BEARER}")]):
                said.keep(client.post("/chat", {"tenant_id": "acme", "session_id": token,
                                                "message": CHAT}, fields))
                said.keep(client.request("GET", "/limits", None, [("X-Session-ID", token),
                                                                  *fields]))
        for body in (f'{{"session_id":"{session}","message":"{CHAT}"', f'["{session}"]'):
            said.keep(client.post("/chat", body.encode(), shown))
        too_large = json.dumps({"session_id": session, "message": CHAT * 6000}).encode()
        said.keep(send_raw(stack.port1, raw_post("/chat", too_large))[0])
    for garbage in GARBAGE:
        for place in PLACES:
            # The second makes nginx complain in its log; it takes a while each.
            for length in (None, 100_000) if place == b"Referer" else (None,):
                body = json.dumps({"message": CHAT, "session_id": session}).encode()
                send_raw(stack.port1, raw_post("/chat", body, [
                    place + b": " + garbage, b"X-Session-ID: " + session.encode()], length))
        params = [(name, garbage) for name in (
            b"HTTP_X_TENANT_ID", b"HTTP_X_SESSION_ID", b"HTTP_REFERER", b"HTTP_X_API_KEY", garbage)]
        for path in ("/chat", "/limits", "/"):
            for method in ("POST", "GET"):
                data = fcgi.request(fcgi.params(method, path, "127.0.0.1", b"{}", params), b"{}")
                said.keep(fcgi.ask(stack.sockets("api1")[0], data))
        fcgi.ask(stack.sockets("api1")[0], garbage * 3)  # no FastCGI


def searched(said, marks):
    """Fails where a mark is in a log, or in an answer to somebody else's request."""
    for name, text in said.stack.logs().items():
        for mark in marks:
            assert mark.lower() not in text.lower(), (name, mark)
    for answer in said.answers:
        for mark in marks:
            if mark in said.sessions or mark == CHAT:
                if answer.status == 200 and b'"session_id"' in answer.body:
                    continue  # the client's own, told to itself
            assert mark.encode() not in answer.body, (mark, answer)
            assert not any(mark in value for _, value in answer.fields), (mark, answer)


def assert_worker_logs_are_json_in_ascii(stack):
    lines = 0
    for path in (stack.run_dir / "log").glob("api*.log"):
        for line in path.read_bytes().split(b"\n"):
            assert all(0x20 <= byte < 0x7F for byte in line), (path, line)
            assert len(line) < 4096, (path, line)
            if line.startswith(b"{"):
                assert {"time", "level", "event", "pool", "pid"} <= set(json.loads(line)), line
                lines += 1
            else:
                assert line == b"" or line.startswith((b"Child[", b"Spawning child")), line
    assert lines > 0


@pytest.fixture(scope="module")
def said():
    with RedisServer("--requirepass", PASSWORD) as server:
        uri = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
        stack = Stack(CONFIG, RATE_LIMIT_STORAGE_URI=uri, SLUICE_SECRETS=", ".join(SECRETS))
        (stack.conf / "sluice.keys").write_text(KEY_LINE)
        with stack:
            with Client(stack.port1) as client:
                limits = client.request("GET", "/limits", None, [("X-API-Key", API_KEY)])
                assert limits.json["user"] == "ci", "the key is a real one"
            said = Said(stack)
            everything_that_can_go_wrong(said)
            server.process.kill()  # and once more, with a store to complain of
            with Client(stack.port1) as client:
                eventually(lambda: said.keep(client.get()).json["store"]["status"] == "down")
            everything_that_can_go_wrong(said)
            yield said


def test_no_secret_session_key_password_or_message_is_in_a_log_or_an_error(said):
    marks = [PASSWORD, *SECRETS, API_KEY, BEARER, CHAT, *said.sessions]
    marks += [tokens.decode(said.sessions[0]).hex()]
    searched(said, marks)
    assert {answer.status for answer in said.answers} >= {200, 400, 401, 404, 405, 413}


def test_every_line_of_a_workers_log_is_json_in_ascii(said):
    assert_worker_logs_are_json_in_ascii(said.stack)
    text = "".join(said.stack.logs().values())
    assert "store is down" in text and "gateway sent what is no FastCGI request" in text


def test_nginx_did_complain_of_the_requests_and_not_of_what_they_hide(said):
    text = said.stack.logs()["nginx.log"]
    assert "client intended to send too large body" in text
    assert "\x1b]0;marked\x07" in text  # a Referer as it came: nginx/README.md says so
    for hidden in ("X-API-Key", "Authorization", "Cookie"):
        assert hidden.lower() not in text.lower()


def test_dev_logs_shows_no_control_character_of_them(said):
    shown = subprocess.Popen([str(ROOT / "dev"), "logs", "-n", "+1"], stdin=subprocess.DEVNULL,
                             env=said.stack.environment, stdout=subprocess.PIPE,
                             start_new_session=True)
    try:
        line = next(line for line in shown.stdout if b"]0;marked" in line)
    finally:
        os.killpg(shown.pid, signal.SIGTERM)
        shown.stdout.close()
        shown.wait(30)
    assert b"?]0;marked?" in line
    assert all(0x20 <= byte < 0x7F for byte in line.rstrip(b"\n")), line


def test_get_shows_the_store_without_its_password(said):
    with Client(said.stack.port2) as client:
        body = client.get().body.decode()
    assert "redis://:***@127.0.0.1" in body
    for mark in (PASSWORD, *SECRETS):
        assert mark not in body


def test_commands_show_no_password_and_no_secret(said):
    environment = {**os.environ, "SLUICE_SECRETS": SECRETS[0], "RATE_LIMIT_STORAGE_URI":
                   f"redis://:{PASSWORD}@127.0.0.1:1/0"}
    for arguments in (["check", str(said.stack.config)],
                      ["peek", "-c", str(said.stack.config), "--session", said.sessions[0]],
                      ["peek", "-c", str(said.stack.config), "--session", said.sessions[1]]):
        done = subprocess.run([SLUICE, *arguments], text=True,
                              env=environment, capture_output=True, timeout=60, check=False)
        for mark in (PASSWORD, *SECRETS, *said.sessions):
            assert mark not in done.stdout + done.stderr, (arguments, mark)
