"""The gate while nginx is reloaded and the workers are replaced, under load."""
import os
import signal

import pytest

from gate import PATIENT, Site
from harness import FULL_SET, Stack, eventually
from load import CLIENTS, TIMES, under_load

# What goes on here is nginx's and the pool's; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

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
    location /bare/ { alias html/; }
    location /closed/ { set $sluice_on_failure closed; include sluice_gate.conf; alias html/; }
    location /once/ { set $sluice_on_failure closed; include sluice_gate.conf; alias html/; }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Stack(CONFIG) as stack, Site(tmp_path_factory.mktemp("site"), stack.sockets("api1"), SERVER) as running:
        yield stack, running


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
    if FULL_SET:  # the same without a gate, where chance differs by less than half
        bare, bare_cut, _ = under_load(running, "/bare/plain.txt", lambda: step(stack, running))
        assert set(bare) == {(200, False)} and cut <= bare_cut + TIMES * CLIENTS / 2, (cut, bare_cut)
        print(f"cut off by nginx: {cut} of {sum(answers.values())}, without a gate {bare_cut} of {sum(bare.values())}")
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
