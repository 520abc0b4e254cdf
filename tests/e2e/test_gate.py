"""The gate: locations of an nginx that are limited, with other applications behind them."""
import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from gate import PATIENT, Site, application, begin_of_a_second, charges
from harness import eventually
from http_client import Client, send_raw
from module import ModuleSite, directives, environment_of, needs_module

CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "1000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  { name = "tight"; match = "/tight/*"; limits = ( { name = "tight"; scope = "ip"; rate = "2/day"; } ); },
  { name = "files"; match = "GET /files/*"; },
  { name = "named"; limits = ( { name = "named"; scope = "ip"; rate = "3/day"; } ); },
  { name = "orgs"; limits = ( { name = "orgs"; scope = "fact:user"; rate = "1/day"; } ); },
  { name = "teams"; limits = ( { name = "teams"; scope = "fact:team"; rate = "1/day"; } ); }
);
"""

SERVER = """
    add_header Strict-Transport-Security max-age=1 always;
    error_page 404 /gone.html;
    include sluice_server.conf;
    location / { include sluice_gate.conf; try_files $uri $uri/ =404; }
    location /fallback/ { include sluice_gate.conf; try_files $uri /index.html; }
    location /free/ { alias html/; }
    location /app/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; client_max_body_size 200m;
                     proxy_request_buffering off; proxy_http_version 1.1; }
    location /tight/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; client_max_body_size 9m; }
    location /named/ { set $sluice_route named; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /accel/ { set $sluice_route named; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /files/ { internal; set $sluice_route files; include sluice_gate.conf; }
    location /dead/ { include sluice_gate.conf; include sluice_denied.conf; proxy_pass http://127.0.0.1:1;
                      error_page 502 /index.html; }
    location /own/ { add_header X-Own 1 always; error_page 404 /index.html;
                     include sluice_gate.conf; include sluice_fields.conf; include sluice_denied.conf;
                     proxy_pass http://127.0.0.1:APP/tight/; }
    location /orgs/ { set $sluice_route orgs; set $sluice_fact_user $arg_user; include sluice_gate.conf;
                      proxy_pass http://127.0.0.1:APP; }
    location /teams/ { set $sluice_route teams; set $sluice_fact_team $arg_team; include sluice_gate.conf;
                       proxy_pass http://127.0.0.1:APP; }
    location /unknown/ { set $sluice_route nmaed; include sluice_gate.conf; }
    location /closed/ { set $sluice_on_failure closed; include sluice_gate.conf;
                        proxy_pass http://127.0.0.1:APP; }
    location /basic/ { auth_basic x; auth_basic_user_file /dev/null; }
"""


FORMS = ["plain", "shield", pytest.param("module", marks=needs_module)]


def site_of(form, folder, pool, server):
    if form == "module":
        # nginx does not start with a route that the config does not have: test_module.py.
        known = re.sub(r"location /unknown/.*\n", "", directives(server))
        return ModuleSite(folder, pool.config, known, told=environment_of(pool))
    (folder / "sluice_facts.conf").write_text("fastcgi_param SLUICE_FACT_TEAM $sluice_fact_team if_not_empty;\n")
    http = 'map "" $sluice_fact_team { default ""; }\n'
    return Site(folder, pool.sockets("api1"), server, http + ("include sluice_shield.conf;" if form == "shield" else ""))


@pytest.fixture(scope="module", params=FORMS)
def world(pool, tmp_path_factory, request):
    """The site, and what its application was asked."""
    with application() as (port, seen):
        with site_of(request.param, tmp_path_factory.mktemp("site"), pool, SERVER.replace("APP", str(port))) as site:
            yield site, seen


@pytest.fixture
def asks_workers(site):
    if isinstance(site, ModuleSite):
        pytest.skip("the module asks no worker")


@pytest.fixture
def site(world, pool):
    pool.refill()
    world[1].clear()
    if world[0].kept():
        begin_of_a_second()
    return world[0]


@pytest.fixture
def client(site):
    with Client(site.port) as client:
        yield client


def charged(client, *request):
    """The answer to `request`, and what it cost."""
    with charges(client) as seen:
        answer = client.request(*request)
    return answer, seen.units


REQUESTS = [
    ("plain file", "GET", "/plain.txt", 200), ("index", "GET", "/", 200), ("folder", "GET", "/folder/", 200),
    ("HEAD", "HEAD", "/plain.txt", 200), ("HEAD of an index", "HEAD", "/", 200),
    ("missing", "GET", "/nowhere", 404), ("try_files", "GET", "/fallback/nowhere", 200),
    ("application", "GET", "/app/x", 200), ("POST", "POST", "/app/x", 200), ("its 500", "GET", "/app/status/500", 500),
    ("its 401", "GET", "/app/status/401", 401), ("its 403", "GET", "/app/status/403", 403),
    ("dead application", "GET", "/dead/x", 502), ("named route", "GET", "/named/x", 200),
    ("own fields and error page", "GET", "/own/x", 200), ("OPTIONS", "OPTIONS", "/app/x", 200),
]


@pytest.mark.parametrize("method,path,status", [row[1:] for row in REQUESTS], ids=[row[0] for row in REQUESTS])
def test_one_request_is_one_charge_and_shows_how_its_limits_stand(client, method, path, status):
    answer, cost = charged(client, method, path, b"x" if method == "POST" else None)
    assert (answer.status, cost) == (status, 1), answer
    for name in ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining",
                 "X-RateLimit-Reset"):
        assert answer.field(name), (name, answer)
    assert answer.field("Cache-Control") is None
    assert answer.field("Retry-After") is None


def test_a_redirect_into_another_gated_location_charges_its_route_too(client):
    answer, cost = charged(client, "GET", "/accel/files/plain.txt")
    assert (answer.status, answer.body, cost) == (200, b"file files/plain.txt\n", 2)
    assert answer.field("RateLimit").startswith('"all";r=')
    assert '"named"' not in answer.field("RateLimit")  # the last route's


def test_what_is_not_gated_is_untouched(client):
    for path, status in (("/free/plain.txt", 200), ("/basic/", 401)):
        answer, cost = charged(client, "GET", path)
        assert (answer.status, cost) == (status, 0)
        assert answer.field("RateLimit") is None
        assert answer.field("Strict-Transport-Security") == "max-age=1"
        assert (answer.field("WWW-Authenticate") is None) == (status == 200)


def test_a_denial_is_the_limiters_and_never_reaches_the_application(client, world):
    for _ in range(2):
        assert client.get("/tight/x").status == 200
    world[1].clear()
    for method in ("GET", "POST", "HEAD"):
        denied = client.request(method, "/tight/x.txt", b"body" if method == "POST" else None)
        assert denied.status == 429
        assert denied.field("Content-Type") == "application/json"
        assert denied.field("Cache-Control") == "no-store"
        assert int(denied.field("Retry-After")) > 80_000
        assert denied.field("X-RateLimit-Remaining") == "0"
        assert denied.field("Strict-Transport-Security") == "max-age=1"  # the site's own
        if method != "HEAD":
            assert denied.detail == "Rate limit exceeded: 2 per 1 day"
    assert not world[1]


def test_a_denial_is_problem_details_for_who_asks_for_them(client):
    for _ in range(2):
        client.get("/tight/x")
    denied = client.request("GET", "/tight/x", None, [("Accept", "text/html, application/problem+json")])
    assert denied.status == 429
    assert denied.field("Content-Type") == "application/problem+json"
    body = json.loads(denied.body)
    assert body["violated-policies"] == ["tight"] and body["status"] == 429
    assert body["policies"][0]["retry_after"] == int(denied.field("Retry-After"))


def test_a_location_with_its_own_fields_and_error_page_keeps_them(client):
    for _ in range(2):
        allowed = client.get("/own/x")
        assert allowed.status == 200 and allowed.field("X-Own") == "1"
    missing = client.get("/own/status/404")
    assert missing.status == 404
    for _ in range(3):
        client.get("/named/x")
    assert client.get("/named/x").status == 429


def test_the_applications_answers_are_its_own(client):
    for status in (401, 403, 404, 429, 500, 503):
        answer = client.get(f"/app/status/{status}")
        assert (answer.status, answer.field("X-App")) == (status, "1")
        assert answer.body == f"app GET /app/status/{status}".encode()


def test_bodies_go_to_the_application_alone_and_whole(client, site, world):
    body = os.urandom(20 << 20)
    answer = client.request("POST", "/app/upload", body)
    assert answer.status == 200 and answer.body == body
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100_000], body[100_000:300_000]))
    answer, = send_raw(site.port, b"POST /app/chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                       b"Connection: close\r\n\r\n" + chunked + b"0\r\n\r\n")
    assert answer.status == 200 and answer.body == body[:300_000]
    assert [asked[2] for asked in world[1]] == [body, body[:300_000]]


def test_a_large_body_of_a_denied_client_is_a_429_too(client):
    for _ in range(2):
        client.get("/tight/x")
    assert client.request("POST", "/tight/x", b"x" * (3 << 20)).status == 429


@pytest.mark.parametrize("path", ["/orgs/x?user", "/teams/x?team"], ids=["shipped", "of sluice_facts.conf"])
def test_a_fact_that_nginx_says_is_counted_per(client, path):
    for fact in ("ann", "ben", "an,other: {one}"):
        first, second = (client.get(f"{path}={fact}".replace(" ", "%20")) for _ in range(2))
        assert (first.status, second.status) == (200, 429), fact


def test_a_client_cannot_say_what_nginx_says(client):
    fields = [("Sluice-Gate", "off"), ("X-Sluice-Denied", "200|json|||||||"), ("Sluice-Route", "site"),
              ("SLUICE_ROUTE", "site"), ("X-Sluice-Pass", "named,")]
    answers = [client.request("GET", "/named/x", None, fields).status for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert client.get("/_sluice/gate").status == 404
    assert client.get("/_sluice/denied").status == 404


@pytest.mark.usefixtures("asks_workers")
def test_a_route_that_the_config_does_not_have_is_told(client):
    answer = client.get("/unknown/x")
    assert answer.status == 503
    assert answer.detail == 'No route is named "nmaed" in the config of Sluice'


@pytest.mark.usefixtures("asks_workers")
def test_without_workers_a_location_is_open_or_closed_in_time(site, client, pool):
    workers = pool.workers("api1")
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        assert client.get("/app/x").status == 200
        closed = client.get("/closed/x")
        assert (closed.status, closed.detail) == (503, "Service unavailable")
        assert closed.field("Retry-After") == "1"
        # Each takes the 1.4 s of sluice_question.conf, and by nginx's own bounds would take 60.
        assert time.monotonic() - begun < 10
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: client.get("/app/x").field("RateLimit"))


def test_connections_to_workers_are_kept(pool, tmp_path):
    sockets = {str(path) for path in pool.sockets("api1")}

    def connections():
        """The inodes of those that are open now."""
        lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        return {line[6] for line in lines if line[-1] in sockets and line[5] == "03"}

    others = connections()
    with application() as (port, _), Site(tmp_path, pool.sockets("api1"), SERVER.replace("APP", str(port))) as site, \
            Client(site.port) as client:
        for path in ("/plain.txt", "/tight/x", "/status/404"):  # allowed, denied, missing
            for _ in range(10):
                client.get(path)  # from one nginx worker to each of ours
            before = connections()
            for _ in range(100):
                client.get(path)
            assert connections() == before and before > others, path


@pytest.mark.parametrize("server", ["", "include sluice_server.conf;"])
def test_nginx_starts_before_any_location_is_gated(pool, tmp_path, server):
    with Site(tmp_path, pool.sockets("api1"), server) as site, Client(site.port) as client:
        answer = eventually(lambda: client.get("/plain.txt"))
        assert (answer.status, answer.field("RateLimit")) == (200, None)


def test_nginx_has_nothing_to_complain_of(site):
    assert "[emerg]" not in site.errors() and "uninitialized" not in site.errors(), site.errors()
