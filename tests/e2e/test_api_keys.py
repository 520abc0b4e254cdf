"""API keys: made with sluice key, proved by X-API-Key or Authorization: Bearer."""
import os
import re
import subprocess
import threading

import pytest

from config_text import TENANTS, limit
from harness import SLUICE, Stack
from http_client import Client
from test_operator import ask, sluice

FILE = "sluice.keys"


def config():
    """Of each tenant: 6 messages per session or user, and 4 per key."""
    defaults = ",\n".join([limit("chat", "5/minute", "ip", "chat", "allow"),
                           limit("session", "30/minute", "ip", "session", "allow"),
                           limit("identity_failure", "30/minute", "ip", "identity_failure",
                                 "allow")])
    plan = ",\n".join([limit("chat", "6/minute", "session", "chat", "deny"),
                       limit("key", "4/minute", "api_key", "chat", "deny")])
    tenants = ", ".join(f'{{ id = "{tenant}"; plan = "p"; }}' for tenant in TENANTS)
    patient = "storage = { deadline_ms = 2000; };\n"  # it is not the store that is tested here
    return (f'{patient}api_keys = {{ file = "{FILE}"; }};\ndefaults = (\n{defaults}\n);\n'
            f'plans = ( {{ id = "p"; limits = (\n{plan}\n); }} );\ntenants = ( {tenants} );\n')


def key(stack, verb, *flags):
    return sluice(stack, "key", verb, "-c", str(stack.config), *flags)


def new_key(stack, tenant, user, *flags):
    code, output, errors = key(stack, "new", "--tenant", tenant, "--user", user, *flags)
    assert code == 0, errors
    assert re.fullmatch(r"slk_[A-Za-z0-9_-]{43}\n", output)
    assert errors.count("\n") == 1 and output.strip() not in errors
    return output.strip()


@pytest.fixture(scope="module")
def keyed():
    """A stack with keys a1 and a2 of acme's alice and g1 of globex's bob, by id."""
    with Stack(config()) as stack:
        stack.keys = {"a1": new_key(stack, "acme", "alice", "--id", "a1"),
                      "a2": new_key(stack, "acme", "alice", "--id", "a2"),
                      "g1": new_key(stack, "globex", "bob", "--id", "g1")}
        stack.restart()
        yield stack


@pytest.fixture
def full(keyed):
    """The stack with every quota full."""
    keyed.refill()
    return keyed


@pytest.fixture
def clients(full):
    with Client(full.port1) as one, Client(full.port2) as two:
        yield one, two


def chat(client, *fields, **members):
    return client.post("/chat", {"message": "hi", **members}, fields)


def x_api_key(text):
    return "X-API-Key", text


def bearer(text):
    return "Authorization", f"Bearer {text}"


def test_a_key_is_who_it_was_made_for_in_either_header(full, clients):
    for client in clients:
        for shown in (x_api_key, bearer):
            answer = chat(client, shown(full.keys["a1"]))
            assert answer.status == 200, answer
            assert (answer.json["tenant_id"], answer.json["session_id"]) == ("acme", None)
            assert answer.field("RateLimit-Policy") == '"chat";q=6;w=60, "key";q=4;w=60'
    both = chat(clients[0], x_api_key(full.keys["g1"]), bearer(full.keys["g1"]),
                ("X-Tenant-ID", "globex"), tenant_id="globex")
    assert (both.status, both.json["tenant_id"]) == (200, "globex")


def test_the_quota_is_the_keys_and_the_users_across_both_pools(full, clients):
    a1, a2, g1 = (full.keys[name] for name in ("a1", "a2", "g1"))
    assert [chat(clients[i % 2], x_api_key(a1)).status for i in range(5)] == [200] * 4 + [429]
    denied = chat(clients[1], bearer(a1))
    assert denied.detail == "Rate limit exceeded: 4 per 1 minute"
    # Another key of the same user: its own 4, but the user has 2 of 6 left.
    assert [chat(clients[i % 2], x_api_key(a2)).status for i in range(3)] == [200, 200, 429]
    assert chat(clients[0], x_api_key(a2)).detail == "Rate limit exceeded: 6 per 1 minute"
    assert chat(clients[0], x_api_key(g1)).status == 200
    with full.redis() as store:
        counted = {name.decode() for name in store.keys("*{acme}*")}
    assert counted == {"sluice:v3:{acme}:chat:session:user:alice",
                       "sluice:v3:{acme}:key:api_key:a1", "sluice:v3:{acme}:key:api_key:a2"}


def test_a_session_beside_a_key_is_the_session(full, clients):
    session = clients[0].open_session("acme")
    a2 = full.keys["a2"]
    answer = chat(clients[0], x_api_key(a2), ("X-Session-ID", session))
    assert (answer.status, answer.json["session_id"]) == (200, session)
    assert chat(clients[1], x_api_key(a2)).json["message_number"] == 2  # of the key; user: 1
    foreign = chat(clients[0], x_api_key(full.keys["g1"]), ("X-Session-ID", session))
    assert (foreign.status, foreign.detail) == (403, "Session does not belong to tenant")


