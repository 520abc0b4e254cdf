"""X-Decision-ID: on every answer that something was decided for, and told to the application behind a gate."""
import os
import re
import signal

import pytest

from config_text import config_text
from gate import Site, application
from harness import eventually
from http_client import Client
from php import php

CONFIG = config_text({"acme": "3/hour"}, extra="""
access = { exempt = ( "127.0.0.8" ); };
gate = { unmatched = "allow"; };
routes = ( { name = "items"; match = "/app/*"; limits = ( { name = "items"; scope = "ip"; rate = "1000/day"; } ); },
           { name = "tight"; match = "/tight/*"; limits = ( { name = "tight"; scope = "ip"; rate = "1/day"; } ); },
           { name = "again"; } );
""")

SERVER = """
    include sluice_server.conf;
    access_log access.log sluice_gate;
    location / { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; }
    location /app/accel/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP/accel/; }
    location /files/ { internal; set $sluice_route again; include sluice_gate.conf; }
    location /app/index/ { include sluice_gate.conf; try_files $uri/nowhere /app/after; }
    location /app/own/ { include sluice_gate.conf; proxy_pass http://127.0.0.1:APP; proxy_set_header X-Own 1;
                         proxy_set_header X-Decision-ID $sluice_decision_id; }
    location /app/php/ { include sluice_gate.conf; fastcgi_pass unix:PHP; fastcgi_param REQUEST_URI $request_uri;
                         fastcgi_param HTTP_X_DECISION_ID $sluice_decision_id if_not_empty; }
    location /php/ { include sluice_gate.conf; fastcgi_pass unix:PHP; fastcgi_param REQUEST_URI $request_uri;
                     fastcgi_param HTTP_X_DECISION_ID $sluice_decision_id if_not_empty; }
"""
ID = re.compile(r"[0-9a-f]{32}")
FORGED = [("X-Decision-ID", "f" * 32)]


def is_id(text):
    return text is not None and ID.fullmatch(text) is not None


def told(params):
    """A FastCGI application that says in X-App-Decision what it was told."""
    return f"X-App-Decision: {params.get('HTTP_X_DECISION_ID', '')}\r\n\r\n"


@pytest.fixture(scope="module")
def site(pool, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    path = folder / "php.sock"
    with application() as (port, _), php(path, told):
        with Site(folder, pool.sockets("api1"), SERVER.replace("APP", str(port)).replace("PHP", str(path))) as running:
            yield running


@pytest.fixture
def api(pool):
    pool.refill()
    with Client(pool.port1) as client:
        yield client


def test_whatever_the_chat_api_decided_has_an_id_of_its_own(api):
    session = api.open_session("acme")
    answers = [api.post("/session", {"tenant_id": "acme"})]
    answers += [api.chat("acme", session) for _ in range(5)]
    answers += [api.chat("acme", "forged"), api.post("/chat", b"{bad"), api.chat("acme", session, "")]
    assert [answer.status for answer in answers] == [201, 200, 200, 200, 429, 429, 401, 400, 429]
    ids = [answer.field("X-Decision-ID") for answer in answers]
    assert all(map(is_id, ids)), ids
    assert len(set(ids)) == len(ids)


def test_where_nobody_decided_there_is_no_id(api, pool):
    session = api.open_session("acme")
    for answer in (api.get("/"), api.get("/livez"), api.get("/nowhere"), api.get("/chat"),
                   api.request("GET", "/limits", None, [("X-Tenant-ID", "acme"), ("X-Session-ID", session)])):
        assert answer.field("X-Decision-ID") is None, answer
    with Client(pool.port1, source="127.0.0.8") as exempt:
        answer = exempt.request("POST", "/chat", b'{"message":"hi"}', FORGED)
        assert (answer.status, answer.field("X-Decision-ID")) == (200, None)


def test_what_on_store_error_decides_has_an_id_too(api, pool):
    session = api.open_session("acme")
    redis = pool.redis_pid()
    os.kill(redis, signal.SIGSTOP)
    try:
        answers = [api.chat("acme", session), api.post("/chat", {"message": "hi"})]
    finally:
        os.kill(redis, signal.SIGCONT)
    eventually(lambda: api.get("/readyz").status == 200)
    assert [answer.status for answer in answers] == [503, 200]
    ids = {answer.field("X-Decision-ID") for answer in answers}
    assert len(ids) == 2 and all(map(is_id, ids))


@pytest.mark.parametrize("path", ["/app/x", "/app/own/x", "/app/php/x", "/app/index/x"])
def test_client_and_application_are_told_the_same_id_whatever_the_client_says(client, path):
    ids = set()
    for fields in ([], FORGED, FORGED + FORGED, [("x-decision-id", "")]):
        answer = client.request("GET", path, None, fields)
        assert answer.status == 200
        shown = answer.field("X-Decision-ID")
        assert is_id(shown) and shown != "f" * 32
        assert answer.field("X-App-Decision") == shown
        ids.add(shown)
    assert len(ids) == 4


@pytest.mark.parametrize("path", ["/unmatched", "/php/unmatched"])
def test_without_a_decision_the_application_is_told_no_id_of_the_clients(client, path):
    answer = client.request("GET", path, None, FORGED)
    assert answer.status == 200 and answer.field("X-Decision-ID") is None
    assert not answer.field("X-App-Decision"), answer


def test_an_exempt_client_of_a_gate_has_no_id(site, client):
    with Client(site.port, source="127.0.0.8") as exempt:
        answer = exempt.request("GET", "/app/x", None, FORGED)
        assert answer.status == 200
        assert answer.field("X-Decision-ID") is None and answer.field("X-App-Decision") is None


def test_a_denial_at_the_gate_has_an_id(client):
    answers = [client.request("GET", "/tight/x", None, FORGED) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    ids = {answer.field("X-Decision-ID") for answer in answers}
    assert all(map(is_id, ids)) and len(ids) == 3 and "f" * 32 not in ids


def test_of_two_routes_the_last_decision_is_shown(client):
    answer = client.get("/app/accel/files/plain.txt")
    assert answer.body == b"file files/plain.txt\n"
    assert is_id(answer.field("X-Decision-ID"))


def test_the_access_log_has_the_facts_of_the_answer(site, client):
    client.get("/tight/x")
    denied = client.get("/tight/x")
    shown = denied.field("X-Decision-ID")
    line, = eventually(lambda: [line for line in (site.folder / "access.log").read_text().splitlines()
                                if shown in line])
    assert f'decision={shown} gate=429 limit=1 remaining=0 reset={denied.field("X-RateLimit-Reset")} ' \
           f'retry_after={denied.field("Retry-After")} ' in line, line
