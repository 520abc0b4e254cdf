"""A Redis by name: the worker runs in a mount namespace with a hosts file of the test's own."""
import contextlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
import redis

from config_text import config_text
from fcgi import Connection, request
from harness import SLOWNESS, SLUICE, RedisServer, eventually

# Takes root, and a root file system that is a mount (so not in a plain chroot).
NAMESPACE = ["unshare", "--mount"]
pytestmark = pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], stderr=subprocess.DEVNULL).returncode != 0,
    reason="cannot make a mount namespace here")
HOSTS = "127.0.0.2 redis-test\n127.0.0.1 redis-test\n"  # nothing listens at the first
# Patient enough for a busy machine, where the last addresses come into their own after 50 ms.
PATIENT = config_text(extra="storage = { connect_timeout_ms = 50; deadline_ms = 2000; };")
EXIT = 2 * SLOWNESS  # the resolver would take 30 s


@contextlib.contextmanager
def silent_name_server():
    """Its address. It takes every question, and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        address = f"127.77.{random.randrange(256)}.{random.randrange(1, 255)}"
        server.bind((address, 53))
        yield address


@contextlib.contextmanager
def namespace(name_server=None, hosts=HOSTS, config=config_text()):
    """A folder, and a shell command that puts its files in the place of the system's."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-n-", dir="/tmp"))
    files = {"hosts": hosts}
    if name_server:
        files["resolv.conf"] = f"nameserver {name_server}\noptions timeout:30 attempts:1\n"
        files["nsswitch.conf"] = "hosts: files dns\n"
    for name, text in files.items():
        (directory / name).write_text(text)
    (directory / "sluice.cfg").write_text(config)
    mounts = " && ".join(f"mount --bind {directory}/{name} /etc/{name}" for name in files)
    try:
        yield directory, mounts
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def worker(uri, **options):
    with namespace(**options) as (directory, mounts):
        command = (f"{mounts} && exec {SLUICE} worker --config {directory}/sluice.cfg "
                   f"--listen {directory}/s")
        with open(directory / "log", "wb") as log:
            process = subprocess.Popen([*NAMESPACE, "sh", "-c", command], stderr=log,
                                       env={**os.environ, "RATE_LIMIT_STORAGE_URI": uri})
        try:
            eventually(lambda: (directory / "s").exists())
            yield directory
        finally:
            began = time.monotonic()
            process.terminate()
            code = process.wait(15)
        assert (code, time.monotonic() - began < EXIT) == (0, True)


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


def test_while_no_name_server_answers_the_last_addresses_are_used():
    with silent_name_server() as address, RedisServer() as server, \
            redis.Redis(port=server.port) as client, \
            worker(f"redis://redis-test:{server.port}/0", name_server=address,
                   config=PATIENT) as directory:
        eventually(lambda: store_status(directory) == "up", within=3 * SLOWNESS)
        (directory / "hosts").write_text("")
        for _ in range(3):
            client.client_kill_filter(_type="normal", skipme=True)
            began = time.monotonic()
            assert store_status(directory) == "up"
            assert time.monotonic() - began < SLOWNESS
        server.kill()
        eventually(lambda: store_status(directory) == "down")
        server.start()
        eventually(lambda: store_status(directory) == "up", within=2 * SLOWNESS)


def test_worker_whose_look_up_never_ends_says_so_and_stops_at_once():
    with silent_name_server() as address, \
            worker("redis://redis-test/0", name_server=address, hosts="") as directory:
        assert store_status(directory) == "down"
        eventually(lambda: b"redis-test: the look-up timed out" in
                   (directory / "log").read_bytes())


@pytest.mark.parametrize("verb", ["peek", "reset"])
def test_operator_is_told_of_a_look_up_that_never_ends(verb):
    with silent_name_server() as address, \
            namespace(name_server=address, hosts="") as (directory, mounts):
        command = f"{mounts} && exec {SLUICE} {verb} -c {directory}/sluice.cfg --ip 127.0.0.1"
        began = time.monotonic()
        done = subprocess.run([*NAMESPACE, "sh", "-c", command], text=True, capture_output=True,
                              env={**os.environ, "RATE_LIMIT_STORAGE_URI": "redis://redis-test"},
                              timeout=60, check=False)
        assert time.monotonic() - began < 4 + EXIT
        assert (done.returncode, done.stdout, done.stderr) == (
            1, "", "redis://redis-test:6379/0: redis-test: the look-up timed out\n")
