"""What measurements share: processes whose CPU time is told apart, and wrk that loads them."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
BINARIES = ROOT / "build" / "release"
TICK = os.sysconf("SC_CLK_TCK")


class Processes:
    """On sockets and in a folder of their own, in groups whose CPU time is counted together."""

    def __init__(self, *groups):
        self.dir = Path(tempfile.mkdtemp(prefix="sluice-bench-", dir="/tmp"))
        self.groups = {group: [] for group in groups}
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.children):
            process.terminate()
        for process in self.children:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, group, *command, **environment):
        with open(self.dir / f"{group}.log", "a") as log:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, env={**os.environ, **environment})
        self.children.append(process)
        self.groups[group].append(process.pid)

    def redis(self):
        """Its socket."""
        socket = self.dir / "redis.sock"
        self.start("redis", "redis-server", "--port", "0", "--unixsocket", socket, "--save", "",
                   "--dir", self.dir, "--maxmemory-policy", "noeviction")
        wait_for(socket.exists, "redis-server")
        return socket

    def pool(self, name, redis, config, workers, *flags):
        """The upstream of it, for nginx."""
        sockets = [self.dir / f"{name}-{number}.sock" for number in range(workers)]
        for socket in sockets:
            self.start("worker", BINARIES / "sluice", "worker", "--config", config, "--listen", socket, *flags,
                       RATE_LIMIT_STORAGE_URI=f"unix://{redis}", SLUICE_SECRET_FILE=str(self.dir / "secret"))
        for socket in sockets:
            wait_for(socket.exists, "a worker")
        servers = " ".join(f"server unix:{socket};" for socket in sockets)
        return f"upstream {name} {{ least_conn; {servers} keepalive 64; keepalive_requests 100000000; }}"

    def nginx(self, group, http, modules="", workers=2):
        """In a folder with the group's name, with `http` as the block of it. The folder."""
        folder = self.dir / group
        folder.mkdir(exist_ok=True)
        (folder / "nginx.conf").write_text(NGINX.format(
            user="user root;" if os.geteuid() == 0 else "", modules=modules, workers=workers, http=http))
        self.start(group, "nginx", "-e", "error.log", "-p", folder, "-c", "nginx.conf")
        return folder

    def cpu(self):
        """CPU seconds so far, by group; nginx with its children."""
        return {group: sum(cpu_of(pid) for root in pids for pid in (root, *children_of(root)))
                for group, pids in self.groups.items()}

    def wrk(self, url, script, seconds, connections, **environment):
        """What came of it; CPU is in microseconds per request, by group."""
        before = self.cpu()
        output = subprocess.run(
            ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(BENCH / script), url],
            env={**os.environ, "BENCH": str(BENCH), **environment}, capture_output=True, text=True)
        after = self.cpu()
        line = [line for line in output.stdout.splitlines() if line.startswith("RESULT")]
        if not line:
            sys.exit(f"bench: wrk failed: {output.stdout}{output.stderr}")
        requests, broken, refused, duration, p50, p99 = (int(x) for x in line[0].split()[1:])
        result = {"rate": requests / duration * 1e6, "p50": p50 / 1000, "p99": p99 / 1000,
                  "broken": broken, "refused": refused, "requests": requests}
        for group in after:
            result[group] = (after[group] - before[group]) / max(requests, 1) * 1e6
        return result


NGINX = """
daemon off; pcre_jit on; worker_processes {workers}; pid nginx.pid; error_log error.log; {user} {modules}
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  {http}
}}
"""


def build():
    """The release preset, with what only a measurement needs."""
    subprocess.run(["cmake", "--preset", "release", "-DSLUICE_BENCH=ON"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release"], cwd=ROOT, check=True)


def wait_for(condition, what):
    deadline = time.monotonic() + 20
    while True:
        try:
            if condition():
                return
        except OSError:
            pass
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what} did not come up")
        time.sleep(0.02)


def ask(port, path):
    """The status."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def cpu_of(pid):
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def children_of(pid):
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def all_refused(result):
    return result["refused"] == result["requests"]


def none_refused(result):
    return result["refused"] == 0


def rounds_of(cases, rounds, measure):
    """Measures the cases in turn, round after round. A case is (NAME, WHAT, HOLDS); HOLDS says whether the
    answers were what they must be. Results by name."""
    results = {name: [] for name, *_ in cases}
    for number in range(rounds):
        for name, what, holds in cases:
            result = measure(what)
            if result["broken"] or not holds(result):
                sys.exit(f"bench: wrong answers in \"{name}\": {result}")
            results[name].append(result)
            print(f"round {number + 1}: {name}: {result['rate']:.0f}/s", file=sys.stderr)
    return results


def processor():
    """Its name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "an unknown processor"


def report(results, groups, ratios):
    """Prints medians, and ratios of cases of the same round. A ratio is (OVER, UNDER, AIM or None), the first
    two by the letters with which their names begin."""
    print(f"{os.cpu_count()} x {processor()}")
    print(f"{'':28}{'req/s':>9}{'p50 ms':>8}{'p99 ms':>8}   CPU us/req:" +
          "".join(f"{group:>8}" for group in groups) + f"{'sum':>8}")
    for name, found in results.items():
        median = {key: statistics.median(result[key] for result in found) for key in found[0]}
        used = [median[group] for group in groups]
        print(f"{name:28}{median['rate']:9.0f}{median['p50']:8.2f}{median['p99']:8.2f}{'':14}" +
              "".join(f"{us:8.1f}" for us in (*used, sum(used))))
    by_letter = {name[0]: found for name, found in results.items()}
    for over, under, aim in ratios:
        if over not in by_letter or under not in by_letter:
            continue
        pairs = [x["rate"] / y["rate"] for x, y in zip(by_letter[over], by_letter[under])]
        print(f"{over} / {under}: {statistics.median(pairs):.2f} (rounds {min(pairs):.2f} to {max(pairs):.2f}" +
              (f"; aim {aim})" if aim else ")"))
