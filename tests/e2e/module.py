"""An nginx with Sluice's module: the gate's second form, of the same config and the same counts."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from gate import SNIPPETS, Nginx, Site
from harness import REPORTS, ROOT, PRESET, SANITIZED

MODULE = ROOT / "build" / PRESET / "ngx_http_sluice_module.so"
needs_module = pytest.mark.skipif(not MODULE.exists(), reason="nginx-dev is missing: the module is not built")
FROM_WORKER = ("RATE_LIMIT_STORAGE_URI", "SLUICE_SECRET_FILE")


def environment_of(pool):
    """What workers of a stack are told besides their config, and so nginx."""
    worker = min(pool.workers("api1"))
    told = dict(entry.split("=", 1) for entry in Path(f"/proc/{worker}/environ").read_text().split("\0") if entry)
    return {name: told[name] for name in FROM_WORKER if name in told}


def directives(server):
    """A server of the gate's snippets as the module's directives say it."""
    server = re.sub(r"include sluice_(server|fields|denied)\.conf;", "", server)
    server = server.replace("set $sluice_on_failure closed;", "sluice_when_unready closed;")
    server = re.sub(r"set \$sluice_fact_(\w+) (\S+);", r"sluice_fact \1 \2;", server)
    server = re.sub(r"set \$sluice_route (\w+);([^}]*?)include sluice_gate\.conf;", r"sluice \1;\2", server)
    server = server.replace("include sluice_cors.conf;", f"include {SNIPPETS}/sluice_cors.conf;")
    return server.replace("include sluice_gate.conf;", "sluice auto;")


def sanitized(folder):
    """What makes an nginx that is built without sanitizers one with: their library has to be there first. nginx's
    own memory, of which it leaves some behind, is not looked at."""
    files = [subprocess.run(["g++", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
             .stdout.strip() for name in ("libasan.so", "libstdc++.so.6")]
    (folder / "suppressed").write_text("leak:ngx_alloc\nleak:ngx_memalign\n")
    return {"LD_PRELOAD": " ".join(files), "LSAN_OPTIONS": f"suppressions={folder}/suppressed:print_suppressions=0"}


class ModuleSite(Nginx):
    """nginx with the module. `config` is a file, `told` what the environment says besides."""

    def __init__(self, folder, config, server, http="", told=None, main="", user="root"):
        super().__init__(folder, server, f"sluice_config {config};\n{http}", f"load_module {MODULE};\n{main}", user)
        self.environment = {**os.environ, **(told or {})}
        if SANITIZED:
            self.environment |= sanitized(self.folder)

    def __exit__(self, *_):
        super().__exit__()
        for report in REPORTS:
            assert report not in self.errors(), self.errors()[-6000:]

    def kept(self):
        return []


FORMS = ["snippets", pytest.param("module", marks=needs_module)]


def gated(form, folder, pool, server, http=""):
    """A site of the gate's snippets, or the same by the module's directives."""
    if form == "module":
        if "sluice_cors.conf" in server:
            http = f"include {SNIPPETS}/sluice_http.conf;\n{http}"
        return ModuleSite(folder, pool.config, directives(server), directives(http), environment_of(pool))
    return Site(folder, pool.sockets("api1"), server, http)
