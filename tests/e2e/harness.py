"""The real system, as ./dev brings it up, in a directory and on ports of its own."""
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import redis

import segment

ROOT = Path(__file__).resolve().parents[2]
PRESET = os.environ.get("PRESET", "release")
SLUICE = str(ROOT / "build" / PRESET / "sluice")
SANITIZED = PRESET != "release"
FLAGS = ["--module"] if "SLUICE_TEST_MODULE" in os.environ else []  # of stacks that say nothing else
FULL_SET = "SLUICE_TEST_FULL" in os.environ and not SANITIZED  # not the short one of ./dev test
SLOWNESS = 5 if SANITIZED else 1  # what a bound on time is multiplied by
REPORTS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "UndefinedBehaviorSanitizer")
COMMAND_TIMEOUT = 300  # ./dev up may have to build


def eventually(predicate, within=10.0, every=0.02):
    """The first true value of predicate(); fails the test when there is none in time."""
    deadline = time.monotonic() + within
    while not (value := predicate()):
        assert time.monotonic() < deadline, f"not within {within} s: {predicate}"
        time.sleep(every)
    return value


# Below those that clients' connections are given; each process of a suite has its own, and each once in a while.
PORTS = sorted(range(20000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]), 32000,
                     int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))), key=lambda _: random.random())


def free_port():
    while True:
        PORTS.append(PORTS.pop(0))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", PORTS[-1]))
            return PORTS[-1]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def words_of(pid):
    """Its command line; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


class Stack:
    """nginx on two ports, two pools of workers, a private Redis.

    `config` is the text of the config file, by default what is shipped; `flags` and `settings` go to ./dev.
    """

    live = []  # every stack that is up, for its logs to be looked at

    def __init__(self, config=None, flags=FLAGS, **settings):
        self.flags = flags
        self.base = Path(tempfile.mkdtemp(prefix="sluice-", dir="/tmp"))
        self.base.chmod(0o755)
        self.run_dir = self.base / "run"
        self.conf = self.base / "conf"
        shutil.copytree(ROOT / "conf", self.conf, ignore=shutil.ignore_patterns("*.secret"))
        self.config = self.conf / "sluice.cfg"
        self.port1, self.port2 = free_port(), free_port()
        self.ports = (self.port1, self.port2)
        self.settings = {"WORKERS": "2", **settings}
        if config is not None:
            trusts = "gate = {" not in config and "--module" in flags
            self.config.write_text('gate = { handed_over = "trust"; };\n' * trusts + config)

    @property
    def environment(self):
        own = {"RUN_DIR": str(self.run_dir), "PORT1": str(self.port1), "PORT2": str(self.port2),
               "CONFIG": str(self.config), "PRESET": PRESET, **self.settings}
        outer = {name: value for name, value in os.environ.items()
                 if name not in ("LAYOUT", "RATE_LIMIT_STORAGE_URI")}
        return {**outer, **own}

    def dev(self, *arguments, **settings):
        """./dev; its output goes to a file, so that no server left behind can hold it open."""
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(ROOT / "dev"), *arguments], env={**self.environment, **settings}, cwd="/",
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                timeout=COMMAND_TIMEOUT, check=False)
            output.seek(0)
            done.output = output.read()
        return done

    def up(self):
        Stack.live.append(self)
        done = self.dev("up", *self.flags)
        assert done.returncode == 0, done.output + self.log_tails()
        return self

    def restart(self):
        done = self.dev("restart")
        assert done.returncode == 0, done.output + self.log_tails()

    def close(self):
        """Takes everything down and away. Fails if something stays or a sanitizer complained."""
        shared = self.shared_file()
        try:
            done = self.dev("down")
            self.assert_no_reports()
            assert done.returncode == 0, done.output
            eventually(lambda: not self.processes(), within=15)
        finally:
            if self in Stack.live:
                Stack.live.remove(self)
            for pid in self.processes():
                os.kill(pid, signal.SIGKILL)
            if shared:
                shared.unlink(missing_ok=True)
            shutil.rmtree(self.base, ignore_errors=True)

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    @contextlib.contextmanager
    def edited_config(self, old, new, path=None):
        """The first `old` in a config file replaced, for a while. Yields (path, line number)."""
        path = path or self.config
        text = path.read_text()
        assert old in text, (old, text)
        path.write_text(text.replace(old, new, 1))
        try:
            yield path, text[:text.index(old)].count("\n") + 1
        finally:
            path.write_text(text)

    def processes(self, name=None):
        """Pids of what works in this stack's directory, or names it; of one program, if `name`."""
        mark = str(self.base) + "/"
        found = set()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = " ".join(words_of(entry.name))
                program = os.readlink(entry / "exe").removesuffix(" (deleted)")
                folder = os.readlink(entry / "cwd") + "/"
            except OSError:
                continue
            ours = mark in command or folder.startswith(mark)
            if ours and is_alive(int(entry.name)):
                if name is None or os.path.basename(program) == name:
                    found.add(int(entry.name))
        return found

    def workers(self, pool=None):
        """Pids of the workers (of one pool)."""
        return {pid for pid in self.processes("sluice") if pool is None or pool in words_of(pid)}

    def sockets(self, pool="api1"):
        """The sockets on which the present workers of the pool listen."""
        generations = sorted(self.run_dir.glob("gen-*"), key=lambda path: int(path.name[4:]))
        return sorted(generations[-1].glob(f"{pool}*.sock"))

    def shared_file(self):
        """The memory that the workers share besides Redis; None if none runs."""
        for pid in self.workers():
            if path := segment.file_of(pid):
                return path
        return None

    def forget_newcomers(self):
        """As if no bucket had been opened yet. The seed of its hashes stays."""
        path = self.shared_file()
        offset, size = segment.region(path, segment.NEWCOMERS)
        with open(path, "r+b") as file:
            file.seek(offset + 16)
            file.write(b"\0" * (size - 16))

    def redis(self, **options):
        return redis.Redis(unix_socket_path=str(self.run_dir / "redis.sock"), **options)

    def refill(self):
        """Every quota is full again."""
        with self.redis() as client:
            client.flushall()

    def buckets(self):
        """The keys in Redis."""
        with self.redis() as client:
            return client.keys()

    def nginx_master(self):
        return int((self.run_dir / "nginx.pid").read_text().split()[0])

    def redis_pid(self):
        with self.redis() as client:
            return client.info("server")["process_id"]

    def logs(self):
        return {path.name: path.read_text(errors="replace")
                for path in sorted((self.run_dir / "log").glob("*")) if path.is_file()}

    def log_tails(self, lines=25):
        return "".join(f"\n--- {name}\n" + "\n".join(text.splitlines()[-lines:])
                       for name, text in self.logs().items() if text)

    def assert_no_reports(self):
        for name, text in self.logs().items():
            for report in REPORTS:
                assert report not in text, f"{name}:\n{text[-6000:]}"


