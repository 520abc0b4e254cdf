"""rediss://: a real Redis that speaks TLS alone; what of certificates is believed, and what not."""
import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
import redis

from certificates import Authority
from config_text import config_text
from fcgi import Connection, params, request
from harness import SLOWNESS, SLUICE, RedisServer, Stack, Worker, eventually
from http_client import Client
from module import ModuleSite, needs_module

IN_FLIGHT, QUOTA = 96, 80  # a batch has up to 64 decisions
RIGHTS = ("~sluice:* resetchannels -@all +evalsha +eval +script|load +time +info +mget +exists "
          "+set +setrange +select")
# In time even while the machine does something else; only refusals are looked for.
PATIENT = config_text(extra="storage = { connect_timeout_ms = 5000; deadline_ms = 5000; };")


class Pki:
    """Certificates good and bad, each (certificate, key)."""

    def __init__(self, folder):
        ca, stranger = Authority(folder), Authority(folder, "stranger")
        self.ca, self.stranger_ca = ca.cert, stranger.cert
        self.server = ca.issue("server", "DNS:localhost,IP:127.0.0.1")
        self.other = ca.issue("other", "DNS:redis.example,IP:127.0.0.2")
        self.name_only = ca.issue("name", "DNS:localhost")
        self.expired = ca.issue("expired", "DNS:localhost,IP:127.0.0.1", days=-1)
        self.client = ca.issue("client", "DNS:worker")
        self.stranger = stranger.issue("impostor", "DNS:worker")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return Pki(tmp_path_factory.mktemp("pki"))


def tls_redis(pki, pair, *arguments, clients="no"):
    return RedisServer("--tls-cert-file", str(pair[0]), "--tls-key-file", str(pair[1]),
                       "--tls-ca-cert-file", str(pki.ca), "--tls-auth-clients", clients,
                       *arguments, tls=True)


def query(ca=None, client=None):
    files = {"ca": ca, "cert": client and client[0], "key": client and client[1]}
    return "?" + "&".join(f"{name}={path}" for name, path in files.items() if path)


def store_status(worker):
    with Connection(worker.socket) as connection:
        connection.send(request())
        return connection.read_answer().json["store"]["status"]


def reason(worker):
    """Why the store is down, as the log says once."""
    lines = [json.loads(line) for line in worker.log.read_text().splitlines()]
    reasons = [line["reason"] for line in lines if line.get("reason")]
    return reasons[0] if reasons else None


@pytest.fixture(scope="module")
def secured(pki):
    """Workers with a client certificate, as a user with a password who may do little."""
    with tls_redis(pki, pki.server, "--user", "sluice", "on", ">s3cret/pw", *RIGHTS.split(),
                   clients="yes") as server:
        uri = (f"rediss://sluice:s3cret%2Fpw@localhost:{server.port}/3"
               + query(pki.ca, pki.client))
        with Stack(config_text({"globex": f"{QUOTA}/10 minutes"}),
                   RATE_LIMIT_STORAGE_URI=uri) as running:
            running.server = server
            yield running


def test_a_walk_over_tls_is_exact_and_tells_no_secret(secured):
    with Client(secured.port1) as one, Client(secured.port2) as two:
        answer = one.get()
        assert answer.json["store"] == {"status": "up"}
        assert answer.json["storage"] == f"rediss://sluice:***@localhost:{secured.server.port}/3"
        session = one.open_session("acme")
        answers = [client.chat("acme", session) for client in [one, two] * 4]
        assert [answer.json["message_number"] for answer in answers] == list(range(1, 9))
        denied = one.chat("acme", session)
        assert (denied.status, denied.detail) == (429, "Rate limit exceeded: 8 per 10 seconds")
    for text in secured.logs().values():
        assert "s3cret" not in text and ".key" not in text


def chat_request(tenant, session, message):
    body = json.dumps({"tenant_id": tenant, "session_id": session, "message": message}).encode()
    fields = [(b"CONTENT_TYPE", b"application/json"), (b"HTTP_X_TENANT_ID", tenant.encode()),
              (b"HTTP_X_SESSION_ID", session.encode())]
    return request(params("POST", "/chat", body=body, fields=fields), body)


