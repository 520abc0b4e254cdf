"""Clients that ask as fast as they can while something is done to what answers them."""
import collections
import http.client
import threading
import uuid

from harness import eventually
from http_client import Client

TIMES = 20
CLIENTS = 8


class Load(threading.Thread):
    """Asks again and again, as fast as one client can."""

    def __init__(self, port, path, stop):
        super().__init__(daemon=True)
        self.port, self.path, self.stop = port, path, stop
        self.answers = {}  # by status, and whether limits were shown
        self.cut = 0  # connections that nginx had closed as idle; asked again, as HTTP clients do

    def run(self):
        client = Client(self.port)
        while not self.stop.is_set():
            try:
                answer = client.request("GET", self.path, None, [("X-Request", str(uuid.uuid4()))])
            except (http.client.RemoteDisconnected, ConnectionError):
                self.cut += 1
                client.close()
                continue
            kind = (answer.status, answer.field("X-RateLimit-Remaining") is not None)
            self.answers[kind] = self.answers.get(kind, 0) + 1
        client.close()


class Counter(threading.Thread):
    """Asks for each key in turn, so often; counts answers by key and status, and those that did not come."""

    def __init__(self, port, keys, times):
        super().__init__(daemon=True)
        self.port, self.keys, self.times = port, keys, times
        self.answers, self.cut = collections.Counter(), 0

    def run(self):
        client = Client(self.port)
        for i in range(self.times):
            key = self.keys[i % len(self.keys)]
            try:
                self.answers[key, client.request("GET", "/few/plain.txt", None, [("X-Key", key)]).status] += 1
            except (http.client.HTTPException, ConnectionError):
                self.cut += 1
                client.close()
        client.close()


def charged(client):
    """Units charged so far, this question too."""
    return 100_000_000 - int(client.get("/plain.txt").field("X-RateLimit-Remaining"))


def under_load(site, path, step):
    """What clients saw while `step` was done again and again: answers by kind, requests that nginx cut
    off, and what was charged."""
    stop = threading.Event()
    loads = [Load(site.port, path, stop) for _ in range(CLIENTS)]
    with Client(site.port) as client:
        before = charged(client)
        for load in loads:
            load.start()
        for _ in range(TIMES):
            seen = sum(sum(load.answers.values()) for load in loads)
            step()
            # Load goes on between two of them.
            eventually(lambda: sum(sum(load.answers.values()) for load in loads) > seen + 100)
        stop.set()
        for load in loads:
            load.join(timeout=20)
        client.close()
        cost = charged(client) - before - 1
    answers = {}
    for load in loads:
        for kind, count in load.answers.items():
            answers[kind] = answers.get(kind, 0) + count
    return answers, sum(load.cut for load in loads), cost
