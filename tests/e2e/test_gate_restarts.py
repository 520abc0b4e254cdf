"""The gate while nginx is reloaded and the workers are replaced, under load."""
import http.client
import os
import signal
import threading
import uuid

import pytest

from gate import PATIENT, Site
from harness import Stack, eventually
from http_client import Client

# What goes on here is nginx's and the pool's; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

TIMES = 20
CLIENTS = 8
CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "100000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  # Each request has a number: a second charge for it would be a 429.
  { name = "once"; match = "/once/*";
    limits = ( { name = "once"; scope = "header:X-Request"; rate = "1/day"; } ); }
);
new_buckets = { per_tenant = 0; per_network = 0; };
"""
SERVER = """
    include sluice_server.conf;
    location / { include sluice_gate.conf; }
    location /closed/ { set $sluice_on_failure closed; include sluice_gate.conf; alias html/; }
    location /once/ { set $sluice_on_failure closed; include sluice_gate.conf; alias html/; }
"""


class Load(threading.Thread):
    """Asks again and again, as fast as one client can."""

    def __init__(self, port, path, stop):
        super().__init__(daemon=True)
        self.port, self.path, self.stop = port, path, stop
        self.answers = {}  # by status, and whether limits were shown
        self.cut = 0  # connections that nginx had closed as idle; asked again, as HTTP clients do

    def run(self):
        client = Client(self.port)
        while not self.stop.is_set():
            try:
                answer = client.request("GET", self.path, None, [("X-Request", str(uuid.uuid4()))])
            except (http.client.RemoteDisconnected, ConnectionError):
                self.cut += 1
                client.close()
                continue
            kind = (answer.status, answer.field("X-RateLimit-Remaining") is not None)
            self.answers[kind] = self.answers.get(kind, 0) + 1
        client.close()


def charged(client):
    """Units charged so far, this question too."""
    return 100_000_000 - int(client.get("/plain.txt").field("X-RateLimit-Remaining"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Stack(CONFIG) as stack, Site(tmp_path_factory.mktemp("site"), stack.sockets("api1"), SERVER) as running:
        yield stack, running


def under_load(site, path, step):
    """What clients saw while `step` was done again and again: answers by kind, requests that nginx cut
    off, and what was charged."""
    stop = threading.Event()
    loads = [Load(site.port, path, stop) for _ in range(CLIENTS)]
    with Client(site.port) as client:
        before = charged(client)
        for load in loads:
            load.start()
        for _ in range(TIMES):
            seen = sum(sum(load.answers.values()) for load in loads)
            step()
            # Load goes on between two of them.
            eventually(lambda: sum(sum(load.answers.values()) for load in loads) > seen + 100)
        stop.set()
        for load in loads:
            load.join(timeout=20)
        client.close()
        cost = charged(client) - before - 1
    answers = {}
    for load in loads:
        for kind, count in load.answers.items():
            answers[kind] = answers.get(kind, 0) + count
    return answers, sum(load.cut for load in loads), cost


def reload(_, site):
    site.reload()


def restart(stack, site):
    """As conf/debian/restart does it; keep is in systemd's place."""
    old = stack.workers("api1")
    for pid in old:
        os.kill(pid, signal.SIGTERM)
    site.reload()
    eventually(lambda: len(stack.workers("api1") - old) == 2 and not stack.workers("api1") & old)


@pytest.mark.parametrize("step", [reload, restart])
def test_it_fails_nothing_and_charges_nothing_twice(site, step):
    stack, running = site
    answers, cut, cost = under_load(running, "/once/plain.txt", lambda: step(stack, running))
    assert set(answers) == {(200, True)}, answers  # so no request was charged twice
    # A reload closes connections that nginx takes for idle: by chance, but each client's once.
    assert cut <= TIMES * CLIENTS, (answers, cut)
    # It may have asked for a request whose connection it then closed.
    assert answers[200, True] <= cost <= answers[200, True] + cut, (answers, cut, cost)


def test_a_killed_worker_costs_no_more_than_the_requests_in_its_hands(site):
    stack, running = site

    def kill():
        os.kill(min(stack.workers("api1")), signal.SIGKILL)
        eventually(lambda: len(stack.workers("api1")) == 2)

    answers, cut, cost = under_load(running, "/closed/plain.txt", kill)
    assert set(answers) <= {(200, True), (503, False)}, answers
    allowed, refused = answers[200, True], answers.get((503, False), 0)
    in_hand = TIMES * CLIENTS
    assert refused <= in_hand, answers
    assert allowed - cut <= cost <= allowed + in_hand + cut, (answers, cut, cost)