def test_many_in_flight_at_one_worker_each_get_their_own_answer(secured):
    with Client(secured.port1) as client:
        session = client.open_session("globex")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(Connection(secured.sockets()[0]))
                       for _ in range(IN_FLIGHT)]
        for number, connection in enumerate(connections):
            connection.send(chat_request("globex", session, f"m{number}"))
        answers = [connection.read_answer() for connection in connections]
    replies = [(number, answer.json["reply"]) for number, answer in enumerate(answers)
               if answer.status == 200]
    assert replies == [(number, f"m{number}") for number, _ in replies]
    counts = sorted(answer.json["message_number"] for answer in answers if answer.status == 200)
    assert counts == list(range(1, QUOTA + 1))
    assert [answer.status for answer in answers].count(429) == IN_FLIGHT - QUOTA


def test_killed_redis_is_found_again(secured):
    def stores():
        return {Client(port).get().json["store"]["status"] for port in secured.ports * 3}
    with Client(secured.port1) as client:
        session = client.open_session("acme")
        assert client.chat("acme", session).status == 200
        secured.server.kill()
        answer = client.chat("acme", session)
        assert (answer.status, answer.detail) == (503, "Rate limit store unavailable")
        eventually(lambda: stores() == {"down"})
        secured.server.start()
        eventually(lambda: stores() == {"up"}, within=10 * SLOWNESS)
        assert client.chat("acme", session).json["message_number"] == 1  # it kept no file


def test_a_connection_lost_while_nobody_needs_it_is_no_alarm(pki):
    with tls_redis(pki, pki.server) as server, \
            redis.Redis(port=server.port, ssl=True, ssl_ca_certs=str(pki.ca)) as client, \
            Worker(f"rediss://localhost:{server.port}" + query(pki.ca), PATIENT) as worker:
        assert store_status(worker) == "up"
        for _ in range(5):
            client.client_kill_filter(_type="normal", skipme=True)
            # A question that is under way when it breaks would be refused: so let the worker see it first.
            eventually(lambda: len(client.client_list(_type="normal")) == 2)
            assert store_status(worker) == "up"
        assert "store is down" not in worker.log.read_text()


