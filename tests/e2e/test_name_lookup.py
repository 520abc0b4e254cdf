"""A Redis by name: the worker runs in a mount namespace with a hosts file of the test's own."""
import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from config_text import config_text
from fcgi import Connection, request
from harness import SLOWNESS, SLUICE, RedisServer, eventually

# Takes root, and a root file system that is a mount (so not in a plain chroot).
NAMESPACE = ["unshare", "--mount"]
pytestmark = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], stderr=subprocess.DEVNULL).returncode != 0,
    reason="cannot make a mount namespace here")
HOSTS = "127.0.0.2 redis-test\n127.0.0.1 redis-test\n"  # nothing listens at the first


@contextlib.contextmanager
def worker(uri):
    directory = Path(tempfile.mkdtemp(prefix="sluice-n-", dir="/tmp"))
    (directory / "hosts").write_text(HOSTS)
    (directory / "sluice.cfg").write_text(config_text())
    command = (f"mount --bind {directory}/hosts /etc/hosts && exec {SLUICE} "
               f"worker --config {directory}/sluice.cfg --listen {directory}/s")
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen([*NAMESPACE, "sh", "-c", command], stderr=log,
                                   env={**os.environ, "RATE_LIMIT_STORAGE_URI": uri})
    try:
        eventually(lambda: (directory / "s").exists())
        yield directory
    finally:
        process.terminate()
        process.wait(15)
        shutil.rmtree(directory, ignore_errors=True)


def store_status(directory):
    with Connection(directory / "s") as connection:
        connection.send(request())
        return connection.read_answer().json["store"]["status"]


def test_second_address_of_a_name_is_tried_when_the_first_is_dead():
    with RedisServer() as server, worker(f"redis://redis-test:{server.port}/0") as directory:
        eventually(lambda: store_status(directory) == "up", within=3 * SLOWNESS)


def test_refusal_at_every_address_is_logged_once_and_retried_with_pauses():
    with RedisServer("--requirepass", "right") as server, \
            worker(f"redis://:wrong@redis-test:{server.port}/0") as directory:
        assert store_status(directory) == "down"
        eventually(lambda: b"WRONGPASS" in (directory / "log").read_bytes(), within=3 * SLOWNESS)
        assert store_status(directory) == "down"
        assert (directory / "log").read_bytes().count(b"store is down") == 1
