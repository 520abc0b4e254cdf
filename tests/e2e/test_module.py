"""The module inside nginx, where it differs from the gate's snippets; test_gate*.py run over both."""
import os
import re
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest

import segment
from gate import PATIENT, application
from harness import SANITIZED, SLOWNESS, SLUICE, RedisServer, eventually
from http_client import Client, send_raw
from module import ModuleSite, environment_of, needs_module
from readme import block

pytestmark = [needs_module, pytest.mark.both]
needs_root = pytest.mark.skipif(os.geteuid() != 0 or SANITIZED, reason="only root has workers of another user, who may "
                                "not read what the sanitizers are told")
NOBODY = 65534

ROUTES = """
defaults = ( { name = "all"; routes = ( "*" ); scope = "global"; rate = "1000000/day"; on_store_error = "allow"; } );
routes = (
  { name = "site"; match = "/*"; },
  { name = "named"; },
  { name = "tight"; match = "/tight/*"; limits = ( { name = "tight"; scope = "ip"; rate = "2/day"; } ); },
  { name = "must"; limits = ( { name = "must"; scope = "ip"; rate = "1000000/day"; on_store_error = "deny"; } ); },
  { name = "may"; limits = ( { name = "may"; scope = "ip"; rate = "1000000/day"; on_store_error = "allow"; } ); }
);
plans = ( { id = "p"; limits = ( { name = "t"; routes = [ "named" ]; rate = "9/day"; scope = "tenant"; } ); } );
tenants = ( { id = "acme"; plan = "p"; } );
"""
CONFIG = PATIENT + ROUTES

SERVER = """
    location / { sluice auto; }
    location /off/ { sluice off; alias html/; }
    location /must/ { sluice must; alias html/; }
    location /may/ { sluice may; alias html/; }
    location /named/ { sluice named; sluice_fact tenant $arg_tenant; alias html/; }
    location /tight/ { sluice tight; alias html/; }
    location /inherits/ { alias html/; }
    location /app/ { proxy_pass http://127.0.0.1:APP; proxy_set_header X-Decision-ID $sluice_decision_id; }
"""
LOG = """log_format what '$uri $status $sluice_decision $sluice_route $sluice_tenant $sluice_limit '
                          '$sluice_remaining $sluice_decision_id';"""
WRITES = "access_log access.log what;"


@pytest.fixture(scope="module")
def site(pool, tmp_path_factory):
    with application() as (port, _):
        server = WRITES + "sluice auto;" + SERVER.replace("APP", str(port))
        with ModuleSite(tmp_path_factory.mktemp("site"), pool.config, server, LOG, environment_of(pool)) as running:
            yield running


def written(site):
    return [line.split() for line in (site.folder / "access.log").read_text().splitlines()]


# --- what is seen --------------------------------------------------------------------------------

def test_variables_say_what_was_decided(site, client):
    tight = [client.get("/tight/plain.txt") for _ in range(3)]
    named = client.get("/named/plain.txt?tenant=acme")
    free = client.get("/off/plain.txt")
    assert [answer.status for answer in (*tight, named, free)] == [200, 200, 429, 200, 200]
    lines = eventually(lambda: len(written(site)) >= 5 and written(site)[-5:])
    ids = [answer.field("X-Decision-ID") for answer in (*tight, named)]
    assert lines == [
        ["/tight/plain.txt", "200", "allowed", "tight", "-", "2", "1", ids[0]],
        ["/tight/plain.txt", "200", "allowed", "tight", "-", "2", "0", ids[1]],
        ["/tight/plain.txt", "429", "denied", "tight", "-", "2", "0", ids[2]],
        ["/named/plain.txt", "200", "allowed", "named", "acme", "9", "8", ids[3]],
        ["/off/plain.txt", "200", "-", "-", "-", "-", "-", "-"]]


