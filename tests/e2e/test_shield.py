"""The deny shield: nginx answers by itself, for the rest of a second, who is known to be denied."""
import os
import signal
import time

import pytest

from gate import Site, application, begin_of_a_second
from harness import SLUICE, Stack, eventually
from http_client import Client

CONFIG = """
api_keys = { file = "sluice.keys"; };
client_address = { trusted_proxies = ( "127.0.0.3" ); };
plans = ( { id = "p"; limits = ( { name = "all"; routes = ( "*" ); scope = "tenant"; rate = "1000/day"; } ); } );
tenants = ( { id = "acme"; plan = "p"; }, { id = "globex"; plan = "p"; } );
costs = ( { route = "costly"; cost = 1; from = "header:X-Cost"; max = 100; } );
routes = (
  { name = "items"; limits = ( { name = "items"; scope = "ip"; rate = "1/day"; } ); },
  { name = "others"; limits = ( { name = "others"; scope = "ip"; rate = "1/day"; } ); },
  { name = "a"; match = "/path/a"; limits = ( { name = "a"; scope = "ip"; rate = "1/day"; } ); },
  { name = "b"; match = "/path/b"; limits = ( { name = "b"; scope = "ip"; rate = "1/day"; } ); },
  { name = "get"; match = "GET /method"; limits = ( { name = "get"; scope = "ip"; rate = "1/day"; } ); },
  { name = "post"; match = "POST /method"; limits = ( { name = "post"; scope = "ip"; rate = "1/day"; } ); },
  { name = "device"; limits = ( { name = "device"; scope = "ip+header:X-Device"; rate = "1/day"; } ); },
  { name = "costly"; limits = ( { name = "costly"; scope = "ip"; rate = "5/day"; } ); },
  { name = "people"; limits = ( { name = "people"; scope = "fact:user"; rate = "1/day"; } ); },
  { name = "short"; limits = ( { name = "short"; scope = "ip"; rate = "1/1300 ms"; } ); },
  { name = "free"; limits = ( { name = "free"; scope = "ip"; rate = "1000000/day"; } ); }
);
"""

GATE = """set $sluice_fact_tenant $arg_tenant; set $sluice_fact_user $arg_user; include sluice_gate.conf;
          auth_request_set $shield $upstream_cache_status; proxy_pass http://127.0.0.1:APP;"""
SERVER = f"""
    include sluice_server.conf;
    add_header X-Shield $shield always;
    location / {{ {GATE} }}
    location /unknown/ {{ set $sluice_route nmaed; {GATE} }}
""" + "".join(f"    location /{name}/ {{ set $sluice_route {name}; {GATE} }}\n"
              for name in ("items", "others", "device", "costly", "people", "short", "free"))

# What a user's own nginx may say for all locations. None of it may reach the gate.
OF_THE_USER = """
    fastcgi_cache_path tmp/own keys_zone=own:1m; fastcgi_cache own; fastcgi_cache_key x; fastcgi_cache_valid any 1h;
    fastcgi_ignore_headers Vary X-Accel-Expires Cache-Control; fastcgi_cache_methods GET POST;
    fastcgi_cache_use_stale error timeout updating http_500 http_503; fastcgi_cache_background_update on;
    fastcgi_cache_lock on; fastcgi_cache_bypass $arg_x; fastcgi_no_cache 1; fastcgi_cache_min_uses 9;
"""


@pytest.fixture(scope="module")
def pool():
    stack = Stack(CONFIG)
    with os.popen(f"{SLUICE} key new -c {stack.config} --tenant acme --user alice 2>/dev/null") as made:
        stack.key = made.read().strip()
    with stack:
        with Client(stack.port1) as client:
            stack.session = client.open_session("acme")
        yield stack


@pytest.fixture(scope="module", params=["", OF_THE_USER], ids=["", "beside the user's own cache"])
def site(pool, tmp_path_factory, request):
    with application() as (port, _):
        with Site(tmp_path_factory.mktemp("site"), pool.sockets("api1"), SERVER.replace("APP", str(port)),
                  http="include sluice_shield.conf;" + request.param) as running:
            yield running


@pytest.fixture
def client(site, pool):
    with Client(site.port) as client:
        yield client


