"""The module under load: nginx is reloaded, its workers die, Redis does, and clients go."""
import collections
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from certificates import Authority
from gate import PATIENT, Site, application
from harness import FULL_SET, RedisServer, Stack, eventually, free_port
from http_client import Client
from load import CLIENTS, TIMES, Counter, under_load
from module import ModuleSite, environment_of, needs_module

# Under the sanitizers it takes long; test_module runs under them.
pytestmark = [needs_module, pytest.mark.outside_worker]

# Of the clients that ask both forms at once.
EACH = 20_000 if FULL_SET else 500
KEYS = ("a", "b", "c")
QUOTA = EACH // 2

CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "100000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  # Each request has a number: a second charge for it would be a 429.
  { name = "once"; limits = ( { name = "once"; scope = "header:X-Request"; rate = "1/day"; } ); },
  { name = "few"; limits = ( { name = "few"; scope = "header:X-Key"; rate = "%d/day"; } ); }
);
new_buckets = { per_tenant = 0; per_network = 0; };
""" % QUOTA
SERVER = """
    location / { sluice auto; }
    location /bare/ { alias html/; }
    location /once/ { sluice once; alias html/; }
    location /few/ { sluice few; alias html/; }
"""
SNIPPETS = """include sluice_server.conf;
    location /few/ { set $sluice_route few; set $sluice_on_failure closed; include sluice_gate.conf; alias html/; }
"""


@pytest.fixture(scope="module")
def stack():
    with Stack(CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def site(stack, tmp_path_factory):
    with ModuleSite(tmp_path_factory.mktemp("site"), stack.config, SERVER, told=environment_of(stack)) as running:
        yield running


def unread(port, end=1):
    """Bytes that have come to this port, or from it (end 2), and nobody has read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[end].split(":")[1], 16) == port)


def reload(site):
    """And waits for the old workers, so that each reload ends with requests under way."""
    old = set(site.workers())
    site.reload()
    eventually(lambda: len(site.workers()) == 2 and not old & set(site.workers()), within=30)


def test_a_reload_fails_nothing_and_charges_nothing_twice(site):
    _, bare_cut, free = under_load(site, "/bare/plain.txt", lambda: reload(site))
    assert free == 0
    answers, cut, cost = under_load(site, "/once/plain.txt", lambda: reload(site))
    assert set(answers) == {(200, True)}, answers
    # nginx closes connections that it takes for idle, gated or not.
    assert cut <= bare_cut + TIMES * CLIENTS / 5, (answers, cut, bare_cut)
    assert answers[200, True] <= cost <= answers[200, True] + cut, (answers, cut, cost)
    assert "[alert]" not in site.errors(), site.errors()


def test_a_killed_worker_costs_no_more_than_the_requests_in_its_hands(site):
    def kill():
        victim = min(site.workers())
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: len(site.workers()) == 2 and victim not in site.workers())

    answers, cut, cost = under_load(site, "/once/plain.txt", kill)
    assert set(answers) == {(200, True)}, answers
    assert answers[200, True] <= cost <= answers[200, True] + cut, (answers, cut, cost)


def killed(site, stack, counters):
    """One of nginx's workers and one of Sluice's again and again, as long as anybody asks; how many."""
    kills = 0
    while any(counter.is_alive() for counter in counters):
        for pids in (lambda: set(site.workers()), lambda: stack.workers("api1")):
            victim = min(pids())
            os.kill(victim, signal.SIGKILL)
            kills += 1
            eventually(lambda pids=pids, victim=victim: len(pids()) == 2 and victim not in pids())
    return kills


@pytest.mark.parametrize("dies", [False, pytest.param(True, marks=pytest.mark.skipif(not FULL_SET, reason="of the full set"))])
def test_both_forms_at_once_count_as_one(site, stack, tmp_path, dies):
    stack.refill()
    with Site(tmp_path, stack.sockets("api1"), SNIPPETS) as gate:
        counters = [Counter(port, KEYS, EACH) for port in (gate.port, site.port) * 2]
        for counter in counters:
            counter.start()
        kills = killed(site, stack, counters) if dies else 0
        for counter in counters:
            counter.join()
    answers, cut = sum((counter.answers for counter in counters), collections.Counter()), sum(counter.cut for counter in counters)
    allowed = [answers[key, 200] for key in KEYS]
    # What a kill has cut off may be charged, and asked again of another worker.
    lost = cut + kills * len(counters) + sum(count for (_, status), count in answers.items() if status == 503)
    assert all(QUOTA - lost <= count <= QUOTA for count in allowed), (answers, cut, kills)
    assert dies or lost == 0 and {status for _, status in answers} == {200, 429}, (answers, cut)