# Which server, under which host, trusted by whom, and what the log says of it.
REFUSED = {
    "wrong name": ("other", "localhost", "ca", "certificate for localhost: hostname mismatch"),
    "wrong address": ("other", "127.0.0.1", "ca",
                      "certificate for 127.0.0.1: IP address mismatch"),
    "name but no address": ("name_only", "127.0.0.1", "ca",
                            "certificate for 127.0.0.1: IP address mismatch"),
    "unknown CA": ("server", "localhost", "stranger_ca",
                   "certificate for localhost: self-signed certificate in certificate chain"),
    "not of the system": ("server", "localhost", None,
                          "certificate for localhost: self-signed certificate in"),
    "expired": ("expired", "localhost", "ca",
                "certificate for localhost: certificate has expired"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_certificate_that_is_not_good_is_an_outage_that_says_why(pki, case):
    pair, host, trusted, why = REFUSED[case]
    with tls_redis(pki, getattr(pki, pair)) as server:
        uri = f"rediss://{host}:{server.port}" + query(trusted and getattr(pki, trusted))
        with Worker(uri, PATIENT) as worker:
            assert store_status(worker) == "down"
            assert f"TLS: {why}" in reason(worker)


@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_name_or_address_in_the_certificate_is_accepted(pki, host, protocols):
    with tls_redis(pki, pki.server, "--tls-protocols", protocols) as server:
        with Worker(f"rediss://{host}:{server.port}" + query(pki.ca), PATIENT) as worker:
            assert store_status(worker) == "up"


def test_without_a_ca_the_system_is_trusted(pki):
    with tls_redis(pki, pki.server) as server:
        uri = f"rediss://localhost:{server.port}"
        with Worker(uri, PATIENT, SSL_CERT_FILE=str(pki.ca)) as worker:
            assert store_status(worker) == "up"


@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
def test_client_certificate_is_asked_for_and_checked(pki, protocols):
    with tls_redis(pki, pki.server, "--tls-protocols", protocols, clients="yes") as server:
        uri = f"rediss://localhost:{server.port}"
        with Worker(uri + query(pki.ca, pki.client), PATIENT) as worker:
            assert store_status(worker) == "up"
        for client, why in ((None, "Redis wants a client certificate"),
                            (pki.stranger, "Redis refuses: tlsv1 alert unknown ca")):
            with Worker(uri + query(pki.ca, client), PATIENT) as worker:
                assert store_status(worker) == "down"
                if client or protocols == "TLSv1.3":
                    assert f"TLS: {why}" in reason(worker)
                else:  # older: no word for it
                    assert "TLS: Redis refuses: sslv3 alert handshake failure" in reason(worker)


@pytest.mark.parametrize("kind,reasons", [
    ("tls to plain", ("localhost: TLS handshake timed out", "TLS handshake timed out",
                      "TLS: Redis does not speak it at this port")),
    ("plain to tls", ("closed by Redis", "protocol error", "Connection reset by peer"))])
def test_the_wrong_scheme_fails_within_the_connect_timeout(pki, kind, reasons):
    timeout = 0.3
    config = config_text(extra="storage = { connect_timeout_ms = 300; deadline_ms = 300; };")
    with RedisServer() if kind == "tls to plain" else tls_redis(pki, pki.server) as server:
        uri = (f"rediss://localhost:{server.port}{query(pki.ca)}" if kind == "tls to plain"
               else f"redis://localhost:{server.port}")
        start = time.monotonic()
        with Worker(uri, config) as worker:
            assert store_status(worker) == "down"
            eventually(lambda: reason(worker))
            # Two addresses of localhost, of which nothing listens at ::1.
            assert time.monotonic() - start <= 2 * timeout + 1 * SLOWNESS
            assert reason(worker).split("; ")[-1] in reasons
            for _ in range(5):
                began = time.monotonic()
                assert store_status(worker) == "down"
                assert time.monotonic() - began <= timeout * SLOWNESS


@contextlib.contextmanager
def name_listener(pki):
    """A TLS server that is no Redis: yields its port, and the names that clients asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.server)
    names = []
    context.sni_callback = lambda connection, name, context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = listener.accept()
                    with peer, contextlib.suppress(OSError):
                        context.wrap_socket(peer, server_side=True).close()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], names
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_name_is_sent_to_the_server_and_an_address_is_not(pki):
    for host, expected in (("localhost", "localhost"), ("127.0.0.1", None)):
        with name_listener(pki) as (port, names):
            with Worker(f"rediss://{host}:{port}{query(pki.ca)}", PATIENT) as worker:
                eventually(lambda: names)
                assert store_status(worker) == "down"
                assert set(names) == {expected}


def sluice(*arguments, uri):
    return subprocess.run([SLUICE, *map(str, arguments)],
                          env={"RATE_LIMIT_STORAGE_URI": uri}, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)


def test_operator_comes_the_same_way(secured, pki):
    uri = secured.settings["RATE_LIMIT_STORAGE_URI"]
    done = sluice("peek", "-c", secured.config, "--ip", "127.0.0.1", uri=uri)
    assert (done.returncode, done.stderr) == (0, "") and "remaining" in done.stdout
    done = sluice("peek", "-c", secured.config, "--ip", "127.0.0.1",
                  uri=uri.replace("localhost", "127.0.0.2"))
    assert done.returncode == 1 and "s3cret" not in done.stderr


def test_a_file_that_cannot_be_used_is_a_mistake_in_the_config(pki, tmp_path):
    config = tmp_path / "sluice.cfg"
    config.write_text(config_text())
    rubbish, none = tmp_path / "rubbish.pem", tmp_path / "none.pem"
    rubbish.write_text("rubbish\n")
    cert, key = pki.client
    foreign = pki.stranger[1]
    for files, complaint in (
            (f"ca={none}", f"{none}: No such file or directory"),
            (f"ca={tmp_path}", f"{tmp_path}: is not a regular file"),
            (f"ca={rubbish}", f"{rubbish}: has no certificate in PEM"),
            (f"cert={rubbish}&key={key}", f"{rubbish}: has no certificate in PEM, or one too weak"),
            (f"cert={cert}&key={foreign}",
             f"{foreign}: has no key of {cert} in PEM, or one with a passphrase")):
        done = sluice("check", config, uri=f"rediss://:s3cret@localhost?{files}")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"RATE_LIMIT_STORAGE_URI: {complaint}\n"


@needs_module
def test_nginx_itself_asks_by_tls_and_as_a_user_with_rights(pki, tmp_path):
    (tmp_path / "nginx").mkdir()
    config = tmp_path / "sluice.cfg"
    with tls_redis(pki, pki.server, "--user", "sluice", "on", ">s3cret", *RIGHTS.split()) as store:
        config.write_text(f"""
storage = {{ uri = "rediss://sluice:s3cret@localhost:{store.port}/0{query(pki.ca)}"; connect_timeout_ms = 5000; deadline_ms = 5000; }};
routes = ( {{ name = "site"; match = "/*"; limits = ( {{ name = "site"; scope = "ip"; rate = "2/hour"; on_store_error = "deny"; }} ); }} );
""")
        with ModuleSite(tmp_path / "nginx", config, "sluice auto;") as site, Client(site.port) as client:
            assert [client.get("/plain.txt").status for _ in range(3)] == [200, 200, 429]