def from_address(site, address, path, fields=()):
    with Client(site.port, source=address) as client:
        return client.request("GET", path, None, fields)


def in_one_second(pool, steps):
    """What `steps` finds, with all quotas full at its beginning, where one second was enough for it."""
    for _ in range(5):
        begin_of_a_second()
        second = int(time.time())
        pool.refill()
        found = steps()
        if int(time.time()) == second:
            return found
    raise AssertionError("five times a second was too short")


def is_shielded(answer):
    return answer.field("X-Shield") == "HIT"


def until_shielded(ask):
    """The answers up to the first that is nginx's own."""
    answers = [ask()]
    while not is_shielded(answers[-1]):
        assert len(answers) < 6, answers
        answers.append(ask())
    return answers


def test_a_denial_is_told_again_word_for_word_and_kept_by_nobody_else(client, pool):
    answers = in_one_second(pool, lambda: until_shielded(lambda: client.get("/items/x")))
    assert [answer.status for answer in answers] == [200] + [429] * (len(answers) - 1)
    asked, told = answers[-2:]
    unalike = ("date", "x-shield")
    assert [field for field in told.fields if field[0] not in unalike] == [
        field for field in asked.fields if field[0] not in unalike]
    assert (told.body, told.field("Cache-Control")) == (asked.body, "no-store")
    assert int(told.field("Retry-After")) > 80_000
    for name in ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert told.field(name), name
    assert told.field("Vary") is None and told.field("X-Accel-Expires") is None


def test_until_the_second_ends_and_no_longer(client, pool):
    workers = pool.workers("api1")

    def steps():
        until_shielded(lambda: client.get("/items/x"))
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        return client.get("/items/x")
    try:
        answer = in_one_second(pool, steps)
        assert (answer.status, is_shielded(answer)) == (429, True)  # and there was nobody to ask
        begin_of_a_second()
        answer = client.get("/items/x")
        assert (answer.status, is_shielded(answer)) == (200, False)  # the location is open
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    eventually(lambda: client.get("/free/x").field("RateLimit"))


# What a request may differ in from one that is denied: path, method, fields, address; the value is whether
# the other is innocent, or denied in another form.
def fields(**named):
    return [(name.replace("_", "-"), value) for name, value in named.items()]


DIFFERENCES = {
    "address": (("/items/x",), ("/items/x", "GET", [], "127.0.0.2")),
    "address behind a proxy": (("/items/x", "GET", fields(X_Forwarded_For="192.0.2.1"), "127.0.0.3"),
                               ("/items/x", "GET", fields(X_Forwarded_For="192.0.2.2"), "127.0.0.3")),
    "route by name": (("/items/x",), ("/others/x",)),
    "route by path": (("/path/a",), ("/path/b",)),
    "route by method": (("/method",), ("/method", "POST")),
    "session": (("/items/x",), ("/items/x", "GET", fields(X_Session_ID="SESSION"))),
    "API key": (("/items/x",), ("/items/x", "GET", fields(X_API_Key="KEY"))),
    "bearer": (("/items/x",), ("/items/x", "GET", fields(Authorization="Bearer KEY"))),
    "tenant that nginx says": (("/items/x",), ("/items/x?tenant=acme",)),
    "user that nginx says": (("/people/x?user=ann",), ("/people/x?user=ben",)),
    "where a fact ends": (("/people/x?tenant=a&user=b",), ("/people/x?tenant=&user=ab",)),
    "counted header": (("/device/x", "GET", fields(X_Device="a")), ("/device/x", "GET", fields(X_Device="b"))),
    "no counted header": (("/device/x", "GET", fields(X_Device="a")), ("/device/x",)),
    "cost": (("/costly/x", "GET", fields(X_Cost="9")), ("/costly/x", "GET", fields(X_Cost="5"))),
    "no cost": (("/costly/x", "GET", fields(X_Cost="9")), ("/costly/x",)),
}


