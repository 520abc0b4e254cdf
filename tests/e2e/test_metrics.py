"""GET /metrics: what all workers of a host have counted, whichever of them answers."""
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import fcgi
from config_text import config_text
from exposition import Page
from gate import Site
from harness import ROOT, Stack, Worker, eventually
from http_client import Client

PROMTOOL = Path(shutil.which("promtool") or ROOT / "build/promtool/usr/bin/promtool")
BODY = b'{"message":"x"}'
CONFIG = config_text({"acme": "5/hour"}, extra="""
client_address = { trusted_proxies = ( "127.0.0.9" ); };
routes = ( { name = "items"; match = "/items"; limits = ( { name = "items"; scope = "ip"; rate = "3/day"; } ); } );
""")
REQUESTS = "sluice_requests_total"


@pytest.fixture(scope="module")
def stack():
    with Stack(CONFIG) as running:
        yield running


def at_worker(socket, peer="127.0.0.1", fields=()):
    return fcgi.ask(socket, fcgi.request(fcgi.params("GET", "/metrics", peer, fields=fields)))


def one_page(stack):
    """One worker's page: to wait with, as counts may still change between one worker and the next."""
    return Page(at_worker(stack.sockets("api2")[0]).body.decode())


def page(stack):
    """The page, the same at each worker but for the questions themselves."""
    pages = [Page(at_worker(socket).body.decode())
             for pool in ("api1", "api2") for socket in stack.sockets(pool)]
    assert len(pages) == 4
    for other in pages:
        for key, value in other.samples.items():
            if ("route", "metrics") not in key[1]:
                assert pages[0].samples[key] == value, key
    return pages[0]


def talk(stack, count):
    """Messages of one session to both pools; five are allowed."""
    with Client(stack.port1) as one, Client(stack.port2) as other:
        session = one.open_session("acme")
        answers = []
        for number in range(count):
            client = (one, other)[number % 2]
            client.close()  # the next one may meet another worker
            answers.append(client.chat("acme", session).status)
    return answers


