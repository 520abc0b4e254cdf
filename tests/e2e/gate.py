"""An nginx with a site of its own, whose locations are gated, and an application behind it."""
import contextlib
import http.server
import os
import re
import shutil
import subprocess
import threading
import time
import types
from pathlib import Path

from harness import ROOT, eventually, free_port

SNIPPETS = ROOT / "nginx"
UPSTREAM = ("node", Path(__file__).with_name("upstream.mjs"))  # for program()
FIELDS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
# A busy machine is no store that is down; nginx's question may take 1400.
PATIENT = "storage = { deadline_ms = 600; };"
# Every request costs 1 of a limit of all, which remaining() and charges() read.
CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "1000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  { name = "tight"; match = "/tight/*"; limits = ( { name = "tight"; scope = "ip"; rate = "1/day"; } ); }
);
"""
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


class Application(http.server.BaseHTTPRequestHandler):
    """Says what it was asked, and remembers it."""
    protocol_version = "HTTP/1.1"
    seen = None  # of the server: a list

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self):
        body = self.body()
        self.server.seen.append((self.command, self.path, body))
        status = re.search(r"/status/(\d+)", self.path)
        text = body or f"app {self.command} {self.path}".encode()
        self.send_response(int(status[1]) if status else 200)
        if accel := re.search(r"/accel\b(/.*)", self.path):
            self.send_header("X-Accel-Redirect", accel[1])
        self.send_header("X-App", "1")
        told = self.headers.get_all("X-Decision-ID")
        if told:
            self.send_header("X-App-Decision", ", ".join(told))
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


@contextlib.contextmanager
def application(handler=Application):
    """Its port, and what it was asked."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, server.seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def program(*command, **environment):
    """An application that prints "listens on ADDRESS:PORT" once it serves: its port and its pid."""
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, env={**os.environ, "PORT": "0", **environment}) as process:
        try:
            said = process.stdout.readline()
            assert said.startswith("listens on "), (command, said)
            yield types.SimpleNamespace(port=int(said.rsplit(":", 1)[1]), pid=process.pid)
        finally:
            process.terminate()


def shows_limits(answer):
    return all(answer.field(name) for name in FIELDS)


def remaining(client):
    """Units that a limit of all, in Redis, leaves to everybody; to ask costs one."""
    answer = client.get("/plain.txt")
    assert answer.status == 200, answer
    return int(answer.field("X-RateLimit-Remaining"))


@contextlib.contextmanager
def charges(client):
    """`units` of it is what was charged to that limit meanwhile."""
    seen, before = types.SimpleNamespace(units=None), remaining(client)
    yield seen
    seen.units = before - remaining(client) - 1


def begin_of_a_second():
    """Waits for the next one; what follows has most of it, and nothing of what a shield had before."""
    now = int(time.time())
    eventually(lambda: int(time.time() - 0.02) > now, every=0.005)


class Nginx:
    """An nginx with one server, a folder of files and an error log."""

    environment = None  # of its own, where it has one

    def __init__(self, folder, server, http="", main="", user="root"):
        self.folder = Path(folder)
        self.port = free_port()
        (self.folder / "tmp").mkdir()
        temporary = "".join(f"{kind}_temp_path tmp/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = f"user {user};\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""{user}{main}daemon off; pid nginx.pid; worker_processes 2;
error_log error.log warn;
events {{ worker_connections 512; }}
http {{
    access_log off; {temporary}
    types {{ text/html html; text/plain txt; }}
    {http}
    server {{ listen 127.0.0.1:{self.port}; root html; {server} }}
}}
""")
        html = self.folder / "html"
        (html / "folder").mkdir(parents=True)
        (html / "files").mkdir()
        for name in ("index.html", "plain.txt", "folder/index.html", "files/plain.txt", "gone.html"):
            (html / name).write_text(f"file {name}\n")
        self.process = None

    @property
    def command(self):
        return [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "error.log"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, env=self.environment)
        eventually(lambda: (self.folder / "nginx.pid").exists(), within=20)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)

    def workers(self):
        """Pids of nginx's workers."""
        master = self.process.pid
        return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]

    def kept(self):
        """The denials that its shield has: their files."""
        return [path for path in (self.folder / "shield").rglob("*") if path.is_file()]

    def errors(self):
        return (self.folder / "error.log").read_text()

    def reload(self):
        subprocess.run([*self.command, "-s", "reload"], check=True, env=self.environment)


class Site(Nginx):
    """nginx with the snippets as a user has them, in front of `sockets` of workers."""

    def __init__(self, folder, sockets, server, http=""):
        super().__init__(folder, server, f"include sluice_http.conf;\n{http}")
        for snippet in SNIPPETS.glob("sluice_*"):
            shutil.copy(snippet, self.folder)
        once = self.folder / "sluice_http.conf"
        servers = "".join(f"server unix:{socket} max_fails=0;\n" for socket in sockets)
        once.write_text(re.sub(r"server unix:/run/sluice/1.*\n.*2.sock max_fails=0;\n", servers,
                               once.read_text()))
        shield = self.folder / "sluice_shield.conf"
        shield.write_text(shield.read_text().replace("/run/sluice_shield", str(self.folder / "shield")))