@pytest.mark.parametrize("denied,innocent", DIFFERENCES.values(), ids=DIFFERENCES)
def test_nobody_else_is_denied(site, pool, denied, innocent):
    def ask(path, method="GET", sent=(), address="127.0.0.1"):
        secrets = {"KEY": pool.key, "SESSION": pool.session}
        sent = [(name, value.replace("KEY", secrets["KEY"]).replace("SESSION", secrets["SESSION"]))
                for name, value in sent]
        with Client(site.port, source=address) as client:
            return client.request(method, path, None, sent)

    def steps():
        until_shielded(lambda: ask(*denied))
        return ask(*innocent), ask(*denied)
    other, again = in_one_second(pool, steps)
    assert (other.status, is_shielded(other)) == (200, False), other
    assert is_shielded(again)  # so the other was asked while this was kept


def test_each_form_is_told_in_its_form(client, pool):
    problem = [("Accept", "application/problem+json")]

    def steps():
        return (until_shielded(lambda: client.get("/items/x"))[-1],
                until_shielded(lambda: client.request("GET", "/items/x", None, problem))[-1],
                client.get("/items/x"))
    answers = in_one_second(pool, steps)
    assert all(is_shielded(answer) for answer in answers)
    kinds = [answer.field("Content-Type") for answer in answers]
    assert kinds == ["application/json", "application/problem+json", "application/json"]


def test_a_named_route_shields_all_its_paths_and_methods(client, pool):
    def steps():
        until_shielded(lambda: client.get("/items/x"))
        return [client.request(method, path) for method, path in (("POST", "/items/y"), ("DELETE", "/items/z?q=1"))]
    for answer in in_one_second(pool, steps):
        assert (answer.status, is_shielded(answer)) == (429, True)


def test_never_past_the_reset_and_told_never_too_short_a_wait(client, pool):
    pool.refill()
    window, slack = 1.3, 0.005  # nginx looks at its clock once a turn
    opened, shielded, end = None, 0, time.time() + 8
    while time.time() < end:
        sent = time.time()
        answer = client.get("/short/x")
        received = time.time()
        if answer.status == 200:
            opened = (sent, received)
            continue
        shielded += is_shielded(answer)
        assert sent < opened[1] + window + slack, "denied after the reset"
        assert received + int(answer.field("Retry-After")) >= opened[0] + window
    assert shielded > 100


def test_a_reset_shows_within_a_second(client, pool):
    in_one_second(pool, lambda: until_shielded(lambda: client.get("/items/x")))
    pool.refill()
    begin_of_a_second()
    assert client.get("/items/x").status == 200


def test_a_changed_plan_shows_within_a_second(client, pool):
    in_one_second(pool, lambda: until_shielded(lambda: client.get("/items/x")))
    with pool.edited_config('name = "items"; scope = "ip"; rate = "1/day"', 'name = "items"; scope = "ip"; rate = "900/day"'):
        assert pool.dev("reload").returncode == 0
        begin_of_a_second()
        assert client.get("/items/x").status == 200
    assert pool.dev("reload").returncode == 0


def test_what_is_no_denial_leaves_nothing(site, client, pool):
    eventually(lambda: not site.kept(), within=20)
    for _ in range(20):
        assert client.get("/free/x").status == 200
        assert client.request("POST", "/free/x", b"body").status == 200
        assert client.get("/unknown/x").status == 503
        forged = client.request("GET", "/items/x", None, [("X-API-Key", "slk_" + pool.key[:3:-1])])
        assert forged.status == 401 and not is_shielded(forged)
    assert not site.kept()


def test_who_does_not_come_back_within_the_second_costs_no_file(site, client, pool):
    pool.refill()
    eventually(lambda: not site.kept(), within=20)
    for _ in range(3):
        begin_of_a_second()
        client.get("/items/x")
        assert not site.kept()
    assert client.get("/items/x").status == 429
    assert len(site.kept()) == 1


def test_a_full_memory_refuses_nobody(pool, tmp_path):
    """Each path has a place of its own in nginx's memory, and there are more paths than places."""
    site = Site(tmp_path, pool.sockets("api1"), "include sluice_server.conf; location / { include sluice_gate.conf; }",
                http="include sluice_shield.conf;")
    shield = tmp_path / "sluice_shield.conf"
    shield.write_text(shield.read_text().replace("sluice_shield:2m", "sluice_shield:32k"))
    with site, Client(site.port) as client:
        for number in range(2000):
            assert client.get(f"/anything/{number}").status == 404  # nginx has no such file
            denied = client.get("/path/a").status
        assert denied == 429
        assert "[alert]" not in site.errors() and "[crit]" not in site.errors()
