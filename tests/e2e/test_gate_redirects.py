"""The gate and what nginx does with one request inside: it is one charge for each route that it comes to."""
import pytest

from gate import PATIENT, application, charges, shows_limits
from harness import eventually
from http_client import Client
from module import FORMS, ModuleSite, gated

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

CONFIG = PATIENT + """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "1000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  { name = "first"; },
  { name = "second"; },
  { name = "scarce"; limits = ( { name = "scarce"; scope = "ip"; rate = "1/day"; } ); }
);
"""

SERVER = """
    include sluice_server.conf;
    proxy_intercept_errors off;
    location / { include sluice_gate.conf; }
    location /app/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /try/ { include sluice_gate.conf; try_files $uri @app; }
    location /try-uri/ { include sluice_gate.conf; try_files /nowhere /app/x; }
    location @app { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /rewritten/ { include sluice_gate.conf; rewrite ^ /app/x last; }
    location /dead/ { include sluice_gate.conf; include sluice_denied.conf; proxy_pass http://127.0.0.1:1;
                      error_page 502 = @app; }
    location /missing/ { include sluice_gate.conf; include sluice_denied.conf; error_page 404 =200 /app/x; }
    location /accel/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /inside/ { internal; include sluice_gate.conf; alias html/; }
    location /bare/ { internal; alias html/; }
    location /first/ { set $sluice_route first; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /second/ { set $sluice_route second; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /scarce/ { set $sluice_route scarce; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /random/ { include sluice_gate.conf; random_index on; alias html/files/; }
    location /parts/ { include sluice_gate.conf; ssi on; alias html/parts/; }
    location /signed/ { include sluice_gate.conf; try_files /nowhere @signed; }
    location @signed { auth_request /signs; proxy_pass http://127.0.0.1:APP; }
    location = /signs { internal; proxy_pass http://127.0.0.1:APP/status/$http_x_sign; proxy_pass_request_body off;
                        proxy_set_header Content-Length ""; }
    location /any/ { satisfy any; deny all; include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /copied/ { include sluice_gate.conf; mirror /app/copy; proxy_pass http://127.0.0.1:APP; }
"""

# What is asked, the status, the units.
ROWS = [
    ("GET", "/", 200, 1), ("HEAD", "/", 200, 1), ("GET", "/folder/", 200, 1), ("HEAD", "/folder/", 200, 1),
    ("GET", "/folder", 301, 1), ("POST", "/plain.txt", 405, 1),
    ("GET", "/try/x", 200, 1), ("POST", "/try/x", 200, 1), ("HEAD", "/try/x", 200, 1),
    ("GET", "/try-uri/x", 200, 1), ("PUT", "/try-uri/x", 200, 1), ("GET", "/rewritten/x", 200, 1),
    ("GET", "/dead/x", 200, 1), ("POST", "/dead/x", 200, 1), ("HEAD", "/dead/x", 200, 1),
    ("GET", "/missing/x", 200, 1), ("GET", "/random/", 200, 1),
    ("GET", "/accel/inside/plain.txt", 200, 1), ("POST", "/accel/inside/plain.txt", 200, 1),
    ("GET", "/accel/bare/plain.txt", 200, 1), ("GET", "/accel/accel/app/x", 200, 1),
    ("GET", "/first/accel/bare/plain.txt", 200, 1), ("GET", "/first/accel/first/x", 200, 1),
    ("GET", "/first/accel/second/x", 200, 2), ("GET", "/second/accel/first/x", 200, 2),
    ("GET", "/first/accel/second/accel/first/x", 200, 2), ("GET", "/app/accel/first/accel/second/x", 200, 3),
    # A location that names no route has that of the location before it.
    ("GET", "/first/accel/app/x", 200, 1), ("GET", "/first/accel/second/accel/app/x", 200, 2),
    ("GET", "/parts/page.html", 200, 1), ("GET", "/copied/x", 200, 1), ("POST", "/copied/x", 200, 1),
]


@pytest.fixture(scope="module", params=FORMS)
def world(pool, tmp_path_factory, request):
    """The site, and what its application was asked."""
    folder = tmp_path_factory.mktemp("site")
    with application() as (port, seen):
        with gated(request.param, folder, pool, SERVER.replace("APP", str(port))) as site:
            parts = folder / "html/parts"
            parts.mkdir()
            (parts / "page.html").write_text('<!--#include virtual="/plain.txt" --><!--#include virtual="/app/x" -->')
            yield site, seen


@pytest.fixture
def client(world, pool):
    pool.refill()
    world[1].clear()
    with Client(world[0].port) as client:
        yield client


@pytest.mark.parametrize("method,path,status,units", ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_each_route_is_charged_once(client, method, path, status, units):
    with charges(client) as seen:
        answer = client.request(method, path, b"x" if method in ("POST", "PUT") else None)
    assert (answer.status, seen.units) == (status, units), answer
    assert shows_limits(answer)


def test_a_page_of_parts_is_whole(client):
    assert client.get("/parts/page.html").body == b"file plain.txt\napp GET /app/x"


def test_a_copy_of_a_request_reaches_its_application(client, world):
    assert client.request("POST", "/copied/x", b"body").status == 200
    eventually(lambda: sorted(asked[1] for asked in world[1]) == ["/app/copy", "/copied/x"])


def test_a_denial_behind_a_redirect_is_the_answer(client, world):
    assert client.get("/first/accel/scarce/x").status == 200
    world[1].clear()
    with charges(client) as seen:
        denied = client.get("/first/accel/scarce/x")
    assert (denied.status, denied.detail) == (429, "Rate limit exceeded: 1 per 1 day")
    assert seen.units == 1  # what the first location has let in
    assert [asked[1] for asked in world[1]] == ["/first/accel/scarce/x"]


@pytest.mark.parametrize("status", [200, 401, 403])
def test_an_auth_request_of_the_sites_own_is_asked_behind_the_gate(client, status):
    """A location has one auth_request; the site's own is in the one that the gate's leads to."""
    with charges(client) as seen:
        answer = client.request("POST", "/signed/x", b"x", [("X-Sign", str(status))])
    assert (answer.status, seen.units) == (status, 1)
    assert shows_limits(answer)


def test_satisfy_any_takes_the_gates_yes_for_all(world, client):
    """The README warns of it: `deny all` is passed by. The module says neither yes nor no to that."""
    assert client.get("/any/x").status == (403 if isinstance(world[0], ModuleSite) else 200)
