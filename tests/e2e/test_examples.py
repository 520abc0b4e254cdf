"""nginx/examples: each site and its limits as they are, every command of their README, and what it prints."""
import contextlib
import json
import re
import shutil
import socket
import types

import pytest

from gate import PATIENT, Site, program
from harness import ROOT, SLUICE, Stack, eventually, free_port
from http_client import Client
from php import php
from readme import blocks_of, shell
from test_doctor import doctor, printed
from websocket import TEXT, WebSocket

# What is tried here is nginx with our snippets; workers run under the sanitizers in test_gate.
pytestmark = pytest.mark.outside_worker

FOLDER = ROOT / "nginx/examples"
APPLICATIONS = {"stock-quotes": ("python3", FOLDER / "app.py"), "items": ("python3", FOLDER / "app.py"),
                "websocket": ("node", FOLDER / "websocket/echo.mjs"), "llm": ("node", FOLDER / "llm/tokens.mjs")}
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/site.conf"))
INSTALLED = "/usr/share/sluice/nginx/"
# What the doctor cannot judge, as the README says.
WARNINGS = {"items": "warning: set $sluice_fact_user $items_user: any client can say so"}


@pytest.fixture(scope="module")
def stack():
    with Stack(PATIENT + '\n@include "tenants.cfg"\n') as running:
        yield running


def in_place_of(text, here):
    """All at once: what one puts there, as a port, may look like another."""
    return re.sub("|".join(map(re.escape, here)), lambda found: str(here[found[0]]), text)


@contextlib.contextmanager
def application_of(name, site, port):
    """What stands behind the example, whose nginx listens at `port`, runs: its port, or None."""
    if name in APPLICATIONS:
        with program(*APPLICATIONS[name], SLUICE=f"http://127.0.0.1:{port}") as running:
            yield running.port
    else:
        with php(site / "php.sock") if name == "wordpress" else contextlib.nullcontext():
            yield None


@pytest.fixture(params=NAMES)
def example(request, stack, tmp_path):
    """The example in an nginx; its paths and ports are the test's, all else is as it stands in the folder."""
    name = request.param
    keys, files, port = stack.base / "keys", tmp_path / "files", free_port()
    limits = (FOLDER / name / "limits.cfg").read_text().replace("/var/lib/sluice/keys", str(keys))
    keys.unlink(missing_ok=True)
    (stack.conf / "tenants.cfg").write_text(limits)
    done = stack.dev("reload")
    assert done.returncode == 0, done.output
    stack.refill()
    files.mkdir()
    for page in ("index.php", "wp-login.php", "xmlrpc.php", "style.css"):  # of WordPress
        (files / page).write_text("")
    (tmp_path / "site").mkdir()
    with application_of(name, tmp_path, port) as behind:
        text = (FOLDER / name / "site.conf").read_text()
        here = {"8080": f"127.0.0.1:{port}", INSTALLED: "", "/srv/downloads": str(files), "3000": str(behind),
                "/var/www/wordpress": str(files), "/run/php/php-fpm.sock": str(tmp_path / "php.sock")}
        text = in_place_of(text, here)
        text = re.sub("include sluice_http.conf;.*", "", text)  # Site has it
        shutil.copy("/etc/nginx/fastcgi_params", tmp_path / "site")
        with Site(tmp_path / "site", stack.sockets("api1"), "", text) as site:
            yield types.SimpleNamespace(name=name, site=site, port=port, files=files)


def section(name):
    """Of the README: pairs of commands and what they print."""
    parts = (FOLDER / "README.md").read_text().split("\n## ")[1:]
    text, = [part for part in parts if part.split("\n")[0].lower().replace(" ", "-") == name]
    found = []
    for block in blocks_of(text):
        if re.match("curl |mkdir |[A-Z]+=", block):
            found.append([block, ""])
        else:
            found[-1][1] = block
    return found


def settled(text):
    """Without what the clock decides, and the width of uniq's column."""
    return [re.sub(r"\bt=\d+", "t=N", line.strip()) for line in text.replace("\r", "").splitlines()]


def test_each_folder_is_in_the_readme():
    text = (FOLDER / "README.md").read_text()
    assert re.findall(r"^\| \[`(\S+)/`\]", text, re.MULTILINE) == [
        "stock-quotes", "items", "downloads", "websocket", "wordpress", "llm"]
    assert sorted(part.split("\n")[0].lower().replace(" ", "-") for part in text.split("\n## ")[1:]) == NAMES


def test_what_its_commands_print_is_what_the_readme_shows(example, stack):
    pairs = section(example.name)
    environment = " ".join(f"{name}='{value}'" for name, value in stack.environment.items()
                           if name in ("RUN_DIR", "CONFIG", "PORT1", "PORT2", "PRESET", "WORKERS"))
    here = {"runuser -u sluice -- sluice": SLUICE, "--user alice)": "--user alice 2>/dev/null)", "/etc/sluice/sluice.cfg": str(stack.config),
            "systemctl reload 'sluice@*.service'": f"env {environment} {ROOT}/dev reload >/dev/null",
            "/srv/downloads": str(example.files), "8080": str(example.port)}
    said = shell(*[in_place_of(command, here) for command, _ in pairs], check=False)
    assert len(said) == len(pairs), said
    for (command, shown), ours in zip(pairs, said):
        assert settled(ours) == settled(shown), command