@contextlib.contextmanager
def stopped(tmp_path, main=""):
    """A site whose Redis does not answer, the Redis, and clients that wait for it."""
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    with RedisServer() as redis:
        config.write_text(CONFIG.replace(PATIENT, f'storage = {{ uri = "redis://127.0.0.1:{redis.port}"; '
                                         'deadline_ms = 4000; };'))
        certificate, key = Authority(tmp_path).issue("site", "IP:127.0.0.1")
        port = free_port()
        server = f"{SERVER} listen 127.0.0.1:{port} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};"
        with ModuleSite(tmp_path / "nginx", config, server, main=main) as site:
            site.http2 = port
            clients = [Client(site.port) for _ in range(CLIENTS)]
            assert all(eventually(lambda client=client: client.get("/plain.txt").status == 200) for client in clients)
            redis.process.send_signal(signal.SIGSTOP)
            answers = []
            threads = [threading.Thread(target=answer_of, args=(client, answers)) for client in clients]
            for thread in threads:
                thread.start()
            eventually(lambda: unread(redis.port))
            yield site, redis, answers
            for thread in threads:
                thread.join(30)
            for client in clients:
                client.close()


def answer_of(client, answers):
    """Its status; 0 where nginx closes the connection."""
    try:
        answers.append(client.get("/plain.txt").status)
    except (http.client.RemoteDisconnected, ConnectionError):
        answers.append(0)


def replaced(site):
    """Reloads nginx; yields its old workers, once there are new ones."""
    old = set(site.workers())
    site.reload()
    eventually(lambda: set(site.workers()) - old)
    return old


def test_a_request_whose_body_comes_with_the_answer_is_passed_on_once(tmp_path):
    """nginx hears of both in one turn, and each would let the request go on."""
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    with RedisServer() as redis, application() as (app, seen):
        config.write_text(CONFIG.replace(PATIENT, f'storage = {{ uri = "redis://127.0.0.1:{redis.port}"; '
                                         'deadline_ms = 4000; };'))
        upstream = f"upstream app {{ server 127.0.0.1:{app}; keepalive 1; }}"
        server = 'location / { sluice auto; proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; }'
        with ModuleSite(tmp_path / "nginx", config, server, upstream) as site, socket.create_connection(("127.0.0.1", site.port)) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(1, 4):
                eventually(lambda: not unread(redis.port) and not unread(redis.port, 2))
                redis.process.send_signal(signal.SIGSTOP)
                peer.sendall(b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n" % number)
                eventually(lambda: unread(redis.port))
                for pid in site.workers():
                    os.kill(pid, signal.SIGSTOP)
                eventually(lambda: all(" T " in Path(f"/proc/{pid}/stat").read_text() for pid in site.workers()))
                redis.process.send_signal(signal.SIGCONT)
                eventually(lambda: unread(redis.port, 2))
                peer.sendall(b"body")
                for pid in site.workers():
                    os.kill(pid, signal.SIGCONT)
                assert b" 200 " in peer.recv(65536)
        assert [path for _, path, _ in seen] == ["/1", "/2", "/3"]


def test_requests_that_wait_when_nginx_is_reloaded_are_answered(tmp_path):
    """The worker that exits has to wait for what it has asked."""
    with stopped(tmp_path) as (site, redis, answers):
        old = replaced(site)
        redis.process.send_signal(signal.SIGCONT)
        eventually(lambda: len(answers) == CLIENTS)
        eventually(lambda: not set(site.workers()) & old)
    assert answers == [200] * CLIENTS
    assert "[alert]" not in site.errors(), site.errors()


def test_requests_that_wait_when_nginx_has_no_more_time_are_cut_off(tmp_path):
    """nginx ends a request while it waits; the answer that comes then is nobody's."""
    with stopped(tmp_path, "worker_shutdown_timeout 200ms;\n") as (site, redis, answers):
        replaced(site)
        eventually(lambda: answers.count(0) == CLIENTS)
        redis.process.send_signal(signal.SIGCONT)
        with Client(site.port) as client:
            eventually(lambda: client.get("/plain.txt").status == 200)
    assert "[alert]" not in site.errors() and "signal 11" not in site.errors(), site.errors()


def test_streams_of_http2_that_are_cancelled_while_they_wait_do_no_harm(tmp_path):
    with stopped(tmp_path) as (site, redis, answers):
        workers = site.workers()
        words = ["curl", "-s", "-k", "--http2", "--parallel", "--max-time", "0.3"]
        words += [f"https://127.0.0.1:{site.http2}/plain.txt?{i}" for i in range(30)]
        assert subprocess.run(words, capture_output=True, check=False).returncode == 28  # it took too long
        redis.process.send_signal(signal.SIGCONT)
        with Client(site.port) as client:
            eventually(lambda: client.get("/plain.txt").status == 200)
        assert site.workers() == workers
    assert answers == [200] * CLIENTS and "[alert]" not in site.errors(), site.errors()