def test_variables_outlast_a_redirect_without_an_answer(site, client):
    """The request ends in another location, before any field is sent."""
    with socket.create_connection(("127.0.0.1", site.port)) as peer:
        peer.sendall(b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"404" in peer.recv(65536)
    assert eventually(lambda: [line for line in written(site) if line[:4] == ["/nowhere", "404", "allowed", "site"]])


def test_a_location_inherits_what_its_server_says(client):
    assert client.get("/inherits/plain.txt").field("RateLimit")


def test_an_application_is_told_the_decision_and_not_what_a_client_made_up(client):
    answer = client.request("GET", "/app/x", None, [("X-Decision-ID", "f" * 32)])
    assert answer.field("X-App-Decision") == answer.field("X-Decision-ID") != "f" * 32


BROKEN = b"POST /%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ\r\n"


@pytest.mark.parametrize("config,server,status", [
    ('routes = ( { name = "a"; limits = ( { name = "a"; scope = "ip"; rate = "1/day"; } ); } );', "sluice a;", 429),
    ('access = { deny = ( "127.0.0.1" ); }; routes = ( { name = "a"; } );', "sluice a;", 403),
    ('routes = ( { name = "a"; } );', "sluice a; sluice_when_unready closed;", 503)], ids=["denied", "deny list", "unready"])
def test_no_broken_body_leads_past_a_denial(tmp_path, config, server, status):
    """nginx answers it by the error page of a 400, which may be the application."""
    (tmp_path / "nginx").mkdir()
    store = f"shm://{tmp_path}/nowhere/file" if status == 503 else f"shm://{tmp_path}/counts"
    (tmp_path / "sluice.cfg").write_text(f'storage = {{ uri = "{store}"; }};' + config)
    with application() as (port, seen):
        server = f"""error_page 400 404 500 502 503 = @app; location / {{ {server} proxy_pass http://127.0.0.1:{port}; }}
            location @app {{ proxy_pass http://127.0.0.1:{port}; }}"""
        with ModuleSite(tmp_path / "nginx", tmp_path / "sluice.cfg", server) as site:
            with Client(site.port) as client:
                client.get("/first")
            seen.clear()
            for name in (b"secret", b"secret?q=1", b"other"):
                answer, = send_raw(site.port, BROKEN % name)
                assert (answer.status, seen) == (status, [])


def test_denials_are_in_nginxs_error_log(site, client):
    denied = [client.get("/tight/plain.txt") for _ in range(3)][-1]
    line = next(line for line in site.errors().splitlines() if denied.field("X-Decision-ID") in line)
    assert '"event":"denied","pool":"nginx"' in line and '"limit":"tight"' in line


def test_the_site_of_the_readme_limits_by_method_and_path_and_by_name(tmp_path):
    shown = block("nginx/module/README.md", "load_module ")
    assert "    sluice_config /etc/sluice/sluice.cfg;\n" in shown
    inner = shown.split("server {", 1)[1].rsplit("}", 2)[0]  # ModuleSite has what stands around it
    (tmp_path / "nginx").mkdir()
    (tmp_path / "sluice.cfg").write_text('storage = { uri = "shm://%s/counts"; };' % tmp_path +
                                         block("nginx/README.md", "routes = ("))
    with application() as (port, _), \
            ModuleSite(tmp_path / "nginx", tmp_path / "sluice.cfg", inner.replace("3000", str(port))) as site, \
            Client(site.port) as client:
        logins = [client.post("/login", {"user": "x"}) for _ in range(6)]
        assert [answer.status for answer in logins] == [200] * 5 + [429]
        assert logins[-1].detail == "Rate limit exceeded: 5 per 1 minute"
        assert client.get("/").field("RateLimit-Policy") == '"site";q=600;w=60'


# --- both forms ----------------------------------------------------------------------------------

def denied(pool):
    """Of the route `tight`, as workers tell it."""
    with Client(pool.port1) as api:
        text = api.get("/metrics").body.decode()
    found = re.search(r'^sluice_requests_total\{[^}]*route="tight"[^}]*outcome="denied"[^}]*\} (\d+)', text, re.M)
    return int(found[1]) if found else 0


def test_workers_tell_prometheus_what_nginx_has_counted(pool, client):
    before = denied(pool)
    statuses = [client.get("/tight/plain.txt").status for _ in range(5)]
    assert statuses == [200, 200, 429, 429, 429] and denied(pool) == before + 3


@pytest.fixture
def shared(tmp_path):
    """A file for what a host shares, and a config whose secrets are another user's than nginx's."""
    secret, path = tmp_path / "secret", Path(f"/dev/shm/sluice-{uuid.uuid4().hex}")
    secret.write_text("0" * 64)
    secret.chmod(0o600)
    os.chown(secret, NOBODY, NOBODY)
    (tmp_path / "sluice.cfg").write_text(
        f'storage = {{ uri = "memory://"; shared_file = "{path}"; }}; sessions = {{ secret_file = "secret"; }};' + ROUTES)
    yield path
    path.unlink(missing_ok=True)


@needs_root
def test_an_nginx_of_another_user_shares_the_memory_of_the_host(shared, tmp_path):
    """Its master opens it for whom the secrets are. nginx's workers may not read the files here: 403."""
    (tmp_path / "nginx").mkdir()
    with ModuleSite(tmp_path / "nginx", tmp_path / "sluice.cfg", "sluice auto;", user="www-data") as site, \
            Client(site.port) as client:
        assert [client.get("/plain.txt").status for _ in range(5)] == [403] * 5
        assert (shared.stat().st_uid, shared.stat().st_mode & 0o777) == (NOBODY, 0o600)
        old = set(eventually(lambda: len(site.workers()) == 2 and site.workers()))
        site.reload()
        eventually(lambda: not old & set(site.workers()))
        client.close()
        assert client.get("/plain.txt").status == 403
        assert segment.Slots(shared).requests("site", "allowed") == 6
        assert "nothing is shared" not in site.errors()


@needs_root
def test_memory_that_is_neither_nginxs_nor_the_workers_is_not_touched(shared, tmp_path):
    (tmp_path / "nginx").mkdir()
    shared.touch(0o600)
    with ModuleSite(tmp_path / "nginx", tmp_path / "sluice.cfg", "sluice auto;", user="www-data") as site, \
            Client(site.port) as client:
        assert client.get("/plain.txt").field("RateLimit")
        assert "nothing is shared with other workers" in site.errors()
    assert shared.read_bytes() == b""


# --- a config that is wrong ----------------------------------------------------------------------

def refused(tmp_path, config, server):
    """What nginx -t says of a site that it does not take."""
    path = tmp_path / "sluice.cfg"
    path.write_text(config)
    (tmp_path / "nginx").mkdir()
    site = ModuleSite(tmp_path / "nginx", path, server)
    done = subprocess.run([*site.command[:-2], "-e", "stderr", "-t"], capture_output=True, text=True,
                          env=site.environment, check=False)
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_a_gated_location_without_a_config_is_refused(tmp_path):
    (tmp_path / "nginx").mkdir()
    site = ModuleSite(tmp_path / "nginx", "/nowhere", "sluice auto;")
    conf = tmp_path / "nginx/nginx.conf"
    conf.write_text(conf.read_text().replace("sluice_config /nowhere;", ""))
    done = subprocess.run([*site.command[:-2], "-e", "stderr", "-t"], capture_output=True, text=True,
                          env=site.environment, check=False)
    assert done.returncode == 1 and f'"sluice" needs "sluice_config" in {conf}:' in done.stderr, done.stderr


def test_every_mistake_of_the_config_is_told_with_file_and_line(tmp_path):
    said = refused(tmp_path, 'routes = ( { name = "a"; match = "nowhere"; } );\nnonsense = 1;\n', "")
    assert f"sluice: {tmp_path}/sluice.cfg:1: " in said and f"sluice: {tmp_path}/sluice.cfg:2: " in said, said
    assert '"sluice_config" directive names a config that cannot be used, see above' in said


@pytest.mark.parametrize("server,message", [
    ("sluice nmaed;", 'no route is named "nmaed" in '), ("sluice auto; sluice off;", '"sluice" directive is duplicate'),
    ("sluice_fact X-Y $uri;", '"X-Y" is no name of a fact'),
    ("sluice_fact a $uri; sluice_fact b $uri; sluice_fact a $arg_a;", 'fact "a" is told twice in '), ("sluice_when_unready ajar;", 'invalid value "ajar"')])
def test_a_directive_that_makes_no_sense_is_refused(tmp_path, server, message):
    said = refused(tmp_path, 'storage = { uri = "memory://"; };' + ROUTES, server)
    assert message in said and f"{tmp_path}/nginx/nginx.conf:" in said, said


def test_a_bad_config_keeps_the_old_nginx_and_a_good_one_takes_its_place(tmp_path):
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    config.write_text('storage = { uri = "memory://"; };' + ROUTES)
    with ModuleSite(tmp_path / "nginx", config, SERVER.replace("APP", "1")) as site, Client(site.port) as client:
        before = eventually(lambda: len(site.workers()) == 2 and site.workers())
        config.write_text("nonsense = 1;")
        assert subprocess.run([*site.command, "-s", "reload"], env=site.environment, check=False).returncode == 1
        os.kill(site.process.pid, signal.SIGHUP)
        eventually(lambda: "cannot be used" in site.errors())
        assert client.get("/tight/plain.txt").field("X-RateLimit-Limit") == "2"
        assert site.workers() == before
        config.write_text('storage = { uri = "memory://"; };' + ROUTES.replace("2/day", "3/day"))
        site.reload()
        eventually(lambda: not set(site.workers()) & set(before))
        client.close()
        assert client.get("/tight/plain.txt").field("X-RateLimit-Limit") == "3"


KEYS = """
api_keys = { file = "keys"; };
sessions = { secret_file = "secret"; };
plans = ( { id = "p"; limits = ( { name = "site"; routes = ( "site" ); scope = "user"; rate = "9/day"; } ); } );
tenants = ( { id = "acme"; plan = "p"; } );
"""


def test_a_reload_takes_no_keys_and_no_secrets_away(tmp_path):
    (tmp_path / "nginx").mkdir()
    config, keys, secret = (tmp_path / name for name in ("sluice.cfg", "keys", "secret"))
    config.write_text('storage = { uri = "memory://"; };\nroutes = ( { name = "site"; match = "/*"; } );' + KEYS)
    made = subprocess.run([SLUICE, "key", "new", "-c", config, "--tenant", "acme", "--user", "alice"],
                          capture_output=True, text=True, check=True).stdout.strip()
    secret.write_text("0" * 64 + "\n")
    secret.chmod(0o600)
    with ModuleSite(tmp_path / "nginx", config, "sluice auto;") as site, Client(site.port) as client:
        def is_known():
            return client.request("GET", "/plain.txt", fields=[("X-API-Key", made)]).field("X-RateLimit-Limit") == "9"

        def refusals():
            return site.errors().count("cannot be used")
        assert is_known()
        before = eventually(lambda: len(site.workers()) == 2 and site.workers())
        for file, what in ((keys, f"{config}:3: {keys} is gone, with the API keys that are in use"),
                           (secret, f"{secret}: is gone, with the session secrets that are in use")):
            file.rename(tmp_path / "moved")
            told = refusals()
            os.kill(site.process.pid, signal.SIGHUP)
            eventually(lambda: refusals() > told)
            assert f"sluice: {what}" in site.errors() and site.workers() == before and is_known()
            (tmp_path / "moved").rename(file)
        keys.write_text("")
        keys.chmod(0o640)
        site.reload()
        eventually(lambda: not set(site.workers()) & set(before))
        client.close()
        assert not is_known()


def test_keys_that_are_not_there_yet_are_told(tmp_path):
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    config.write_text('storage = { uri = "memory://"; };\nroutes = ( { name = "site"; match = "/*"; } );' + KEYS)
    with ModuleSite(tmp_path / "nginx", config, "sluice auto;") as site:
        assert f"sluice: {config}:3: warning: {tmp_path}/keys is not there; no API key is valid" in site.errors()


@pytest.mark.parametrize("unready,status", [("open", 200), ("closed", 503)])
def test_a_worker_that_cannot_have_its_store_is_unready(tmp_path, unready, status):
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    config.write_text(f'storage = {{ uri = "shm://{tmp_path}/nowhere/file"; }};' + ROUTES)
    server = f"{WRITES} sluice auto; sluice_when_unready {unready};"
    with ModuleSite(tmp_path / "nginx", config, server, LOG) as site, Client(site.port) as client:
        answer = client.get("/plain.txt")
        assert (answer.status, answer.field("RateLimit")) == (status, None)
        if status == 503:
            assert (answer.detail, answer.field("Retry-After")) == ("Service unavailable", "1")
        assert eventually(lambda: written(site)) == [["/plain.txt", str(status), "unready", "-", "-", "-", "-", "-"]]
        assert "sluice decides nothing in this worker" in site.errors()


# --- Redis ---------------------------------------------------------------------------------------

@pytest.fixture
def remote(tmp_path):
    """A Redis of the test's own, found by name, and a site that uses it."""
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    with RedisServer() as redis:
        deadline = 100 * SLOWNESS
        config.write_text(f'storage = {{ uri = "redis://localhost:{redis.port}"; deadline_ms = {deadline}; }};' + ROUTES)
        with ModuleSite(tmp_path / "nginx", config, SERVER.replace("APP", "1")) as site:
            yield redis, site


def test_a_redis_is_found_by_its_name(remote):
    with Client(remote[1].port) as client:
        assert client.get("/must/plain.txt").field("X-RateLimit-Remaining") == "999999"


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_each_limit_says_what_becomes_of_it_while_redis_is_away(remote, fault):
    redis, site = remote
    with Client(site.port) as client:
        assert eventually(lambda: client.get("/must/plain.txt").status == 200)
        redis.process.send_signal(fault)
        for _ in range(20):
            began = time.monotonic()
            denied, allowed = client.get("/must/plain.txt"), client.get("/may/plain.txt")
            assert time.monotonic() - began < 1.0 * SLOWNESS
            assert (denied.status, denied.detail) == (503, "Rate limit store unavailable")
            assert (allowed.status, allowed.field("RateLimit")) == (200, None)
        if fault == signal.SIGSTOP:
            redis.process.send_signal(signal.SIGCONT)
        else:
            redis.process.wait()
            redis.start()
        eventually(lambda: client.get("/must/plain.txt").status == 200)
        eventually(lambda: client.get("/may/plain.txt").field("RateLimit"))


def tell(redis, *words):
    subprocess.run(["redis-cli", "-p", str(redis.port), *words], check=True, stdout=subprocess.DEVNULL)


def test_a_redis_that_becomes_a_replica_is_away_until_it_is_none(remote):
    redis, site = remote
    with Client(site.port) as client:
        assert eventually(lambda: client.get("/must/plain.txt").status == 200)
        tell(redis, "replicaof", "127.0.0.1", "1")
        for _ in range(5):
            denied, allowed = client.get("/must/plain.txt"), client.get("/may/plain.txt")
            assert (denied.status, denied.detail) == (503, "Rate limit store unavailable")
            assert (allowed.status, allowed.field("RateLimit")) == (200, None)
        tell(redis, "replicaof", "no", "one")
        eventually(lambda: client.get("/must/plain.txt").status == 200)


def test_a_redis_that_forgets_the_script_is_told_it_again_and_fails_nobody(remote):
    redis, site = remote
    with Client(site.port) as client:
        first = eventually(lambda: client.get("/must/plain.txt").field("X-RateLimit-Remaining"))
        for number in range(1, 21):
            tell(redis, "script", "flush")
            answer = client.get("/must/plain.txt")
            assert (answer.status, int(answer.field("X-RateLimit-Remaining"))) == (200, int(first) - number)


def abort(port, count):
    """Clients that ask, and are gone before there is an answer."""
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.sendall(b"GET /must/plain.txt HTTP/1.1\r\nHost: x\r\n\r\n")


def test_clients_that_go_while_they_wait_do_no_harm(remote):
    redis, site = remote
    with Client(site.port) as client:
        assert eventually(lambda: client.get("/must/plain.txt").status == 200)
        workers = site.workers()
        redis.process.send_signal(signal.SIGSTOP)
        abort(site.port, 200)
        redis.process.send_signal(signal.SIGCONT)
        abort(site.port, 200)
        eventually(lambda: client.get("/must/plain.txt").status == 200)
        assert site.workers() == workers
    assert "[alert]" not in site.errors(), site.errors()


def test_a_worker_that_exits_leaves_no_connection_to_redis(remote):
    redis, site = remote
    with Client(site.port) as client:
        assert eventually(lambda: client.get("/must/plain.txt").status == 200)
    for _ in range(3):
        before = set(site.workers())
        site.reload()
        eventually(lambda: len(site.workers()) == 2 and not before & set(site.workers()))
    words = ["redis-cli", "-p", str(redis.port), "client", "list"]
    # One of each worker, and the one that asks.
    eventually(lambda: len(subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()) == 3)
    assert "[alert]" not in site.errors(), site.errors()
