"""./dev in a checkout, or with a RUN_DIR, that was copied or moved with all that is in it."""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import COMMAND_TIMEOUT, ROOT, Stack, eventually, free_port

# ./dev itself.
pytestmark = pytest.mark.outside_worker

# A program that is quick to build, in the place of the real one: it says where it was built, and that
# no config is good, which ends ./dev up.
CMAKE = """cmake_minimum_required(VERSION 3.25)
project(tiny LANGUAGES CXX)
add_executable(sluice fcgi-app/main.cpp)
target_compile_definitions(sluice PRIVATE PLACE="${CMAKE_SOURCE_DIR}")
"""
MAIN = '#include <cstdio>\nint main() { std::fputs("%s, built in " PLACE "\\n", stderr); return 2; }\n'


@pytest.fixture
def place():
    path = Path(tempfile.mkdtemp(prefix="sluice-c-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def make_checkout(path):
    """The real script and presets around the tiny program."""
    (path / "fcgi-app").mkdir(parents=True)
    for name in ("dev", "CMakePresets.json"):
        shutil.copy(ROOT / name, path)
    for name in ("nginx", "conf"):
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("*.secret", "module"))
    (path / "CMakeLists.txt").write_text(CMAKE)
    (path / "fcgi-app/main.cpp").write_text(MAIN % "old")


def up(checkout, preset):
    """What ./dev up says until the program has been asked, with the compiler's part."""
    outer = {name: value for name, value in os.environ.items()
             if name not in ("CONFIG", "RATE_LIMIT_STORAGE_URI", "RUN_DIR", "LAYOUT", "WORKERS")}
    done = subprocess.run(
        [str(checkout / "dev"), "up"], cwd="/", text=True, check=False, timeout=COMMAND_TIMEOUT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**outer, "PRESET": preset, "PORT1": str(free_port()), "PORT2": str(free_port())})
    assert done.returncode == 2, done.stdout
    return done.stdout.splitlines()


def copied(old, new):
    shutil.copytree(old, new, symlinks=True)


def copied_and_gone(old, new):
    copied(old, new)
    shutil.rmtree(old)


def moved(old, new):
    old.rename(new)


def copied_below_itself(old, new):
    copied(old, old / "inner")
    old.rename(new.parent / "outer")
    (new.parent / "outer/inner").rename(new)


@pytest.mark.parametrize("preset", ["release", "dev", "asan-ubsan"])
@pytest.mark.parametrize("how", [copied, copied_and_gone, moved, copied_below_itself])
def test_a_checkout_that_was_copied_builds_itself(place, how, preset):
    old, new = place / "old", place / "new"
    make_checkout(old)
    assert up(old, preset)[-1] == f"old, built in {old}"
    how(old, new)
    (new / "fcgi-app/main.cpp").write_text(MAIN % "new")
    said = up(new, preset)
    assert said[-1] == f"new, built in {new}"
    assert [line for line in said if str(old) in line] == [
        f"dev: configuring preset {preset} anew: build/{preset} is from {old}"]
    assert str(old) not in (new / f"build/{preset}/build.ninja").read_text()
    (new / "fcgi-app/main.cpp").touch()
    assert not any("configuring" in line for line in up(new, preset))  # once is enough


def test_the_lint_of_a_checkout_that_was_copied_is_its_own(place):
    old, new = place / "old", place / "new"
    make_checkout(old)
    (old / "tests").mkdir()
    for name in ("lint.sh", "suites.sh"):
        shutil.copy(ROOT / "tests" / name, old / "tests")

    def lint(checkout):
        done = subprocess.run([str(checkout / "dev"), "lint", "changed"], cwd="/", text=True,
                              check=False, timeout=COMMAND_TIMEOUT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        assert "configur" in done.stdout and "1 files" in done.stdout, done.stdout
        return done
    for command in (["init", "-q"], ["add", "dev"],
                    ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(old), *command], check=True)
    # One that nobody includes hides none of those after it.
    (old / "fcgi-app/alone.h").write_text("#pragma once\n")
    lint(old)
    copied(old, new)
    assert f"anew: build/lint is from {old}" in lint(new).stdout
    commands = (new / "build/lint/compile_commands.json").read_text()
    assert (str(new) in commands, str(old / "fcgi-app") in commands) == (True, False)


@pytest.fixture
def running():
    with Stack(WORKERS="1") as stack:
        yield stack


@pytest.mark.parametrize("command,code,word", [
    ("status", 3, "not running"), ("logs", 3, "not running"), ("restart", 1, "not running"),
    ("down", 0, "not running")])
def test_a_copy_of_a_run_dir_in_use_runs_nothing_and_ends_nothing(running, command, code, word):
    before = running.processes()
    copy = running.base / "copy"
    shutil.copytree(running.run_dir, copy, ignore=shutil.ignore_patterns("*.sock"))
    done = running.dev(command, RUN_DIR=str(copy))
    assert (done.returncode, word in done.output) == (code, True), done.output
    assert running.processes() == before
    assert running.dev("status").returncode == 0


def test_a_copy_of_a_run_dir_in_use_comes_up_beside_it(running):
    copy = {"RUN_DIR": str(running.base / "copy"), "PORT1": str(free_port()),
            "PORT2": str(free_port())}
    shutil.copytree(running.run_dir, copy["RUN_DIR"], ignore=shutil.ignore_patterns("*.sock"))
    before = running.processes()
    done = running.dev("up", **copy)
    assert done.returncode == 0, done.output
    assert f"is a copy of {running.run_dir}" in done.output
    assert running.dev("status", **copy).returncode == 0
    assert running.dev("down", **copy).returncode == 0
    assert running.processes() == before


def test_a_run_dir_that_was_moved_while_in_use_can_be_ended(running):
    there = running.run_dir.with_name("moved")
    running.run_dir.rename(there)
    try:
        done = running.dev("status", RUN_DIR=str(there))
        assert done.returncode == 3 and f"moved here from {running.run_dir}" in done.output
        done = running.dev("up", RUN_DIR=str(there))
        assert (done.returncode, "./dev down" in done.output) == (1, True), done.output
        assert running.dev("down", RUN_DIR=str(there)).returncode == 0
        eventually(lambda: not running.processes())
    finally:
        there.rename(running.run_dir)
