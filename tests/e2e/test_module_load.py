"""The module under load: nginx is reloaded, its workers die, Redis does, and clients go."""
import os
import signal
import threading
from pathlib import Path

import pytest

from gate import PATIENT
from harness import RedisServer, Stack, eventually
from http_client import Client
from load import CLIENTS, TIMES, under_load
from module import ModuleSite, environment_of, needs_module

# Under the sanitizers it takes long; test_module runs under them.
pytestmark = [needs_module, pytest.mark.outside_worker]

CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "100000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  # Each request has a number: a second charge for it would be a 429.
  { name = "once"; limits = ( { name = "once"; scope = "header:X-Request"; rate = "1/day"; } ); }
);
new_buckets = { per_tenant = 0; per_network = 0; };
"""
SERVER = """
    location / { sluice auto; }
    location /bare/ { alias html/; }
    location /once/ { sluice once; alias html/; }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Stack(CONFIG) as stack:
        with ModuleSite(tmp_path_factory.mktemp("site"), stack.config, SERVER, told=environment_of(stack)) as running:
            yield running


def unread(port):
    """Bytes that have come to this port, and nobody has read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[1].split(":")[1], 16) == port)


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


def test_requests_that_wait_when_nginx_is_told_to_end_are_answered(tmp_path):
    """The worker that exits has to wait for the deadline of what it has asked."""
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    with RedisServer() as redis:
        config.write_text(CONFIG.replace(PATIENT, f'storage = {{ uri = "redis://127.0.0.1:{redis.port}"; '
                                         'deadline_ms = 2000; };'))
        with ModuleSite(tmp_path / "nginx", config, SERVER) as site:
            clients = [Client(site.port) for _ in range(CLIENTS)]
            assert all(eventually(lambda client=client: client.get("/plain.txt").status == 200) for client in clients)
            redis.process.send_signal(signal.SIGSTOP)
            answers = []
            threads = [threading.Thread(target=lambda client=client: answers.append(client.get("/plain.txt")))
                       for client in clients]
            for thread in threads:
                thread.start()
            eventually(lambda: unread(redis.port))
            old = site.workers()
            site.reload()
            eventually(lambda: set(site.workers()) - set(old))
            redis.process.send_signal(signal.SIGCONT)
            for thread in threads:
                thread.join(30)
            assert [answer.status for answer in answers] == [200] * CLIENTS
            for client in clients:
                client.close()
            eventually(lambda: not set(site.workers()) & set(old))
