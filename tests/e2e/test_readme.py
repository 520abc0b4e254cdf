"""Every command of every README, run as it stands there, or by the suite that is named here."""
import grp
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from config_text import config_text
from harness import PRESET, ROOT, SLUICE, RedisServer, Stack, eventually, free_port, is_alive
from http_client import Client
from readme import FILES, block, blocks, run

# Commands; what they start runs under the sanitizers elsewhere.
pytestmark = pytest.mark.outside_worker

HERE = "a test below"
# File, how a block begins (empty: every other one), what runs it.
KNOWN = [
    ("README.md", "./dev up ", "every end-to-end test begins with the first; the second is what runs this"),
    ("README.md", "curl -s ", HERE),
    ("README.md", "SID=", HERE),
    ("README.md", "say()", HERE),
    ("README.md", "for i in ", HERE),
    ("README.md", "HTTP/1.1 429", HERE),
    ("README.md", '{"detail"', HERE),
    ("README.md", '{"time"', "test_denial_log"),
    ("README.md", "docker compose ", "./dev test compose: check_readme runs them as they stand"),
    ("README.md", "tenants = (", HERE),
    ("README.md", "build/release/sluice export", "test_tenant_lines"),
    ("README.md", "export RATE_LIMIT_STORAGE_URI", HERE),
    ("README.md", "user sluice on ", HERE),
    ("README.md", "routes = (", "test_gate_readme"),
    ("nginx/README.md", "http {", "test_gate_readme"),
    ("nginx/README.md", "routes = (", "test_gate_readme"),
    ("nginx/README.md", "server {\n    listen 127.0.0.1:9145", "test_metrics"),
    ("nginx/README.md", "costs = (", "test_settle"),
    ("nginx/README.md", "curl -s http://127.0.0.1:8003/settle", "test_settle"),
    ("nginx/README.md", "location /files/ {", "test_settle"),
    ("nginx/README.md", "set $sluice_cors_origins", "test_cors"),
    ("nginx/README.md", "server {\n    listen 80", "test_gate_beside_api"),
    ("README.md", "apt install ", "./dev test package, in a Debian of its own: install_package and starts"),
    ("README.md", "install -d ", HERE),
    ("nginx/README.md", "upstream sluice {", HERE),
    ("nginx/README.md", "limit_conn_zone ", HERE),
    ("nginx/examples/README.md", "cd /usr/share", "./dev test package, in a Debian of its own: an_example_runs"),
    ("nginx/examples/README.md", "", "test_examples"),
    ("fcgi-app/README.md", "nginx ── ", "no command"),
    ("nginx/module/README.md", "load_module ", "test_module"),
    ("nginx/module/README.md", "location = /chat", "test_module_chat"),
    ("nginx/module/README.md", "gate = {", "test_module_chat"),
    ("nginx/module/README.md", "nginx's phases ── ", "no command"),
    ("bench/README.md", "./dev bench  ", HERE),
    ("bench/README.md", "./dev bench take ", HERE),
    ("bench/README.md", "./dev bench gate ", HERE),
    ("tests/fuzz/README.md", "./dev fuzz ", HERE),
    ("tests/fuzz/README.md", "build/fuzz/tests/fuzz/fuzz_NAME", "./dev test: fuzz_one runs this path"),
    ("CONTRIBUTING.md", "build/asan-ubsan/tests/", HERE),
]


@pytest.mark.parametrize("file", FILES)
def test_every_block_has_somebody_who_runs_it(file):
    for text in blocks(file):
        known = [start for name, start, _ in KNOWN if name == file and text.startswith(start)]
        assert len(list(filter(None, known)) or known) == 1, f"{file}: name in KNOWN who runs this:\n{text}"


@pytest.mark.parametrize("file,start", [(file, start) for file, start, _ in KNOWN])
def test_every_block_that_is_known_is_there(file, start):
    assert not start or block(file, start)


# --- ./dev up and its walk-through -----------------------------------------------------------------

def readme(*starts):
    return [block("README.md", start) for start in starts]


def test_the_walk_through_gives_what_it_says(fresh):
    status, _, _, chats = run(fresh, *readme("curl -s ", "SID=", "say()", "for i in "))
    assert json.loads(status)["service"] == "sluice"
    assert re.findall(r"HTTP/1.1 (\d+)", chats) == ["200"] * 8 + ["429"]
    shown = "\n".join(readme("HTTP/1.1 429", '{"detail"'))
    denied = "HTTP/1.1 429" + chats.split("HTTP/1.1 429")[1].replace("\r", "")
    for line in shown.splitlines():
        # But for the time of day, and the id.
        words = re.sub(r"(Reset:\\ |t=|After:\\ )\d+", r"\g<1>\\d+", re.escape(line))
        words = re.sub(r"(ID:\\ )\w+", r"\g<1>[0-9a-f]{32}", words)
        assert re.search(f"^{words}$", denied, re.MULTILINE), (line, denied)


