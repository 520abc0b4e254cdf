"""Sluice's API and a gated application in one server: as the README has them, and at paths of the API's own."""
import os
import signal

import pytest

from config_text import config_text
from gate import PATIENT, Site, application, shows_limits
from harness import Stack, eventually
from http_client import Client
from readme import block

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

INSTALLED = "/usr/share/sluice/nginx/"
ROUTES = 'routes = ( { name = "site"; match = "/*"; limits = ( { name = "site"; scope = "ip"; rate = "3/day"; } ); } );'
PREFIXED = block("nginx/README.md", "server {\n    listen 80").replace(INSTALLED, "")
AT_ITS_PATHS = PREFIXED.replace("rewrite ^/sluice(/.*)$ $1 break;", "").replace(
    "location /sluice/", "location ~ ^/(?:$|chat|session|limits|livez|readyz)")
WAYS = {"prefix": (PREFIXED, "/sluice", "/"), "paths": (AT_ITS_PATHS, "", "/app/")}


@pytest.fixture(scope="module")
def stack():
    with Stack(config_text(extra=PATIENT + ROUTES)) as running:
        yield running


@pytest.fixture(scope="module", params=WAYS)
def world(request, stack, tmp_path_factory):
    """The site, what is before the paths of the API, a path of the application."""
    server, prefix, app = WAYS[request.param]
    inner = server.split("{", 1)[1].rsplit("}", 1)[0].replace("listen 80;", "")
    with application() as (port, _):
        with Site(tmp_path_factory.mktemp("site"), stack.sockets("api1"), inner.replace("3000", str(port))) as site:
            yield site, prefix, app


@pytest.fixture
def client(world, stack):
    stack.refill()
    with Client(world[0].port) as client:
        yield client


def chat(client, prefix, session, message="hello"):
    return client.post(f"{prefix}/chat", {"tenant_id": "acme", "session_id": session, "message": message},
                       [("X-Tenant-ID", "acme"), ("X-Session-ID", session)])


def test_the_walk_through_is_the_same_there(client, world):
    _, prefix, _ = world
    assert client.get(f"{prefix}/").json["service"] == "sluice"
    session = client.post(f"{prefix}/session", {"tenant_id": "acme"}).json["session_id"]
    answers = [chat(client, prefix, session) for _ in range(9)]
    assert [answer.status for answer in answers] == [200] * 8 + [429]
    assert answers[-1].detail == "Rate limit exceeded: 8 per 10 seconds"
    assert all(shows_limits(answer) for answer in answers)
    limits = client.request("GET", f"{prefix}/limits", None, [("X-Tenant-ID", "acme"), ("X-Session-ID", session)])
    assert limits.status == 200 and limits.json["limits"][0]["remaining"] == 0
    ended = client.request("DELETE", f"{prefix}/session", None, [("X-Tenant-ID", "acme"), ("X-Session-ID", session)])
    assert ended.status == 204
    assert chat(client, prefix, session).status == 401


def test_the_application_beside_it_is_gated_and_keeps_its_answers(client, world):
    _, _, app = world
    client.post(f"{world[1]}/session", {"tenant_id": "acme"})  # is none of the application's
    answers = [client.get(f"{app}x") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert all(shows_limits(answer) for answer in answers)
    for answer in answers:
        assert answer.field("Content-Security-Policy") is None
        assert answer.field("Referrer-Policy") is None
    assert answers[0].field("X-App") == "1"


def test_nginxs_own_errors_are_the_apis_there_alone(client, world, stack):
    site, prefix, app = world
    large = client.request("POST", f"{prefix}/chat", b"x" * 70_000, [("Content-Type", "application/json")])
    assert (large.status, large.detail) == (413, "Request body too large")
    assert large.field("Content-Security-Policy")
    for method, path, status in (("PUT", "/chat", 405), ("POST", "/chat", 400)):
        answer = client.request(method, prefix + path, b"{", [("Content-Type", "application/json")])
        assert answer.status == status and answer.detail and answer.field("Content-Security-Policy")
    with Client(site.port) as other:
        page = other.request("POST", f"{app}x", b"x" * (2 << 20))
        assert page.status == 413 and page.field("Content-Type") == "text/html"
    workers = stack.workers("api1")
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        down = client.get(f"{prefix}/readyz")
        assert (down.status, down.detail, down.field("Retry-After")) == (503, "Service unavailable", "1")
        assert client.get(f"{app}x").status == 200
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: client.get(f"{prefix}/readyz").status == 200)


@pytest.mark.parametrize("world", ["prefix"], indirect=True)
def test_a_path_that_nobody_has_is_the_workers_404(client):
    for path in ("/sluice/nowhere", "/sluice/sluice/chat", "/sluice//nowhere", "/sluice/a%0ab", "/sluice/a%3Fb"):
        missing = client.get(path)
        assert (missing.status, missing.detail) == (404, "Not Found"), path
    assert client.get("/sluice").status == 301  # nginx's own
    assert client.get("/sluice%2Flivez").status == client.get("/sluice/./livez").status == 200
