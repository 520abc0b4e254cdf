"""Pages of other origins: what they may do with the API, and with an application behind the gate."""
import pytest

from gate import FIELDS, application, charges
from harness import free_port
from http_client import Client
from module import FORMS, gated
from readme import block

# What the gate says is nginx's; the API's own answers are tried under the sanitizers in answer_cors_test.
pytestmark = pytest.mark.outside_worker

APP, OTHER = "https://app.example.com", "http://localhost:3000"
CONFIG = """
cors = { origins = ( "https://app.example.com", "http://localhost:3000" ); };
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "1000000/day"; } );
routes = (
  { name = "site"; match = "/*"; },
  { name = "tight"; match = "/tight/*"; limits = ( { name = "tight"; scope = "ip"; rate = "1/day"; } ); },
  { name = "nobody"; match = "/nobody/*"; limits = ( { name = "nobody"; scope = "ip"; rate = "0/day"; } ); }
);
"""
SERVER = block("nginx/README.md", "set $sluice_cors_origins").replace("/usr/share/sluice/nginx/", "") + """
    include sluice_server.conf;
    location / { include sluice_gate.conf; }
    location /app/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /tight/ { include sluice_gate.conf; alias html/; }
    location /nobody/ { include sluice_gate.conf; alias html/; }
    location /dead/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:1; }
    location /own/ { include sluice_gate.conf; include sluice_fields.conf; include sluice_cors.conf; add_header X-Own 1;
                     alias html/; }
    location /cookies/ { set $sluice_cors_credentials true; include sluice_gate.conf; alias html/; }
    location /speaks/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:PORT/spoken; }
"""
SPOKEN = """
server { listen 127.0.0.1:PORT; add_header Access-Control-Allow-Origin "https://its.own" always; return 200 spoken; }
"""


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def site(pool, tmp_path_factory, form):
    own = str(free_port())
    with application() as (port, seen):
        server = SERVER.replace("APP", str(port)).replace("PORT", own)
        with gated(form, tmp_path_factory.mktemp("site"), pool, server, SPOKEN.replace("PORT", own)) as running:
            running.seen = seen
            yield running


@pytest.fixture
def client(site, pool):
    pool.refill()
    site.seen.clear()
    with Client(site.port) as client:
        yield client


def values(answer, name):
    return [value for field, value in answer.fields if field == name.lower()]


def preflight(client, path, origin=APP, method="PUT", headers="content-type,x-session-id"):
    return client.request("OPTIONS", path, None, [("Origin", origin), ("Access-Control-Request-Method", method),
                                                  ("Access-Control-Request-Headers", headers)])


def exposed(answer):
    return {name.strip().lower() for value in values(answer, "Access-Control-Expose-Headers") for name in value.split(",")}


def may_read(answer, origin):
    """Whether a browser would show a page of the origin the answer and its fields."""
    return (values(answer, "Access-Control-Allow-Origin") == [origin] and "Origin" in values(answer, "Vary") and
            {name.lower() for name in FIELDS} | {"retry-after", "x-decision-id"} <= exposed(answer))


@pytest.mark.parametrize("origin", [APP, OTHER])
@pytest.mark.parametrize("path", ["/", "/app/x", "/tight/x", "/dead/x", "/own/x", "/nowhere"])
def test_a_preflight_is_free_and_asks_nobody(client, site, path, origin):
    with charges(client) as charged:
        for _ in range(3):
            answer = preflight(client, path, origin)
            assert (answer.status, answer.body) == (204, b"")
            assert may_read(answer, origin)
            assert values(answer, "Access-Control-Allow-Methods") == ["PUT"]
            assert values(answer, "Access-Control-Allow-Headers") == ["content-type,x-session-id"]
            assert values(answer, "Access-Control-Max-Age") == ["600"]
    assert (charged.units, site.seen) == (0, [])


@pytest.mark.parametrize("path,status", [
    ("/plain.txt", 200), ("/nobody/plain.txt", 429), ("/nowhere", 404), ("/app/status/500", 500), ("/dead/x", 502),
    ("/own/plain.txt", 200), ("/app/status/401", 401)])
def test_each_answer_may_be_read_with_its_fields(client, path, status):
    answer = client.request("GET", path, None, [("Origin", APP)])
    assert (answer.status, may_read(answer, APP)) == (status, True), answer.fields
    assert values(answer, "Access-Control-Allow-Methods") == []


def test_an_error_of_nginx_may_be_read_too(client, site):
    answer = client.request("POST", "/plain.txt", b"x" * 2_000_000, [("Origin", APP)])
    assert (answer.status, may_read(answer, APP)) == (413, True)


@pytest.mark.parametrize("origin", [
    "null", "*", "https://app.example.com.evil.example", "https://app.example.co", "http://app.example.com", "|",
    "https://app.example.com http://localhost:3000", "evil evil", "HTTPS://APP.EXAMPLE.COM", "https://app.example.com|x"])
def test_to_others_nothing_is_said_and_they_are_counted(client, origin):
    with charges(client) as charged:
        answer = client.request("GET", "/plain.txt", None, [("Origin", origin)])
        asked = preflight(client, "/app/x", origin)
    for one in (answer, asked):
        assert values(one, "Access-Control-Allow-Origin") == [] and exposed(one) == set()
        assert "Origin" in values(one, "Vary")
    assert (answer.status, asked.status, charged.units) == (200, 200, 2)


def test_without_an_origin_nothing_is_said(client):
    answer = client.get("/plain.txt")
    assert values(answer, "Access-Control-Allow-Origin") == [] and exposed(answer) == set()


@pytest.mark.parametrize("origins", ["*", "https://app.example.com *"])
def test_all_may_be_allowed_but_never_with_cookies(pool, tmp_path, form, origins):
    server = f"""set $sluice_cors_origins "{origins}"; set $sluice_cors_credentials true; include sluice_cors.conf;
                 include sluice_server.conf; location / {{ include sluice_gate.conf; }}"""
    with gated(form, tmp_path, pool, server) as site, Client(site.port) as client:
        for answer in (client.request("GET", "/plain.txt", None, [("Origin", "https://anybody.example")]),
                       preflight(client, "/x", "null")):
            assert answer.status in (200, 204)
            assert values(answer, "Access-Control-Allow-Origin") == ["*"] and values(answer, "Vary") == []
            assert values(answer, "Access-Control-Allow-Credentials") == []


def test_cookies_are_for_those_who_are_named(client):
    answer = client.request("GET", "/cookies/plain.txt", None, [("Origin", APP)])
    assert values(answer, "Access-Control-Allow-Credentials") == ["true"]
    answer = client.request("GET", "/cookies/plain.txt", None, [("Origin", "https://evil.example")])
    assert values(answer, "Access-Control-Allow-Credentials") == []


def test_an_application_that_speaks_of_cors_has_the_say(client):
    answer = client.request("GET", "/speaks/x", None, [("Origin", APP)])
    assert values(answer, "Access-Control-Allow-Origin") == ["https://its.own"]


def test_the_api_says_the_same_by_itself(pool):
    with Client(pool.port1) as client:
        answer = preflight(client, "/chat", method="POST")
        assert (answer.status, values(answer, "Access-Control-Allow-Methods")) == (204, ["POST"])
        for path, status in (("/limits", 200), ("/nowhere", 404)):
            answer = client.request("GET", path, None, [("Origin", APP)])
            assert (answer.status, may_read(answer, APP)) == (status, True)
        answer = client.request("GET", "/limits", None, [("Origin", "https://evil.example")])
        assert values(answer, "Access-Control-Allow-Origin") == []
