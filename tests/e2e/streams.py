"""Answers that come in pieces: a pool of tests/e2e/stream_worker.cpp behind nginx, and who reads them."""
import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import PRESET, REPORTS, ROOT, SLOWNESS, eventually, free_port, is_alive

WORKER = ROOT / "build" / PRESET / "tests" / "stream_worker"
KEEP = ROOT / "conf" / "run" / "keep"
PIECES = {"/stream/ticks": 40, "/stream/minute": 600}  # ten a second
MOST = 20_000  # of any
HUNG_S = 10 * SLOWNESS  # without a byte
LINES = [b"%d %s" % (number, bytes([97 + number % 26]) * (number * 37 % 1500))
         for number in range(MOST)]

CONFIG = """
{user}
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {base}/nginx.pid;
error_log {base}/nginx.log;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {base}/body;
    proxy_temp_path {base}/proxy;
    fastcgi_temp_path {base}/fastcgi;
    uwsgi_temp_path {base}/uwsgi;
    scgi_temp_path {base}/scgi;
    include {root}/nginx/sluice_hardening.conf;
    upstream pool {{
        least_conn;
        {servers}
        keepalive 64;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        include {root}/nginx/sluice_error_pages.conf;
        include {root}/nginx/sluice_error_answers.conf;
        location / {{
            include {root}/nginx/sluice_params;
            include {root}/nginx/sluice_location.conf;
            location /buffered/ {{ fastcgi_pass pool; }}
            location /stream/ {{
                fastcgi_pass pool;
                fastcgi_buffering off;
                fastcgi_read_timeout 20s;
            }}
        }}
    }}
}}
"""


class Pool:
    """nginx, and two workers each with a socket and a keep of its own, as ./dev has them."""

    def __init__(self):
        assert WORKER.exists(), f"cmake --build --preset {PRESET} --target stream_worker"
        self.base = Path(tempfile.mkdtemp(prefix="sluice-s-", dir="/tmp"))
        self.port = free_port()
        self.processes = []

    def launch(self, name, *command):
        with open(self.base / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(
                [str(word) for word in command], cwd=self.base, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True))
        return self.processes[-1]

    def __enter__(self):
        sockets = [self.base / f"{number}.sock" for number in (1, 2)]
        (self.base / "nginx.conf").write_text(CONFIG.format(
            user="user root;" if os.geteuid() == 0 else "", base=self.base, root=ROOT,
            port=self.port, servers=" ".join(f"server unix:{path} max_fails=0;" for path in sockets)))
        try:
            self.keeps = [self.launch(path.stem, "spawn-fcgi", "-n", "-s", path, "-M", "0660", "-b",
                                      "1024", "--", KEEP, WORKER) for path in sockets]
            self.launch("nginx", "nginx", "-e", self.base / "nginx.log", "-p", self.base, "-c",
                        "nginx.conf")
            eventually(lambda: all(self.workers()) and self.answers(), within=10 * SLOWNESS)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            for process in reversed(self.processes):
                process.terminate()
            for process in self.processes:
                process.wait(15)
            for path in self.base.glob("*.log"):
                text = path.read_text(errors="replace")
                assert not any(report in text for report in REPORTS), f"{path.name}:\n{text[-6000:]}"
        finally:
            for process in self.processes:
                process.kill()
            shutil.rmtree(self.base, ignore_errors=True)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def worker(self, number):
        """The pid of a worker, or None while there is none; keep itself is there before it."""
        keep = self.keeps[number].pid
        for pid in Path(f"/proc/{keep}/task/{keep}/children").read_text().split():
            with contextlib.suppress(OSError):  # it has ended
                if os.readlink(f"/proc/{pid}/exe") == str(WORKER):
                    return int(pid)
        return None

    def workers(self):
        return [self.worker(number) for number in range(len(self.keeps))]

    def restart(self, number):
        """Ends a worker well, and waits for the next one. How long it took to end."""
        old, start = eventually(lambda: self.worker(number)), time.monotonic()
        os.kill(old, signal.SIGTERM)
        eventually(lambda: not is_alive(old), within=9 + SLOWNESS)
        took = time.monotonic() - start
        eventually(lambda: self.worker(number), within=5 * SLOWNESS)
        return took

    def memory(self):
        """VmRSS of the workers, in kB."""
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self.workers() if pid]
        return [int(text.split("VmRSS:")[1].split()[0]) for text in status]

    def log(self, name):
        return (self.base / f"{name}.log").read_text()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=HUNG_S)


def get(path, method="GET"):
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Reader:
    """One client: it reads an answer, holds it to what it must be, and asks for the next one."""

    def __init__(self, pool, path):
        self.path, self.asks_on = path, True
        self.whole = self.shortened = 0  # answers
        self.peer = pool.connect()
        self.ask()
        self.peer.setblocking(False)

    def ask(self):
        self.received, self.line, self.number = b"", b"", 0
        self.has_head = self.is_over = False
        self.heard = time.monotonic()
        self.peer.sendall(get(self.path))

    def read(self):
        """Takes what is there."""
        data = self.peer.recv(65536)
        assert data, f"cut after {self.number} pieces"
        self.heard = time.monotonic()
        self.received += data
        if not self.has_head:
            self.read_head()
        while self.has_head and self.read_chunk():
            pass

    def read_head(self):
        head, separator, rest = self.received.partition(b"\r\n\r\n")
        if separator:
            assert head.startswith(b"HTTP/1.1 200 "), head
            assert b"\r\nTransfer-Encoding: chunked" in head, head
            self.has_head, self.received = True, rest

    def read_chunk(self):
        """False if it is not here yet, or was the last one."""
        size, separator, rest = self.received.partition(b"\r\n")
        if not separator or len(rest) < int(size, 16) + 2:
            return False
        length = int(size, 16)
        assert rest[length:length + 2] == b"\r\n", rest[length:length + 20]
        self.received = rest[length + 2:]
        if length == 0:
            self.end()
            return False
        *lines, self.line = (self.line + rest[:length]).split(b"\n")
        for line in lines:
            self.take(line)
        return True

    def take(self, line):
        assert not self.is_over, f"{line[:40]} behind the end"
        if line == b"end %d" % self.number:
            self.is_over = True
            return
        assert line == LINES[self.number], f"{line[:40]} for {self.number}"
        self.number += 1

    def end(self):
        assert self.is_over and not self.line and not self.received, \
            f"ended in piece {self.number}: {self.line[:40]} {self.received[:40]}"
        self.whole += 1
        self.shortened += self.number < PIECES.get(self.path, 0)
        if self.asks_on:
            self.ask()
        else:
            self.peer.close()


class Crowd(threading.Thread):
    """Many readers, in a thread; `failures` is what any of them has found."""

    def __init__(self, readers):
        super().__init__()
        self.readers, self.failures = readers, []
        self.selector = selectors.DefaultSelector()
        for reader in readers:
            self.selector.register(reader.peer, selectors.EVENT_READ, reader)

    def run(self):
        while self.selector.get_map() and not self.failures:
            for key, _ in self.selector.select(timeout=1):
                self.serve(key.fileobj, key.data)
            late = time.monotonic() - HUNG_S
            self.failures += [f"hangs at piece {key.data.number}"
                              for key in self.selector.get_map().values() if key.data.heard < late]

    def serve(self, peer, reader):
        try:
            reader.read()
        except (AssertionError, OSError) as failure:
            self.failures.append(repr(failure))
        if peer.fileno() < 0:
            self.selector.unregister(peer)

    def finish(self):
        """Lets each end the answer that it reads, and no more."""
        for reader in self.readers:
            reader.asks_on = False
        self.join()