def test_peek_and_reset_find_redis_and_the_secret(fresh):
    *_, chats, shown = run(fresh, *readme("SID=", "say()", "for i in ", "export RATE_LIMIT"))
    assert "HTTP/1.1 429" in chats
    assert "used 8/8  remaining 0" in shown
    with fresh.redis() as store:
        assert not [key for key in store.keys("*:chat:session:*")]


def test_the_limit_that_it_shows_is_what_is_shipped():
    shown, = readme("tenants = (")
    assert shown.removesuffix("\n...") in (ROOT / "conf/tenants.cfg").read_text()


# --- another Redis, another nginx ------------------------------------------------------------------

def test_the_user_of_redis_that_it_names_is_enough():
    line, = readme("user sluice on ")
    with RedisServer("--user", *line.replace("PASSWORD", "s3cret").split()[1:]) as store, \
            Stack(WORKERS="1", RATE_LIMIT_STORAGE_URI=f"redis://sluice:s3cret@127.0.0.1:{store.port}/0",
                  ) as stack:
        with Client(stack.port1) as client:
            assert client.get().json["store"] == {"status": "up"}
            session = client.open_session("acme")
            assert [client.chat("acme", session).status for _ in range(9)] == [200] * 8 + [429]


def users():
    """Who the workers and nginx are here: those of the text, or others where this machine lacks them."""
    names = [user.pw_name for user in pwd.getpwall()]
    return ("sluice" if "sluice" in names else "nobody",
            "www-data" if "www-data" in names else "nobody")


@pytest.fixture
def open_place():
    """A folder that other users can reach, with the program in it."""
    path = Path(tempfile.mkdtemp(prefix="sluice-o-", dir="/tmp"))
    path.chmod(0o755)
    shutil.copy(SLUICE, path / "sluice")
    shutil.copy(ROOT / "conf/run/keep", path / "keep")
    (path / "sluice.cfg").write_text(config_text())
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="makes processes of other users")
def test_the_spawn_fcgi_line_makes_a_worker_that_is_not_root_and_a_socket_for_nginx(open_place):
    user, nginx = users()
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    nginx_group = grp.getgrgid(pwd.getpwnam(nginx).pw_gid).gr_name
    state = open_place / "state"
    state.mkdir(mode=0o700)
    shutil.chown(state, user)
    line, = readme("install -d ")
    socket = open_place / "run/api1-1.sock"
    for old, new in (("/run/sluice", f"{open_place}/run"), ("-o sluice", f"-o {user}"),
                     ("-g www-data", f"-g {nginx_group}"), ("/usr/bin/sluice", f"{open_place}/sluice"),
                     ("/usr/lib/sluice/keep", f"{open_place}/keep"),
                     ("/etc/sluice/", f"{open_place}/"), ("-G www-data", f"-G {nginx_group}"),
                     ("-U sluice", f"-U {user}"), ("-u sluice", f"-u {user}"),
                     ("-g sluice", f"-g {group}")):
        assert old in line
        line = line.replace(old, new)
    with RedisServer() as store, open(open_place / "log", "wb") as log:
        process = subprocess.Popen(["bash", "-ec", line], stdout=log, stderr=log, start_new_session=True,
                                   env={**os.environ, "SLUICE_SECRET_FILE": f"{state}/secret",
                                        "RATE_LIMIT_STORAGE_URI": f"redis://127.0.0.1:{store.port}/0"})
        try:
            eventually(socket.exists)
            ask = ["setpriv", f"--reuid={nginx}", f"--regid={nginx_group}", "--init-groups", "env", "-i",
                   "REQUEST_METHOD=GET", "DOCUMENT_URI=/", "REMOTE_ADDR=127.0.0.1",
                   "/usr/bin/cgi-fcgi", "-bind", "-connect", str(socket)]
            eventually(lambda: b'"status":"up"' in subprocess.run(
                ask, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False).stdout)
            found = socket.stat()
            assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (
                0o660, pwd.getpwnam(user).pw_uid, grp.getgrnam(nginx_group).gr_gid)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            assert {os.stat(f"/proc/{pid}").st_uid for pid in [process.pid, *children]} == {found.st_uid}
            assert children
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
            eventually(lambda: not any(is_alive(int(pid)) for pid in children), within=20)