def test_it_is_the_sum_over_the_workers_of_both_pools(fresh):
    before = page(fresh)
    assert talk(fresh, 9) == [200] * 5 + [429] * 4
    after = page(fresh)

    def grown(name, **labels):
        return after.value(name, **labels) - before.value(name, **labels)
    assert grown(REQUESTS, route="chat", outcome="allowed") == 5
    assert grown(REQUESTS, route="chat", outcome="denied") == 4
    assert grown(REQUESTS, route="session", outcome="allowed") == 1
    assert grown("sluice_units_total") == 6
    assert grown("sluice_limit_denials_total", limit="chat", list="plan:acme") == 4
    assert grown("sluice_limit_near_total", limit="chat", list="plan:acme") == 2
    assert grown("sluice_tenant_denials_total", tenant="acme") == 4
    assert grown("sluice_decision_duration_seconds_count") == 10
    assert 0 < grown("sluice_decision_duration_seconds_sum") < 10
    assert after.value("sluice_workers") == 4
    assert after.value("sluice_config_generation") == 1
    version = re.search(r"project\(sluice VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    assert after.value("sluice_build_info", version=version) == 1


def test_gated_routes_have_their_own_names(fresh, tmp_path):
    with Site(tmp_path, fresh.sockets("api1"), """
        include sluice_server.conf;
        location / { include sluice_gate.conf; return 204; }
        location /items { include sluice_gate.conf; alias html/plain.txt; }
    """) as site, Client(site.port) as client:
        before = page(fresh)
        assert [client.get("/items").status for _ in range(4)] == [200] * 3 + [429]
        after = page(fresh)
    for outcome, count in (("allowed", 3), ("denied", 1)):
        labels = {"route": "items", "outcome": outcome}
        assert after.value(REQUESTS, **labels) - before.value(REQUESTS, **labels) == count
    assert after.value("sluice_limit_denials_total", limit="items", list="defaults") == 1


def test_counts_survive_workers_that_are_killed(fresh):
    talk(fresh, 6)
    before, workers = page(fresh), fresh.workers()
    os.kill(min(fresh.workers("api1")), signal.SIGKILL)
    eventually(lambda: len(fresh.workers()) == 4 and fresh.workers() != workers)
    eventually(lambda: one_page(fresh).value("sluice_workers") == 4)
    after = page(fresh)
    for key, value in before.samples.items():
        if key[0].endswith("_total") and ("route", "metrics") not in key[1]:
            assert after.samples[key] == value, key
    talk(fresh, 6)
    assert page(fresh).sum(REQUESTS, route="chat") == before.sum(REQUESTS, route="chat") + 6


def test_an_outage_shows(fresh):
    before = page(fresh)
    redis = fresh.redis_pid()
    os.kill(redis, signal.SIGSTOP)
    try:
        with Client(fresh.port1) as client:
            assert client.post("/chat", BODY).status == 200  # on_store_error = "allow"
    finally:
        os.kill(redis, signal.SIGCONT)
    eventually(lambda: one_page(fresh).value("sluice_decisions_on_store_error_total")
               == before.value("sluice_decisions_on_store_error_total") + 1)


def all_serve(stack):
    """Whether Redis answers every worker."""
    return all(fcgi.ask(socket, fcgi.request(fcgi.params("GET", "/readyz"))).status == 200
               for pool in ("api1", "api2") for socket in stack.sockets(pool))


def calls_and_decisions(page):
    return page.value("sluice_store_call_duration_seconds_count"), page.value("sluice_store_decisions_total")


def test_a_call_of_redis_is_counted_with_its_time_and_its_decisions(fresh):
    eventually(lambda: all_serve(fresh))
    before = page(fresh)
    talk(fresh, 9)
    after = page(fresh)
    calls, decisions = (late - early for early, late in zip(calls_and_decisions(before), calls_and_decisions(after)))
    assert decisions == 10  # one waits for the other, so each has a call of its own
    assert calls == 10
    assert 0 < after.value("sluice_store_call_duration_seconds_sum") - before.value(
        "sluice_store_call_duration_seconds_sum") < 10


@pytest.mark.parametrize("kind,wrong,well", [
    ("timeout", lambda redis, _: os.kill(redis, signal.SIGSTOP), lambda redis, _: os.kill(redis, signal.SIGCONT)),
    ("error", lambda _, client: client.config_set("maxmemory", 1), lambda _, client: client.config_set("maxmemory", 0)),
])
def test_what_goes_wrong_with_redis_is_counted_by_kind(fresh, kind, wrong, well):
    faults = {"kind": kind}
    before = one_page(fresh).value("sluice_store_faults_total", **faults)
    redis = fresh.redis_pid()
    with fresh.redis() as client, Client(fresh.port1) as one:
        wrong(redis, client)
        try:
            one.post("/chat", BODY)
        finally:
            well(redis, client)
    eventually(lambda: one_page(fresh).value("sluice_store_faults_total", **faults) > before)


def test_a_script_that_redis_forgot_is_counted(fresh):
    eventually(lambda: all_serve(fresh))
    before = page(fresh).value("sluice_store_scripts_sent_total")
    with fresh.redis() as client, Client(fresh.port1) as one:
        client.script_flush()
        assert one.post("/chat", BODY).status == 200
    assert page(fresh).value("sluice_store_scripts_sent_total") == before + 1


@pytest.mark.skipif(not PROMTOOL.exists(), reason="./dev test full fetches promtool")
def test_promtool_has_nothing_against_it(fresh):
    talk(fresh, 9)
    text = at_worker(fresh.sockets("api1")[0]).body
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_others_find_no_such_path(fresh):
    with Client(fresh.port1) as client:
        answer = client.get("/metrics")
        assert answer.status == 200
        assert answer.field("content-type") == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.field("cache-control") == "no-store"
    with Client(fresh.port1, source="127.0.0.9") as client:  # a proxy, and who it says
        forwarded = [("X-Forwarded-For", "127.0.0.1, 203.0.113.7")]
        refused = client.request("GET", "/metrics", None, forwarded)
        nowhere = client.request("GET", "/nowhere", None, forwarded)
        assert refused.status == 404
        assert refused.body == nowhere.body
        assert client.request("POST", "/metrics", b"", forwarded).status == 404
    for peer in ("203.0.113.7", "2001:db8::1", "unix:"):
        assert at_worker(fresh.sockets("api1")[0], peer).status == 404


def test_a_reload_says_who_may_read_and_which_generation_it_is(fresh):
    socket = fresh.sockets("api1")[0]
    with fresh.edited_config("client_address", 'metrics = { allow = ( "203.0.113.0/24" ); };\nclient_address'):
        for pid in fresh.workers():
            os.kill(pid, signal.SIGHUP)
        eventually(lambda: at_worker(socket).status == 404)
        text = at_worker(socket, "203.0.113.7").body.decode()
        assert Page(text).value("sluice_config_generation") == 2
    for pid in fresh.workers():
        os.kill(pid, signal.SIGHUP)
    eventually(lambda: at_worker(socket).status == 200)


def test_what_the_readme_asks_prometheus_is_on_the_page(fresh):
    readme = (ROOT / "nginx" / "README.md").read_text()
    asked = set(re.findall(r"sluice_\w+", "".join(re.findall(r"^\|.*\| `(.*)` \|$", readme, re.MULTILINE))))
    asked = {name for name in asked if name.endswith(("_total", "_bucket", "_count"))}
    assert len(asked) >= 6
    assert asked <= {name for name, _ in page(fresh).samples}


def test_the_location_of_the_readme_is_a_listener_of_its_own(fresh, tmp_path):
    readme = (ROOT / "nginx" / "README.md").read_text()
    server, = re.findall(r"```nginx\n(server \{\n    listen 127\.0\.0\.1:9145;.*?)```", readme, re.DOTALL)
    with Site(tmp_path, fresh.sockets("api1"), "", http=server) as _, Client(9145) as client:
        eventually(lambda: client.get("/metrics").status == 200)
        Page(client.get("/metrics").body.decode())
        assert client.get("/").status == 404


def test_a_worker_with_memory_alone_tells_its_own_counts():
    with Worker("memory://", config_text()) as worker:
        assert Page(at_worker(worker.socket).body.decode()).value("sluice_workers") == 1
        found = Page(at_worker(worker.socket).body.decode())
        assert found.value(REQUESTS, route="metrics", outcome="allowed") == 1
