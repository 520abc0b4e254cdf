"""./dev: what it says to each command line and setting, before it does anything."""
import os
import re
import socket
import subprocess

import pytest

from harness import ROOT, Stack, eventually

# ./dev itself.
pytestmark = pytest.mark.outside_worker

COMMANDS = re.findall(r"^  ([a-z]+) ", subprocess.run(
    [str(ROOT / "dev"), "help"], capture_output=True, text=True, check=True).stdout, re.MULTILINE)


@pytest.fixture
def idle():
    """A stack that is not up. Nothing is left of it afterwards."""
    candidate = Stack(WORKERS="1")
    Stack.live.append(candidate)
    yield candidate
    candidate.close()


def refused(done, code, *words):
    """A command said why it does nothing: one line, and no word of packages or a build before it."""
    assert done.returncode == code, done.output
    assert re.fullmatch("(dev|bench): [^\n]+\n", done.output), done.output
    for word in words:
        assert word in done.output


def test_every_command_of_the_help_is_one():
    assert {"up", "down", "status", "restart", "reload", "logs", "test", "bench", "fuzz", "lint", "demo",
            "package", "help"} <= set(COMMANDS)


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_says_what_it_does_and_does_nothing(stack, command, flag):
    before = stack.processes()
    for arguments in ([command, flag], [command, "more", flag], [flag, command]):
        done = stack.dev(*arguments)
        assert (done.returncode, stack.processes()) == (0, before), done.output
        assert done.output.startswith(f"Usage: ./dev {command}\n"), done.output
        assert re.search(f"^  {command} +[^ ]", done.output, re.MULTILINE)
    assert stack.dev("help", command).output == stack.dev(command, "--help").output or command == "bench"


@pytest.mark.parametrize("arguments", [[], ["help"], ["--help"], ["-h"]])
def test_help_lists_every_command_and_the_settings(idle, arguments):
    done = idle.dev(*arguments)
    assert done.returncode == 0
    for word in ("  restart ", "  lint ", "RUN_DIR", "RATE_LIMIT_STORAGE_URI"):
        assert word in done.output


@pytest.mark.parametrize("line,word", [
    ("nonsense", "nonsense"), ("-x", "-x"), ("--version", "--version"), ("UP", "UP"), ("u.*", "u.*"),
    ("up now", "now"), ("up --quick", "--quick"), ("up --module now", "now"), ("down all", "all"), ("down down", "down"),
    ("status -v", "-v"), ("restart api1", "api1"), ("demo 1", "1"), ("lint dev", "dev"),
    ("package .", '"."'), ("help nonsense", "nonsense"), ("help up down", "down"),
    ("test units", "units"), ("test package more", "more"), ("test compose more", "more"),
    ("logs redis", "redis"), ("logs -n", "-n"), ("logs -n x", "-n x"), ("logs -n 1 redis", "redis"),
    ("logs --pid=1", "--pid=1"), ("fuzz", "seconds"), ("fuzz 0", "0"), ("fuzz soon", "soon"),
    ("fuzz 1 nobody", "nobody"), ("bench --nonsense", "--nonsense"), ("bench more", "more"),
    ("bench --rounds many", "many"), ("bench --rounds 0", "0"), ("bench --seconds -1", "-1"),
    ("bench --connections 1", "1"), ("bench --workers 0", "0"), ("bench --port 65535", "65535"),
    ("bench --cases abx", "x"), ("bench take --rounds 0", "0"), ("bench take more", "more")])
def test_what_is_not_understood_is_one_line_and_exit_2(idle, line, word):
    done = idle.dev(*line.split())
    refused(done, 2, word)
    assert not idle.run_dir.exists()


def test_an_empty_argument_is_one_too(idle):
    refused(idle.dev(""), 2)
    refused(idle.dev("down", ""), 2)


@pytest.mark.parametrize("setting", [
    "WORKERS=none", "WORKERS=0", "WORKERS=100", "WORKERS=-1", "PORT1=http", "PORT1=0", "PORT2=70000",
    "PORT2=8004x", "PRESET=fast", "PRESET=../release", "LAYOUT=heap", "CONFIG=/nowhere/sluice.cfg",
    "CONFIG=/tmp", "CONFIG=/dev/null", "CONFIG=/tmp/a b"])