class RedisServer:
    """A redis-server that ./dev knows nothing of. `arguments` go to redis-server."""

    def __init__(self, *arguments, environment=None, tls=False):
        self.directory = tempfile.mkdtemp(prefix="sluice-r-", dir="/tmp")
        self.port = free_port()
        ports = ["--port", "0", "--tls-port", str(self.port)] if tls else ["--port", str(self.port)]
        self.command = ["redis-server", *ports, "--bind", "127.0.0.1", "--save", "", "--dir",
                        self.directory, "--logfile", "redis.log", *arguments]
        self.environment = {**os.environ, **(environment or {})}
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        env=self.environment)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        eventually(self.answers)
        return self

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


class Worker:
    """One worker without nginx: it listens at `socket`, its log is in `log`."""

    def __init__(self, uri, config, **environment):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-w-", dir="/tmp"))
        self.socket, self.log = self.directory / "socket", self.directory / "log"
        (self.directory / "sluice.cfg").write_text(config)
        self.environment = {**os.environ, "RATE_LIMIT_STORAGE_URI": uri, **environment}

    def stderr(self):
        """What it logs to; not needed here once it runs."""
        return open(self.log, "wb")

    def __enter__(self):
        with self.stderr() as stderr:
            self.process = subprocess.Popen(
                [SLUICE, "worker", "--config",
                 str(self.directory / "sluice.cfg"), "--listen", str(self.socket)],
                stdin=subprocess.DEVNULL, stderr=stderr, env=self.environment)
        eventually(self.listens)
        return self

    def listens(self):
        """The file is there before anybody can connect to it."""
        accepting = "00010000"  # SO_ACCEPTCON
        lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        return any(line[-1] == str(self.socket) and line[3] == accepting for line in lines)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            assert self.process.wait(15) == 0, self.log.read_text()
            for report in REPORTS:
                assert report not in self.log.read_text(), self.log.read_text()[-6000:]
        finally:
            self.process.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
