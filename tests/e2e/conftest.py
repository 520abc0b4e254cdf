import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from config_text import config_text
from harness import Stack
from http_client import Client

# A shell has ignore these whatever it starts in the background, and what the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


# The files that take longest begin first, so that none of them is left alone at the end.
LONG = ["shield", "dev_copies", "examples", "keep", "supervision", "dev_commands", "concurrency", "body_streams",
        "gate_restarts", "dev_script", "attacks", "stuck_workers", "kernel_refusals", "gate", "reload", "module_load",
        "nginx", "parity", "gate_beside_api", "settle"]
RANKS = {f"test_{name}": rank for rank, name in enumerate(LONG)}


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: RANKS.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def stack():
    """The stack that most tests share; it has the shipped config."""
    with Stack() as running:
        yield running


@pytest.fixture(scope="module")
def pool(request):
    """A stack of the module's own, with its CONFIG."""
    with Stack(request.module.CONFIG) as running:
        yield running


@pytest.fixture
def fresh(stack):
    """The shared stack with every quota full."""
    stack.refill()
    return stack


@pytest.fixture
def api1(fresh):
    with Client(fresh.port1) as client:
        yield client


@pytest.fixture
def api2(fresh):
    with Client(fresh.port2) as client:
        yield client


@pytest.fixture
def client(site, pool):
    """Of the module's own `site`, with all quotas of its pool full."""
    pool.refill()
    with Client(site.port) as client:
        yield client


@pytest.fixture
def folder():
    """A folder with a config that needs no Redis; its path is short enough for sockets."""
    path = Path(tempfile.mkdtemp(prefix="sluice-f-", dir="/tmp"))
    (path / "sluice.cfg").write_text(config_text(extra='storage = { uri = "memory://"; };'))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True, scope="module")
def no_sanitizer_reports():
    yield
    for running in Stack.live:
        running.assert_no_reports()


def shared_files():
    """Those that workers make of themselves; storage.shared_file can name others."""
    return set(Path("/dev/shm").glob("sluice-" + "[0-9a-f]" * 16))


def maps_of(process):
    try:
        return (process / "maps").read_text()
    except OSError:
        return ""  # it is gone


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.shared_before = shared_files()


def pytest_sessionfinish(session):
    """Takes away what workers of these tests shared on this host, and nobody has open any more."""
    if hasattr(session.config, "workerinput"):
        return  # the last to end is who began the others
    in_use = "".join(maps_of(path) for path in Path("/proc").glob("[0-9]*"))
    for path in shared_files() - session.config.shared_before:
        if path.name not in in_use:
            path.unlink(missing_ok=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for running in Stack.live:
            report.sections.append((f"logs of {running.run_dir}", running.log_tails()))
