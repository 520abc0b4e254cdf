"""The gate: what could get past it by the way nginx is told to ask, or by what a client sends."""
import pytest

from gate import PATIENT, Site
from harness import Stack
from http_client import Client
from module import FORMS, gated

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

CONFIG = PATIENT + """
fastcgi = { max_params_bytes = 100000; };
routes = ( { name = "tight"; match = "/tight*"; limits = ( { name = "tight"; scope = "ip"; rate = "1/day"; } ); } );
"""
SERVER = """
    large_client_header_buffers 16 16k;
    include sluice_server.conf;
    location /tight { include sluice_gate.conf; alias html/plain.txt; }
"""
UNTOLD = SERVER + """
    location /late/ { rewrite ^/late(/.*)$ $1 break; include sluice_gate.conf; root html; }
    location /around/ { include sluice_gate.conf; alias html/; location ~ txt$ { root html; } }
"""


@pytest.fixture(scope="module", params=FORMS)
def site(pool, tmp_path_factory, request):
    with gated(request.param, tmp_path_factory.mktemp("site"), pool, SERVER) as running:
        yield running


def test_a_question_without_a_path_is_no_pass(pool, tmp_path):
    with Site(tmp_path, pool.sockets("api1"), UNTOLD) as site, Client(site.port) as client:
        for path in ("/late/tight", "/around/plain.txt"):
            answer = client.get(path)
            assert (answer.status, answer.detail[:26]) == (503, "nginx did not say the path")


@pytest.mark.parametrize("count", [1, 3, 5, 8])
def test_large_headers_are_no_way_around_a_denial(client, count):
    assert client.get("/tight").status == 200
    assert client.get("/tight").status == 429
    large = [(f"X-Large-{number}", "x" * 15_000) for number in range(count)]
    assert client.request("GET", "/tight", None, large).status in (400, 429)


def test_a_worker_that_takes_less_than_nginx_denies_too(tmp_path):
    config = CONFIG.replace("100000", "8192")
    with Stack(config) as stack, Site(tmp_path, stack.sockets("api1"), SERVER) as site, Client(site.port) as client:
        assert client.get("/tight").status == 200
        assert client.get("/tight").status == 429
        for size in (7_000, 9_000, 15_000):
            answer = client.request("GET", "/tight", None, [("X-Large", "x" * size)])
            assert answer.status in (400, 429), (size, answer)
        assert "prematurely" not in site.errors()
