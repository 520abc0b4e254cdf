import pytest

from harness import Stack
from http_client import Client


@pytest.fixture(scope="session")
def stack():
    """The stack that most tests share; it has the shipped config."""
    with Stack() as running:
        yield running


@pytest.fixture
def fresh(stack):
    """The shared stack with every quota full."""
    with stack.redis() as client:
        client.flushall()
    return stack


@pytest.fixture
def api1(fresh):
    with Client(fresh.port1) as client:
        yield client


@pytest.fixture
def api2(fresh):
    with Client(fresh.port2) as client:
        yield client


@pytest.fixture(autouse=True, scope="module")
def no_sanitizer_reports():
    yield
    for running in Stack.live:
        running.assert_no_reports()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for running in Stack.live:
            report.sections.append((f"logs of {running.run_dir}", running.log_tails()))
