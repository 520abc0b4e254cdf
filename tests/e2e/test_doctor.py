"""sluice doctor, on what the real nginx prints of its config."""
import os
import subprocess
from pathlib import Path

import pytest

from gate import NGINX, Site
from harness import RedisServer, SLUICE

CONFIG = """
defaults = ( { name = "all"; routes = ( "*" ); scope = "ip"; rate = "1000/day"; } );
routes = ( { name = "site"; match = "/*"; }, { name = "named"; } );
"""

HTTP = """
    real_ip_header X-Forwarded-For; set_real_ip_from 10.0.0.0/8;
    map $remote_user $sluice_plan { default free; }
"""

SERVER = """
    error_page 404 /gone.html;
    include sluice_server.conf;
    include sluice_error_answers.conf;
    location / { include sluice_gate.conf; try_files $uri $uri/ =404; }
    location /app/ { set $sluice_route named; set $sluice_fact_user $ssl_client_s_dn;
                     include sluice_gate.conf; proxy_pass http://127.0.0.1:1; }
    location /own/ { add_header X-Own 1 always; error_page 404 /index.html; include sluice_gate.conf;
                     include sluice_fields.conf; include sluice_denied.conf; proxy_pass http://127.0.0.1:1; }
    location /api/ { rewrite ^/api(/.*)$ $1 break; include sluice_error_pages.conf; include sluice_params;
                     include sluice_location.conf; fastcgi_pass sluice; }
    location /php/ { fastcgi_pass unix:/run/php.sock; fastcgi_intercept_errors on; }
"""

BY_HAND = """location /hand/ { set $sluice_uri $uri; auth_request /_sluice/gate; auth_request_set $SET 1; root html; }
    location /php/"""

# What is edited where, and a part of the line that must be said of it.
BROKEN = [
    ("nginx.conf", "10.0.0.0/8", "0.0.0.0/0", "set_real_ip_from 0.0.0.0/0: every client can"),
    ("nginx.conf", "set_real_ip_from 10.0.0.0/8;", "", "real_ip_header X-Forwarded-For: does nothing"),
    ("sluice_params", "$remote_addr;", "$http_x_real_ip;", "REMOTE_ADDR $http_x_real_ip: a client can"),
    ("nginx.conf", "include sluice_params;", "", "fastcgi_pass sluice: REMOTE_ADDR is not passed"),
    ("nginx.conf", "include sluice_http.conf;", "include sluice_http.conf; underscores_in_headers on;",
     "underscores_in_headers on: "),
    ("nginx.conf", "fastcgi_pass sluice;", "fastcgi_pass unix:SOCKET;", "no connection is kept, as this"),
    ("sluice_http.conf", "keepalive 64;", "", "upstream sluice: no connection is kept; add keepalive 64"),
    ("sluice_http.conf", "keepalive 64;", "keepalive 64; ip_hash;", "ip_hash: keepalive before it"),
    ("sluice_location.conf", "fastcgi_keep_conn on;", "", "fastcgi_pass sluice: each connection is closed"),
    ("sluice_location.conf", "intercept_errors off", "intercept_errors on", "nginx's own pages replace"),
    ("sluice_location.conf", "request_buffering on", "request_buffering off", "sends its body slowly"),
    ("nginx.conf", "location /php/", BY_HAND.replace("SET", "sluice_denied"),
     "location /hand/: each internal redirect is charged once more"),
    ("nginx.conf", "location /php/", BY_HAND.replace("SET", "sluice_asked_before"),
     "location /hand/: a denial has lost its status"),
    ("nginx.conf", "try_files $uri $uri/ =404;", "location /in/ { root html; }", "location /in/: the gate is not told"),
    ("nginx.conf", "include sluice_denied.conf;", "", "location /own/: a denial is a bare 401"),
    ("nginx.conf", "set $sluice_route named", "set $sluice_route nmaed", "set $sluice_route nmaed: Sluice's"),
]

WARNED = [
    ("sluice_http.conf", " max_fails=0", "", "nginx takes it off its list"),
    ("sluice_http.conf", "keepalive 64;", "server 192.0.2.1:9000 max_fails=0; keepalive 64;",
     "server 192.0.2.1:9000 max_fails=0: whoever reaches"),
    ("sluice_http.conf", "keepalive 64;", "server unix:/nowhere max_fails=0; keepalive 64;", "no such socket"),
    ("nginx.conf", "include sluice_fields.conf;", "", "location /own/: its add_header replaces"),
    ("nginx.conf", "error_page 404 /index.html", "error_page 401 404 /index.html", "in the place of Sluice's"),
    ("nginx.conf", "proxy_pass http", "proxy_intercept_errors on; error_page 429 /index.html; "
     "include sluice_denied.conf; proxy_pass http", "error_page 429 replaces"),
    ("nginx.conf", "$ssl_client_s_dn", "$http_x_user", "set $sluice_fact_user $http_x_user: any client"),
]


def ids(rows):
    return [row[3].split(": ")[-1] for row in rows]