def test_impossible_setting_of_up_is_one_line_and_exit_2(idle, setting):
    name, value = setting.split("=")
    refused(idle.dev("up", **{name: value}), 2, name, value)
    assert not idle.processes()


def test_a_mistake_in_the_config_is_told_before_a_build_that_would_change_nothing(idle):
    assert idle.dev("up").returncode == 0
    assert idle.dev("down").returncode == 0
    with idle.edited_config("storage", "strange") as (path, line):
        done = idle.dev("up")
    assert done.returncode == 2
    assert f"{path}:{line}:" in done.output
    assert "building" not in done.output


# What is there, or how RUN_DIR is to be called, and what the answer names.
FOREIGN_RUN_DIRS = {
    "a file": lambda base: (base / "there").write_text(""),
    "somebody's folder": lambda base: ((base / "there").mkdir(), (base / "there/tmp").write_text("")),
    "a folder with a lock of somebody": lambda base: ((base / "there").mkdir(),
                                                      (base / "there/lock").write_text("")),
    "below a file": lambda base: (base / "there").write_text("") and None or "there/below",
    "below no folder": lambda base: "/proc/nowhere",
    "with a space": lambda base: "a space",
    "with a newline": lambda base: "a\nnewline",
    "too long": lambda base: "l" * 85,
}


@pytest.mark.parametrize("command", ["up", "down", "restart", "reload", "status", "logs"])
@pytest.mark.parametrize("kind", FOREIGN_RUN_DIRS)
def test_a_foreign_run_dir_is_one_line_and_stays_as_it_is(idle, kind, command):
    name = FOREIGN_RUN_DIRS[kind](idle.base)
    run_dir = idle.base / (name if isinstance(name, str) else "there")
    before = sorted(idle.base.rglob("*"))
    done = idle.dev(command, RUN_DIR=str(run_dir))
    assert sorted(idle.base.rglob("*")) == before
    assert len(done.output.replace(str(run_dir), "").splitlines()) == 1, done.output
    assert "line " not in done.output
    assert done.returncode in (1, 2, 3) or command == "down", done.output
    if command == "up":
        assert f"RUN_DIR={run_dir}" in done.output


@pytest.mark.skipif(os.geteuid() != 0, reason="plays two users")
@pytest.mark.parametrize("make,words", [
    (lambda run_dir: run_dir.mkdir(mode=0o700), "another user"), (lambda run_dir: None, "denied")])
def test_a_run_dir_for_others_is_one_line(idle, make, words):
    make(idle.run_dir)
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(ROOT / "dev"), "up"],
        env=idle.environment, cwd="/", text=True, check=False, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    done.output = done.stdout
    refused(done, 1, f"RUN_DIR={idle.run_dir}", words)


def test_logs_of_nothing_is_one_line_and_exit_3(idle):
    refused(idle.dev("logs"), 3, "not running")
    assert idle.dev("up").returncode == 0
    assert idle.dev("down").returncode == 0
    refused(idle.dev("logs", "-n", "1"), 3, "not running")


@pytest.mark.parametrize("name", ["PORT1", "PORT2"])
def test_restart_refuses_another_port_and_changes_nothing(stack, name):
    before = stack.processes()
    refused(stack.dev("restart", **{name: "9"}), 1, name, "down")
    assert stack.processes() == before


@pytest.mark.parametrize("setting", ["WORKERS=3", "PORT1=9", "PRESET=dev", "LAYOUT=shared",
                                     "CONFIG=/nowhere", "RATE_LIMIT_STORAGE_URI=redis://elsewhere/0"])
def test_up_of_what_runs_refuses_other_settings(stack, setting):
    name, value = setting.split("=")
    if stack.environment.get(name) == value:
        pytest.skip("it runs with this")
    before = stack.processes()
    refused(stack.dev("up", **{name: value}), 1, name, "restart")
    assert stack.processes() == before


def test_status_tells_of_what_runs_whatever_the_environment_says(stack):
    done = stack.dev("status", PORT1="9", WORKERS="none", LAYOUT="shared", CONFIG="/nowhere")
    assert done.returncode == 0, done.output
    assert f"http://127.0.0.1:{stack.port1}/" in done.output


def test_taken_ports_are_told_before_all_else(idle):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", idle.port2))
        taken.listen()
        refused(idle.dev("up", CONFIG=str(idle.config)), 1, str(idle.port2))
    eventually(lambda: not idle.processes())