def test_false_keys_cost_their_address_and_not_the_tenant(full, clients):
    wrong = full.keys["a1"][:-2] + ("AA" if not full.keys["a1"].endswith("AA") else "BB")
    answers = [chat(clients[i % 2], x_api_key(wrong), ("X-Tenant-ID", "acme"))
               for i in range(32)]
    assert [answer.status for answer in answers] == [401] * 30 + [429] * 2
    assert answers[0].detail == "Invalid API key"
    assert answers[0].field("WWW-Authenticate") == "Bearer"
    assert answers[0].field("RateLimit").startswith('"identity_failure";r=29;')
    assert answers[31].detail == "Rate limit exceeded: 30 per 1 minute"
    mine = chat(clients[0], x_api_key(full.keys["a1"]))
    assert (mine.status, mine.field("X-RateLimit-Remaining")) == (200, "3")
    with Client(full.port1, source="127.0.0.2") as elsewhere:
        assert chat(elsewhere, x_api_key(wrong)).status == 401


@pytest.mark.reads_body
def test_a_key_of_another_tenant_is_403(full, clients):
    a1 = full.keys["a1"]
    for answer in (chat(clients[0], x_api_key(a1), ("X-Tenant-ID", "globex")),
                   chat(clients[1], bearer(a1), tenant_id="globex"),
                   clients[0].request("GET", "/limits",
                                      fields=[x_api_key(a1), ("X-Tenant-ID", "globex")])):
        assert (answer.status, answer.detail) == (403, "API key does not belong to tenant")
        assert '"identity_failure"' in answer.field("RateLimit")
    with full.redis() as store:
        assert not [name for name in store.keys() if b"globex" in name or b"acme" in name]


def test_two_keys_that_differ_are_400(full, clients):
    a1, a2 = full.keys["a1"], full.keys["a2"]
    answer = chat(clients[0], x_api_key(a1), bearer(a2))
    assert (answer.status, answer.detail) == (
        400, "X-API-Key differs from the token in Authorization")
    assert chat(clients[0], x_api_key(a1), x_api_key(a1)).status == 400


def test_keys_are_not_looked_at_where_nobody_is_asked_for(full, clients):
    assert clients[0].request("GET", "/", fields=[x_api_key("wrong")]).status == 200
    assert clients[0].post("/session", {"tenant_id": "acme"}, [x_api_key("wrong")]).status == 201


def test_limits_tells_the_user_what_is_left(full, clients):
    chat(clients[0], x_api_key(full.keys["a1"]))
    answer = clients[1].request("GET", "/limits", fields=[bearer(full.keys["a2"])])
    body = answer.json
    assert (body["tenant_id"], body["session_id"], body["user"]) == ("acme", None, "alice")
    assert {each["name"]: each["used"] for each in body["limits"]} == {"chat": 1, "key": 0}


def test_an_operator_peeks_and_resets_by_the_keys_id(full, clients):
    for _ in range(4):
        chat(clients[0], x_api_key(full.keys["a1"]))
    code, output, _ = ask(full, "peek", "--api-key", "a1")
    assert code == 0
    assert [line.split("used ")[1].split()[0] for line in output.splitlines()] == ["4/6", "4/4"]
    code, output, errors = ask(full, "reset", "--api-key", "a1")
    assert (code, errors) == (0, "") and output.endswith("\n2 of 2 buckets had been in use\n")
    assert chat(clients[1], x_api_key(full.keys["a1"])).status == 200
    code, output, errors = ask(full, "peek", "--api-key", full.keys["a1"])
    assert (code, output) == (2, "") and "slk_" not in errors


def test_no_key_and_no_hash_is_anywhere_but_with_its_owner(full, clients):
    a1 = full.keys["a1"]
    hashes = [line.split()[3] for line in (full.conf / FILE).read_text().splitlines()
              if not line.startswith("#")]
    assert len(hashes) >= 3
    chat(clients[0], x_api_key(a1))
    chat(clients[0], bearer(a1), ("X-Tenant-ID", "globex"))
    shown = [clients[0].get().body.decode(), key(full, "list")[1],
             sluice(full, "check", str(full.config))[1], *full.logs().values()]
    shown += [path.read_text() for path in full.conf.iterdir() if path.is_file()]
    for text in shown:
        assert "slk_" not in text and a1[4:] not in text
    for text in shown[:3] + list(full.logs().values()):
        assert not [each for each in hashes if each in text]
    assert "alice" not in shown[0]
    with full.redis() as store:
        assert not [name for name in store.keys() if b"slk" in name]