def test_the_nginx_of_its_readme_serves(fresh):
    """With its sockets, its port and our files where a Debian nginx has its own."""
    place, port = Path(tempfile.mkdtemp(prefix="sluice-n-", dir="/tmp")), free_port()
    for path in (ROOT / "nginx").glob("sluice_*"):
        shutil.copy(path, place)
    text = "\n".join(block("nginx/README.md", start) for start in ("limit_conn_zone ", "upstream sluice {"))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};")
    for number, socket in enumerate(fresh.sockets("api1"), 1):
        assert f"/run/sluice/api1-{number}.sock" in text
        text = text.replace(f"/run/sluice/api1-{number}.sock", str(socket))
    temporary = "".join(f"{name}_temp_path {place}/{name};" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (place / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {place}/pid; error_log {place}/log;"
        f"events {{}} http {{ access_log off; {temporary}\n{text}\n}}\n")
    process = subprocess.Popen(["/usr/sbin/nginx", "-e", str(place / "log"), "-p", str(place), "-c",
                                str(place / "nginx.conf")])
    try:
        eventually((place / "pid").exists)
        with Client(port) as client:
            assert client.get().json["store"] == {"status": "up"}
            assert client.chat("acme", client.open_session("acme")).status == 200
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(place)


# --- what takes minutes: that its words are understood ---------------------------------------------

def test_the_commands_of_bench_and_fuzz_are_understood():
    measure, options = [line.split("#")[0].split() for line in
                        block("bench/README.md", "./dev bench  ").splitlines()]
    assert subprocess.run(["bench/run", "--parse-only", *measure[2:]], cwd=ROOT, check=False).returncode == 0
    for program in ("take", "gate"):
        line, = block("bench/README.md", f"./dev bench {program} ").splitlines()
        assert subprocess.run([f"bench/{program}", "--parse-only", *line.split("#")[0].split()[3:]], cwd=ROOT,
                              check=False).returncode == 0
    said = subprocess.run(options, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for word in ("rounds", "seconds", "connections", "workers", "cases"):
        assert f"--{word}" in said
    for line in block("tests/fuzz/README.md", "./dev fuzz ").splitlines():
        command, seconds, *names = re.split(r"  +", line)[0].removeprefix("./dev ").split()
        assert (command, seconds.isdigit()) == ("fuzz", True)
        for name in names:
            assert (ROOT / f"tests/fuzz/{name}_fuzz.cpp").exists()


def test_the_commands_of_the_package_are_those_of_its_suite():
    suite = (ROOT / "tests/package/run.sh").read_text()
    words = [word for word in block("README.md", "apt install ").split() if re.match(r"/|sluice@", word)]
    assert len(words) == 4
    assert [word for word in words if word not in suite] == []


def test_the_commands_of_contributing_find_tests():
    unit, ours = block("CONTRIBUTING.md", "build/asan").splitlines()
    program, suite = re.fullmatch(r"(\S+) --gtest_filter='(\w+)\.\*'", unit).groups()
    assert program == "build/asan-ubsan/tests/sluice_tests"  # where ./dev test has it, too
    assert any(re.search(rf"\bTEST(_F)?\({suite}, ", path.read_text())
               for path in (ROOT / "tests").rglob("*_test.cpp"))
    found = subprocess.run(f"{ours} --collect-only -q -p no:cacheprovider", shell=True, cwd=ROOT,
                           capture_output=True, text=True, check=False, env={**os.environ, "PRESET": PRESET})
    assert found.returncode == 0, found.stdout
    assert "::" in found.stdout


def test_the_command_for_redis_reaches_it(fresh):
    """The span of README.md that names it, run as it stands."""
    command, = re.findall(r"`(redis-cli -s [^`]*)`", (ROOT / "README.md").read_text())
    assert run(fresh, f"{command} ping") == ["PONG"]


# --- commands within a sentence --------------------------------------------------------------------

def spans(program):
    """What the files say of this program between backquotes: (file, words)."""
    for file in FILES:
        text = re.sub(r"\s+", " ", (ROOT / file).read_text())
        for span in re.findall("`([^`]+)`", text):
            if re.search(rf"\b{program} ", span):
                yield file, span[span.index(f"{program} "):].split()[1:]


def test_commands_of_dev_within_sentences_are_some():
    said = subprocess.run([str(ROOT / "dev"), "help"], capture_output=True, text=True, check=True).stdout
    for file, (command, *_) in spans(r"\./dev".replace("\\", "")):
        assert re.search(f"^  {command} ", said, re.MULTILINE), (file, command)


def test_commands_of_sluice_within_sentences_have_their_flags():
    checked = 0
    for file, words in spans("sluice"):
        if not re.fullmatch("worker|check|peek|reset|key|import|export", words[0]):
            continue
        command = words[:2] if words[0] == "key" and len(words) > 1 else words[:1]
        for verb in re.findall(r"\w+", command[1]) if len(command) == 2 else [""]:
            done = subprocess.run([SLUICE, command[0], *filter(None, [verb]), "--help"], text=True,
                                  capture_output=True, check=False)
            assert done.returncode == 0, (file, words)
            for flag in [word for word in words if word.startswith("-")]:
                assert flag in done.stdout, (file, words)
            checked += 1
    assert checked
