"""The gate, as the README files show it."""
import re

import pytest

from gate import Site, application
from harness import Stack
from http_client import Client
from readme import block

pytestmark = pytest.mark.outside_worker

INSTALLED = "/usr/share/sluice/nginx/"


@pytest.mark.parametrize("file", ["README.md", "nginx/README.md"])
def test_the_routes_of_a_readme_limit_a_site_by_three_lines(file, tmp_path):
    shown = block("nginx/README.md", "http {")
    assert re.findall(rf"include {INSTALLED}(\S+);", shown) == [
        "sluice_http.conf", "sluice_server.conf", "sluice_gate.conf"]
    inner = shown.split("server {", 1)[1].rsplit("}", 2)[0]  # Site has what stands around it
    with Stack(block(file, "routes = (")) as stack, application() as (port, seen):
        server = inner.replace(INSTALLED, "").replace("3000", str(port))
        with Site(tmp_path, stack.sockets("api1"), server) as site, Client(site.port) as client:
            logins = [client.post("/login", {"user": "x"}) for _ in range(6)]
            assert [answer.status for answer in logins] == [200] * 5 + [429]
            assert logins[-1].detail == "Rate limit exceeded: 5 per 1 minute"
            assert client.get("/login").status == 200
            assert [asked[:2] for asked in seen] == [("POST", "/login")] * 5 + [("GET", "/login")]