def test_doctor_finds_nothing_wrong_with_it(example, stack):
    code, output, errors = doctor("-c", stack.config, "-", dump=printed(example.site.folder))
    assert (code, errors) == (0, ""), output
    *warnings, _ = output.splitlines()
    assert len(warnings) == (example.name in WARNINGS), output
    assert all(WARNINGS[example.name] in line for line in warnings)


# --- what the README says beside its commands --------------------------------------------------------

@pytest.mark.parametrize("example", ["websocket"], indirect=True)
def test_what_is_said_on_a_websocket_is_free(example):
    with WebSocket(example.port, "/") as peer:
        for number in range(100):
            peer.send(TEXT, b"%d" % number)
            assert peer.receive() == (TEXT, b"%d" % number)
        statuses = []
        for _ in range(5):
            with WebSocket(example.port, "/") as other:
                statuses.append(other.answer.status)
        assert statuses == [101] * 4 + [429]
        peer.send(TEXT, b"still here")
        assert peer.receive() == (TEXT, b"still here")


def counted(client, name):
    """Units of the limit that are used, those that are reserved among them, and these."""
    limit, = [limit for limit in json.loads(client.get("/limits").body)["limits"] if limit["name"] == name]
    return limit["used"], limit["reserved"]


@pytest.mark.parametrize("example", ["llm"], indirect=True)
def test_an_answer_costs_the_tokens_that_it_has(example):
    with Client(example.port) as client:
        used = 0
        for fields, tokens in ([("X-Max-Tokens", "37")], 37), ((), 200), ([("X-Max-Tokens", "")], 200), \
                ([("X-Max-Tokens", "1000")], 400):
            answer = client.request("POST", "/v1/completions", b"{}", fields)
            used += tokens
            assert answer.body.count(b'"token"') == tokens
            assert counted(client, "tokens") == (used, 0)
        for wrong in (["9"], ["1001"], ["-1"], ["x"], ["10", "1000"]):
            fields = [("X-Max-Tokens", value) for value in wrong]
            assert client.request("POST", "/v1/completions", b"{}", fields).status == 400


@pytest.mark.parametrize("example", ["llm"], indirect=True)
def test_who_leaves_pays_for_what_was_sent(example):
    with socket.create_connection(("127.0.0.1", example.port)) as leaver:
        leaver.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nX-Max-Tokens: 400\r\nContent-Length: 0\r\n\r\n")
        received = b""
        while b"word3 " not in received:
            received += leaver.recv(4096)
    with Client(example.port) as client:
        eventually(lambda: counted(client, "tokens")[1] == 0)
        assert 3 <= counted(client, "tokens")[0] < 400


@pytest.mark.parametrize("example", ["wordpress"], indirect=True)
def test_a_page_is_one_charge_and_its_pictures_are_free(example):
    with Client(example.port) as client:
        for path, body in (("/", b"index.php /"), ("/2026/hello?x=1", b"index.php /2026/hello?x=1"),
                           ("/wp-admin/", b"index.php /wp-admin/"), ("/index.php", b"index.php /index.php")):
            page = client.get(path)
            assert page.status == 200 and page.body.endswith(body), page
        assert page.field("X-RateLimit-Remaining") == "596"
        assert client.get("/style.css").field("RateLimit") is None
        for path in ("/wp-login.php", "//wp-login.php", "/./wp-login.php", "/wp%2dlogin.php", "/wp-login.php?a=b"):
            assert client.request("POST", path, b"x").status == 200
        assert client.request("POST", "/wp-login.php", b"x").status == 429
        assert client.request("POST", "/wp-login.php/x", b"x").body.endswith(b"index.php /wp-login.php/x")


@pytest.mark.parametrize("example", ["downloads"], indirect=True)
def test_a_download_costs_the_bytes_that_were_sent(example):
    (example.files / "tools.zip").write_bytes(bytes(3_500_000))
    (example.files / "index.html").write_text("hello")
    with Client(example.port) as client:
        missing = len(client.get("/nowhere.zip").body)
        used = counted(client, "bytes")[0]
        assert used == missing
        # post_action holds the connection: what is asked next comes after it.
        for method, path, fields, status, cost in (
                ("GET", "/tools.zip", (), 200, 3_500_000), ("HEAD", "/tools.zip", (), 200, 0),
                ("GET", "/tools.zip", [("Range", "bytes=0-0")], 206, 1),
                ("GET", "/tools.zip", [("Range", "bytes=0-999998")], 206, 999_999),
                ("GET", "/nowhere.zip", (), 404, missing), ("GET", "/", (), 200, 5)):
            answer = client.request(method, path, None, fields)
            used += cost
            assert (answer.status, *counted(client, "bytes")) == (status, used, 0), (method, path)


@pytest.mark.parametrize("example", ["stock-quotes"], indirect=True)
def test_a_false_key_is_refused_and_counted(example):
    with Client(example.port) as client:
        answers = [client.request("GET", "/quotes/ACME", None, [("X-API-Key", "slk_" + "A" * 43)]).status
                   for _ in range(31)]
    assert answers == [401] * 30 + [429]