def printed(folder, text="nginx.conf", errors="error.log"):
    done = subprocess.run([NGINX, "-T", "-p", str(folder), "-c", text, "-e", errors],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def doctor(*arguments, dump="", uri="memory://", **environment):
    """(exit code, output, errors)"""
    done = subprocess.run([SLUICE, "doctor", *map(str, arguments)], input=dump, text=True,
                          env={**os.environ, "RATE_LIMIT_STORAGE_URI": uri, **environment},
                          capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


class Ward:
    """A site that does not run, its config, and what the doctor says of them."""

    def __init__(self, folder, sockets):
        self.site = Site(folder, sockets, SERVER, HTTP)
        self.sockets = sockets
        self.config = folder / "sluice.cfg"
        self.config.write_text(CONFIG)

    def edit(self, name, old, new):
        """The first `old` of the file replaced."""
        path = self.site.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new.replace("SOCKET", str(self.sockets[0])), 1))

    def ask(self, *flags, **options):
        return doctor("-c", self.config, *flags, "-", dump=printed(self.site.folder), **options)


@pytest.fixture
def ward(stack, tmp_path):
    return Ward(tmp_path, stack.sockets("api1"))


def test_what_is_shipped_has_no_findings(ward):
    code, output, errors = ward.ask("--strict")
    assert (code, errors) == (0, "")
    assert output == f"{ward.site.folder}/nginx.conf: ok, 3 gated locations, 3 passes to workers\n"


def test_the_nginx_of_dev_has_no_findings(stack):
    dump = printed(stack.run_dir, errors=str(stack.run_dir / "log/nginx.log"))
    code, output, errors = doctor("--strict", "-", dump=dump)
    assert (code, errors) == (0, ""), output
    assert output.endswith("nginx.conf: ok, 0 gated locations, 2 passes to workers\n")


@pytest.mark.parametrize("name,old,new,said", BROKEN, ids=ids(BROKEN))
def test_each_broken_line_is_found(ward, name, old, new, said):
    ward.edit(name, old, new)
    code, output, errors = ward.ask()
    assert (code, errors) == (1, ""), output
    lines = [line for line in output.splitlines() if said in line]
    assert lines and "warning: " not in lines[0], output
    path, line, _ = lines[0].split(":", 2)
    blamed = said.split(" ")[0].rstrip(":") if ": " in said else ""
    assert blamed in Path(path).read_text().splitlines()[int(line) - 1]


@pytest.mark.parametrize("name,old,new,said", WARNED, ids=ids(WARNED))
def test_what_cannot_be_judged_is_a_warning(ward, name, old, new, said):
    ward.edit(name, old, new)
    code, output, errors = ward.ask()
    assert (code, errors) == (0, ""), output
    assert any(said in line and ": warning: " in line for line in output.splitlines()), output
    assert ward.ask("--strict")[0] == 1


def test_a_socket_that_everybody_can_write_to_is_found(ward):
    socket = ward.sockets[0]
    mode = socket.stat().st_mode
    socket.chmod(0o666)
    try:
        code, output, _ = ward.ask()
    finally:
        socket.chmod(mode)
    assert code == 1 and f"server unix:{socket}" in output and "chmod o-w" in output


def test_both_ways_to_trust_a_proxy_at_once_are_found(ward):
    ward.config.write_text(CONFIG + 'client_address = { trusted_proxies = ( "10.0.0.0/8" ); };')
    code, output, _ = ward.ask()
    assert code == 1 and "set_real_ip_from 10.0.0.0/8: Sluice's config has" in output


def test_a_redis_that_throws_counts_out_is_found(ward):
    with RedisServer("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru") as server:
        uri = f"redis://127.0.0.1:{server.port}"
        code, output, _ = ward.ask(uri=uri)
        assert code == 1
        assert output.startswith(f"{ward.config}: {uri}") and "maxmemory-policy allkeys-lru" in output
        server.kill()
        code, output, _ = ward.ask(uri=uri)
    assert code == 0 and f"{ward.config}: warning: {uri}" in output and "refused" in output


def test_without_a_file_it_runs_nginx_itself(ward, tmp_path):
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin/nginx"
    fake.write_text(f'#!/bin/sh\nexec {NGINX} "$@" -p {ward.site.folder} -c nginx.conf -e error.log\n')
    fake.chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    code, output, errors = doctor("--strict", PATH=path)
    assert (code, errors) == (0, "") and "3 gated locations" in output
    ward.edit("nginx.conf", "listen", "lsiten")
    code, output, errors = doctor(PATH=path)
    assert (code, output) == (2, "")
    assert errors.startswith("nginx -T: ") and "nginx -T | sluice doctor -" in errors


def test_what_cannot_be_read_is_told_with_exit_code_2(ward, tmp_path):
    half = tmp_path / "half"
    half.write_text(f"# configuration file {tmp_path}/nginx.conf:\nhttp {{\n")
    for arguments, said in ((("/nowhere",), "/nowhere: No such file or directory\n"),
                            ((tmp_path,), f"{tmp_path}: Is a directory\n"),
                            (("-",), "standard input: no line is "),
                            ((half,), f"{tmp_path}/nginx.conf:1: no brace closes this block\n"),
                            (("-c", "/nowhere", "-"), "/nowhere: "), (("--what",), "")):
        code, output, errors = doctor(*arguments)
        assert (code, output) == (2, "") and said in errors, errors