def test_check_counts_the_keys_and_list_shows_them(full):
    code, output, _ = sluice(full, "check", str(full.config))
    assert code == 0 and f"ok, {len(TENANTS)} tenants, 3 API keys, storage " in output
    code, output, errors = key(full, "list")
    assert (code, errors) == (0, "")
    head, *rows = [line.split() for line in output.splitlines()]
    assert head == ["ID", "TENANT", "USER", "CREATED"]
    assert [row[:3] for row in rows] == [["a1", "acme", "alice"], ["a2", "acme", "alice"],
                                         ["g1", "globex", "bob"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row[3]) for row in rows)
    assert (full.conf / FILE).stat().st_mode & 0o777 == 0o640


def test_a_revoked_key_is_refused_after_a_restart(full):
    def answers(text):  # new connections: nginx ends those that it has when it is told to restart
        with Client(full.port1) as one, Client(full.port2) as two:
            return [chat(client, x_api_key(text)) for client in (one, two)]

    text = new_key(full, "acme", "carol", "--id", "short-lived")
    assert {answer.status for answer in answers(text)} == {401}  # not known yet
    full.restart()
    assert {answer.status for answer in answers(text)} == {200}
    code, output, errors = key(full, "revoke", "short-lived")
    assert (code, output) == (0, "") and "short-lived" in errors
    full.restart()
    assert {answer.detail for answer in answers(text)} == {"Invalid API key"}
    assert {answer.status for answer in answers(full.keys["a1"])} == {200}


def test_mistakes_are_one_line_and_2_and_harm_nothing(full, tmp_path):
    before = (full.conf / FILE).read_bytes()
    rows = [(["new", "--tenant", "nobody", "--user", "u"],
             '--tenant: the config has no "nobody"'),
            (["new", "--tenant", "acme", "--user", "u", "--id", "a1"],
             f'--id: "a1" is taken, at {full.conf / FILE}:2'),
            (["revoke", "nobody"],
             f"{full.conf / FILE}: no key has this id; sluice key list shows them")]
    for flags, message in rows:
        assert key(full, *flags) == (2, "", message + "\n")
    assert (full.conf / FILE).read_bytes() == before
    plain = tmp_path / "plain.cfg"
    plain.write_text('log = { level = "info"; };\n')
    for flags in (["new", "--tenant", "acme", "--user", "u"], ["list"], ["revoke", "a1"]):
        code, output, errors = sluice(full, "key", flags[0], "-c", str(plain), *flags[1:])
        assert (code, output, errors.count("\n")) == (2, "", 1)
    bad = tmp_path / "bad.cfg"
    bad.write_text(full.config.read_text())
    (tmp_path / FILE).write_text("a1 acme alice\n")
    (tmp_path / FILE).chmod(0o640)
    for arguments in (["check", str(bad)], ["key", "list", "-c", str(bad)],
                      ["key", "new", "-c", str(bad), "--tenant", "acme", "--user", "u"]):
        code, output, errors = sluice(full, *arguments)
        assert (code, output) == (2, "")
        assert errors == (f"{tmp_path / FILE}:1: has 3 words; "
                          "a line is ID TENANT USER HASH CREATED\n")
    assert (tmp_path / FILE).read_text() == "a1 acme alice\n"


def test_a_key_that_cannot_be_shown_is_told(full, tmp_path):
    own = tmp_path / "own.cfg"
    own.write_text(full.config.read_text())
    environment = {**os.environ, "RATE_LIMIT_STORAGE_URI": "memory://"}
    with open("/dev/full", "w", encoding="ascii") as nowhere:
        done = subprocess.run([SLUICE, "key", "new", "-c", str(own), "--tenant", "acme",
                               "--user", "u", "--id", "k1"], stdout=nowhere, text=True, timeout=60,
                              stderr=subprocess.PIPE, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr == "the key could not be written; sluice key revoke k1\n"


def test_many_commands_at_once_lose_no_key(full, tmp_path):
    own = tmp_path / "own.cfg"
    own.write_text(full.config.read_text())
    made = []

    def make(number):
        for user in ("u1", "u2"):
            made.append(sluice(full, "key", "new", "-c", str(own), "--tenant", "acme", "--user",
                               f"{user}-{number}"))
    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [code for code, _, _ in made] == [0] * 16
    code, output, _ = sluice(full, "key", "list", "-c", str(own))
    assert code == 0
    users = {line.split()[2] for line in output.splitlines()[1:]}
    assert users == {f"{user}-{number}" for user in ("u1", "u2") for number in range(8)}


def test_help_says_what_there_is(full):
    code, output, _ = sluice(full, "key", "--help")
    assert code == 0
    for word in ("new", "list", "revoke", "X-API-Key", "Bearer", "reload"):
        assert word in output
    for verb, flags in (("new", ("--config", "--tenant", "--user", "--id")),
                        ("list", ("--config",)), ("revoke", ("--config", "ID"))):
        code, output, _ = sluice(full, "key", verb, "--help")
        assert code == 0
        for flag in flags:
            assert flag in output
    assert sluice(full, "key")[0] == 2
