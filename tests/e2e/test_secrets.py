"""Where the secrets that sign sessions come from, and what `sluice check` says of them."""
import contextlib
import os
import subprocess

import fcgi
from harness import SLUICE, eventually

OLD, NEW = "ab" * 32, "0C" * 32


def environment(**settings):
    outer = {name: value for name, value in os.environ.items()
             if not name.startswith(("SLUICE_", "RATE_LIMIT_"))}
    return {**outer, **settings}


@contextlib.contextmanager
def worker(folder, **settings):
    """The socket of a worker with these environment variables."""
    with open(folder / "log", "ab") as log:
        begin = log.tell()
        process = subprocess.Popen(
            [SLUICE, "worker", "--config", str(folder / "sluice.cfg"), "--listen",
             str(folder / "s")], stderr=log, env=environment(**settings))
    try:
        eventually(lambda: b"worker started" in (folder / "log").read_bytes()[begin:])
        yield folder / "s"
    finally:
        process.terminate()
        assert process.wait(30) == 0, (folder / "log").read_text()


def open_session(path):
    body = b'{"tenant_id":"acme"}'
    answer = fcgi.ask(path, fcgi.request(fcgi.params("POST", "/session", body=body), body))
    return answer.json["session_id"]


def chat_status(path, session):
    body = b'{"message":"x"}'
    fields = [(b"HTTP_X_SESSION_ID", session.encode())]
    return fcgi.ask(path, fcgi.request(fcgi.params("POST", "/chat", body=body, fields=fields),
                                       body)).status


def check(folder, **settings):
    """(exit code, output and errors)"""
    done = subprocess.run([SLUICE, "check", str(folder / "sluice.cfg")], text=True, timeout=60,
                          env=environment(**settings), stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_first_secret_of_the_environment_signs_and_all_are_believed(folder):
    with worker(folder, SLUICE_SECRETS=OLD) as path:
        old = open_session(path)
        assert chat_status(path, old) == 200
    with worker(folder, SLUICE_SECRETS=f"{NEW}, {OLD}\n", SLUICE_SECRET_FILE="/nowhere/x") as path:
        assert chat_status(path, old) == 200
        new = open_session(path)
    with worker(folder, SLUICE_SECRETS=NEW) as path:
        assert chat_status(path, new) == 200
        assert chat_status(path, old) == 401
    assert not list(folder.glob("*secret*"))
    log = (folder / "log").read_text().lower()
    assert OLD.lower() not in log and NEW.lower() not in log


def test_a_wrong_secret_of_the_environment_is_named_and_not_shown(folder):
    bad = f"{OLD},{NEW[:-1]}"
    expected = "SLUICE_SECRETS: secret 2 is not 64 hex digits; several have a comma between\n"
    assert check(folder, SLUICE_SECRETS=bad) == (2, expected)
    done = subprocess.run([SLUICE, "worker", "--config", str(folder / "sluice.cfg"), "--listen",
                           str(folder / "s")], env=environment(SLUICE_SECRETS=bad), text=True,
                          capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, expected)


def test_check_reads_the_secrets_that_there_are_and_makes_none(folder):
    secret = folder / "sluice.secret"
    assert check(folder)[0] == 0
    assert not secret.exists()
    secret.write_text("# newest first\n" + OLD[:-2] + "\n")
    secret.chmod(0o644)
    assert check(folder) == (2, f"{secret}: others may read it; chmod 600\n")
    secret.chmod(0o600)
    assert check(folder) == (2, f"{secret}:2: a secret is 64 hex digits\n")
    secret.write_text("")
    assert check(folder) == (2, f"{secret}:1: no secret\n")
    assert check(folder, SLUICE_SECRETS=OLD)[0] == 0
    secret.write_text(OLD + "\n")
    assert check(folder)[0] == 0
    assert OLD not in check(folder)[1]
