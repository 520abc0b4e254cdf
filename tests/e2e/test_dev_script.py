"""./dev: what it promises on the command line."""
import http.client
import os
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from config_text import config_text
from harness import COMMAND_TIMEOUT, ROOT, SLOWNESS, Stack, eventually
from http_client import Client

# ./dev and what it starts; the workers of these tests run under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

THREADS = 6
RESTARTS = 2
QUICK = 5 * SLOWNESS


@pytest.fixture
def idle():
    """A stack that is not up; the test may try. Nothing is left of it afterwards."""
    candidate = Stack(WORKERS="1")
    Stack.live.append(candidate)
    yield candidate
    candidate.close()


def complaint(done):
    """The one line in which a command says why it failed."""
    lines = [line for line in done.output.splitlines() if not line.startswith("dev: building")]
    lines = [line for line in lines if not line.startswith(("ninja:", "["))]
    assert len(lines) == 1, done.output
    return lines[0]


def test_second_up_is_quick_and_changes_nothing(stack):
    before = stack.processes()
    start = time.monotonic()
    done = stack.dev("up")
    assert (done.returncode, time.monotonic() - start < QUICK) == (0, True), done.output
    assert "already running" in done.output
    assert stack.processes() == before


def test_status_of_what_runs_is_0_and_names_every_process(stack):
    done = stack.dev("status")
    assert done.returncode == 0, done.output
    for pid in [stack.redis_pid(), stack.nginx_master(), *stack.workers()]:
        assert str(pid) in done.output
    assert done.output.count("store up") == 2


def test_status_of_what_does_not_run_is_3(idle):
    done = idle.dev("status")
    assert (done.returncode, done.output) == (3, "not running\n")


def test_nonsense_is_a_usage_error_and_help_is_not(idle):
    done = idle.dev("nonsense")
    assert done.returncode == 2
    assert "nonsense" in complaint(done)
    done = idle.dev("help")
    assert done.returncode == 0
    assert "restart" in done.output


def test_down_and_restart_of_nothing(idle):
    for _ in range(2):
        assert idle.dev("down").returncode == 0
    done = idle.dev("restart")
    assert done.returncode == 1
    assert "not running" in complaint(done)


def test_taken_port_is_one_line_and_leaves_nothing_running(idle):
    for port in idle.ports:
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            done = idle.dev("up")
        assert done.returncode == 1
        assert str(port) in complaint(done)
        assert not idle.processes()


@pytest.mark.parametrize("old,new,word", [
    ("8/10 seconds", "8/10 parsecs", "parsecs"), ('plan = "globex"', 'plan = "glbex"', "glbex"),
    ("scope", "scoop", "scoop"), ('id = "acme"', "id = 7", "id")])
def test_bad_config_is_exit_2_with_file_and_line_and_nothing_running(idle, old, new, word):
    idle.config.write_text(config_text())
    with idle.edited_config(old, new) as (path, line):
        done = idle.dev("up")
    assert done.returncode == 2
    assert f"{path}:{line}:" in done.output
    assert word in done.output
    assert not idle.processes()


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"\0"),
                                   lambda path: path.write_text("defaults = ("),
                                   lambda path: (path.unlink(), path.mkdir())])
def test_unreadable_config_is_exit_2_and_nothing_running(idle, spoil):
    spoil(idle.config)
    done = idle.dev("up")
    assert done.returncode == 2, done.output
    assert str(idle.config) in done.output
    assert not idle.processes()


@pytest.mark.parametrize("setting", ["WORKERS=none", "WORKERS=0", "PORT1=http", "PORT2=70000",
                                     "PRESET=fast", "LAYOUT=heap", "PORT1=same",
                                     "RATE_LIMIT_STORAGE_URI=gopher://x"])
def test_impossible_setting_is_refused(idle, setting):
    name, value = setting.split("=")
    done = idle.dev("up", **{name: str(idle.port2) if value == "same" else value})
    assert done.returncode in (1, 2)
    assert name in done.output or value in done.output
    assert not idle.processes()


def test_up_down_and_up_again_through_a_pipe(idle):
    """A caller that reads ./dev's output to its end is not held by the servers left behind."""
    for command in ("up", "down", "up"):
        done = subprocess.run([str(ROOT / "dev"), command], env=idle.environment, cwd="/",
                              capture_output=True, timeout=COMMAND_TIMEOUT, check=False)
        assert done.returncode == 0, done
        assert bool(idle.processes()) == (command == "up")
    with Client(idle.port1) as client:
        assert client.get().status == 200


def test_loss_of_nginx_is_seen_by_status_and_put_right_by_down_and_up(idle):
    assert idle.dev("up").returncode == 0
    os.kill(idle.nginx_master(), signal.SIGTERM)
    eventually(lambda: idle.dev("status").returncode == 3)
    assert idle.dev("down").returncode == 0
    eventually(lambda: not idle.processes())
    assert idle.dev("up").returncode == 0
    assert idle.dev("status").returncode == 0


class Sender(threading.Thread):
    """Posts over one kept connection, through anything that happens."""

    def __init__(self, stack, number, session, stop):
        super().__init__()
        self.client = Client(stack.ports[number % 2])
        self.session, self.stop = session, stop
        self.answered, self.wrong, self.dropped = 0, [], 0
        self.failure = None

    def run(self):
        try:
            while not self.stop.is_set():
                try:
                    answer = self.client.chat("acme", self.session, "through")
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                    self.dropped += 1  # nginx closed an idle connection while we were sending
                    self.client.close()
                    continue
                self.answered += 1
                if answer.status != 200 or answer.json["reply"] != "through":
                    self.wrong.append(answer)
        except BaseException as failure:
            self.failure = failure


@pytest.mark.parametrize("layout", ["socket-per-worker", "shared"])
def test_restarts_under_load_answer_every_request(layout):
    rates = {"acme": "1000000/10 minutes"}
    with Stack(config_text(rates), LAYOUT=layout) as busy:
        with Client(busy.port1) as client:
            session = client.open_session("acme")
        stop = threading.Event()
        senders = [Sender(busy, number, session, stop) for number in range(THREADS)]
        for sender in senders:
            sender.start()
        try:
            eventually(lambda: all(sender.answered > 50 for sender in senders))
            for _ in range(RESTARTS):
                before = busy.workers()
                busy.restart()
                assert not before & busy.workers()
                goals = [sender.answered + 50 for sender in senders]
                eventually(lambda: all(sender.answered >= goal or sender.failure
                                       for sender, goal in zip(senders, goals)))
        finally:
            stop.set()
            for sender in senders:
                sender.join()
        assert [sender.failure for sender in senders] == [None] * THREADS
        assert not [answer for sender in senders for answer in sender.wrong]
        # nginx's reload closes kept connections between two requests, and a client may be sending
        # on one just then: at most once each. What it sent so was neither answered nor counted.
        dropped = [sender.dropped for sender in senders]
        answered = sum(sender.answered for sender in senders)
        print(f"{layout}: {answered} answered, {sum(dropped)} connections closed unanswered")
        assert max(dropped) <= RESTARTS
        with busy.redis() as store:
            key, = store.keys("*{acme}:chat:session:*")
            assert struct.unpack_from("<I", store.get(key), 15)[0] == answered
