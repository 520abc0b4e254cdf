"""The denial log: who was denied by what, in the workers' logs, and no more lines than the config says."""
import json
import time

import pytest

import tokens
from config_text import config_text
from gate import Site
from harness import Stack, eventually
from http_client import Client
from readme import block

POOL = {"WORKERS": "1"}
PATIENT = "storage = { deadline_ms = 2000; };\n"
MORE = """
api_keys = { file = "sluice.keys"; };
routes = ( { name = "items"; match = "/items";
             limits = ( { name = "items"; scope = "ip"; rate = "1/day"; },
                        { name = "trial"; scope = "fact:user"; rate = "1/day"; mode = "shadow"; } ); } );
"""


def text_of(denial_log):
    return config_text({"acme": "3/day"}, default="2/day", extra=PATIENT + MORE + denial_log)


@pytest.fixture(scope="module")
def stack():
    with Stack(text_of(""), **POOL) as running:
        yield running


@pytest.fixture
def log(stack):
    """Reads what was denied since the test began, or since the last look."""
    stack.refill()
    return Denials(stack)


class Denials:
    def __init__(self, stack):
        self.stack = stack
        self.seen = 0
        self.new()

    def new(self):
        lines = [json.loads(line) for name, text in self.stack.logs().items() if name.startswith("api")
                 for line in text.splitlines() if '"event":"denied"' in line]
        lines.sort(key=lambda line: line["time"])
        new, self.seen = lines[self.seen:], len(lines)
        return new

    def one(self):
        line, = eventually(self.new)
        return line


def reload(stack, denial_log):
    stack.config.write_text(text_of(denial_log))
    assert stack.dev("reload").returncode == 0


def test_a_denied_message_has_a_line_by_its_id(stack, log):
    with Client(stack.port1) as client:
        session = client.open_session("acme")
        answers = [client.chat("acme", session) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 3 + [429]
    line = log.one()
    denied = answers[-1]
    assert line.items() >= {
        "level": "info", "decision": denied.field("X-Decision-ID"), "reason": "limit", "source": "redis",
        "route": "chat", "cost": "1", "tenant": "acme", "user": "", "api_key": "", "address": "127.0.0.1",
        "limit": "chat", "list": "plan:acme", "rate": "3 per 1 day", "scope": "session", "mode": "enforce",
        "remaining": "0", "retry_after_s": denied.field("Retry-After"), "left_out": "0"}.items()
    assert 86_000 < int(line["reset_after_s"]) <= 86_400
    assert len(line["session"]) == 32
    for secret in (session, tokens.decode(session).hex()):
        assert secret not in json.dumps(line)


def test_the_readme_shows_such_a_line(stack, log):
    with Client(stack.port1) as client:
        for _ in range(3):
            client.post("/chat", {"message": "x"})
    shown = json.loads(block("README.md", '{"time"'))
    assert list(shown) == list(log.one())


def test_at_a_gate_the_line_is_of_the_id_in_nginxs_log_and_a_shadow_limit_is_marked(stack, log, tmp_path):
    with Site(tmp_path, stack.sockets("api1"), """
        include sluice_server.conf; access_log access.log sluice_gate;
        location /items { set $sluice_fact_user $arg_user; include sluice_gate.conf; alias html/plain.txt; }
    """) as site, Client(site.port) as client:
        assert [client.get("/items?user=ann").status for _ in range(2)] == [200, 429]
        access = eventually(lambda: [line for line in (tmp_path / "access.log").read_text().splitlines()
                                     if "gate=429" in line])
    lines = eventually(log.new)
    assert [(line["limit"], line["mode"]) for line in lines] == [("items", "enforce"), ("trial", "shadow")]
    for line in lines:
        assert line["route"] == "items" and f'decision={line["decision"]} ' in access[0], (line, access)
        assert "ann" not in line.values() and len(line["user"]) == 32


def test_a_flood_has_so_many_lines_a_second_and_no_denial_is_forgotten(stack, log):
    reload(stack, "denial_log = { per_second = 2; };")
    began = time.monotonic()
    denied = 0
    with Client(stack.port1) as client:
        while time.monotonic() - began < 2.5:
            denied += client.post("/chat", {"message": "x"}).status == 429
        seconds = time.monotonic() - began
        lines = log.new()
        assert 4 <= len(lines) <= 2 * (seconds + 1)
        assert denied > 10 * len(lines)
        # The next line that is written tells of all before it.
        while not (last := log.new()):
            denied += client.post("/chat", {"message": "x"}).status == 429
    lines += last
    assert len(lines) + sum(int(line["left_out"]) for line in lines) == denied


def test_a_reload_turns_it_off_and_on(stack, log):
    with Client(stack.port1) as client:
        reload(stack, "denial_log = { per_second = 0; };")
        answers = [client.post("/chat", {"message": "x"}).status for _ in range(5)]
        assert answers == [200] * 2 + [429] * 3
        assert log.new() == []
        reload(stack, "")
        client.post("/chat", {"message": "x"})
        assert log.one()["left_out"] == "3"


def test_one_in_many_is_told(stack, log):
    reload(stack, "denial_log = { per_second = 1000; one_in = 20; };")
    with Client(stack.port1) as client:
        denied = {client.post("/chat", {"message": "x"}).field("X-Decision-ID") for _ in range(600)}
    lines = eventually(log.new)
    assert 3 < len(lines) < 120, "30, by chance"
    assert {line["decision"] for line in lines} <= denied
