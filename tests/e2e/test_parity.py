"""Decision for decision the same as Python's `limits`, on the same Redis, in virtual time.

Our fixed_window is its fixed-window, which opens with the first hit too; our sliding_log is its
moving-window.
"""
import itertools
import random

import pytest
import redis
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

import fcgi
from harness import RedisServer, Stack
from http_client import Client
from virtual_time import VirtualClock

RATES = [(5, 10), (8, 10), (3, 2), (20, 60), (1, 1)]  # quota, seconds
SEEDS = range(4)
STEPS = 200
SECOND = 1_000_000  # microseconds, as all times here

# Nothing is sent this close to where a window or an entry ends, since there the two differ on
# purpose: of our windows the very end is no part, `limits` counts an entry of just then; and its
# windows end with their key, which Redis keeps in whole milliseconds and through the last of them.
MARGIN = 2_000

REFERENCES = {"fixed_window": FixedWindowRateLimiter, "sliding_log": MovingWindowRateLimiter}


def tenant_of(algorithm, quota, seconds):
    return f"{algorithm}-{quota}-{seconds}"


def parity_config():
    """A tenant for each algorithm and rate."""
    kinds = [(tenant_of(algorithm, *rate), algorithm, *rate)
             for algorithm, rate in itertools.product(REFERENCES, RATES)]
    plans = ",\n".join(
        f'{{ id = "{tenant}"; limits = ( {{ name = "chat"; routes = ["chat"]; scope = "session";\n'
        f'    algorithm = "{algorithm}"; rate = "{quota}/{seconds} seconds"; }} ); }}'
        for tenant, algorithm, quota, seconds in kinds)
    tenants = ", ".join(f'{{ id = "{tenant}"; plan = "{tenant}"; }}' for tenant, *_ in kinds)
    # A Redis under libfaketime is slow, and no decision may be lost to that.
    return ("storage = { connect_timeout_ms = 10000; deadline_ms = 10000; };\n"
            f"plans = (\n{plans}\n);\ntenants = ( {tenants} );\n")


class World:
    """A worker and the reference, on one Redis, and the clock by which all three live."""

    def __init__(self, clock, server, stack, connection):
        self.clock, self.stack, self.connection = clock, stack, connection
        self.redis = redis.Redis(port=server.port)
        self.storage = RedisStorage(f"redis://127.0.0.1:{server.port}/1")

    def sluice(self, algorithm, rate):
        """A new session's send(): whether it was allowed."""
        tenant = tenant_of(algorithm, *rate)
        with Client(self.stack.port1) as client:
            session = client.open_session(tenant)
        body = b'{"message":"x"}'
        data = fcgi.request(fcgi.params("POST", "/chat", body=body, fields=[
            (b"HTTP_X_TENANT_ID", tenant.encode()), (b"HTTP_X_SESSION_ID", session.encode())]),
            body)

        def send():
            self.connection.send(data)
            answer = self.connection.read_answer()
            assert answer.status in (200, 429), answer
            return answer.status == 200
        return send

    def reference(self, algorithm, rate, name):
        """The same of `limits`; `name` is the bucket's."""
        limiter = REFERENCES[algorithm](self.storage)
        item = RateLimitItemPerSecond(*rate)
        return lambda: limiter.hit(item, algorithm, name)


@pytest.fixture(scope="module")
def world():
    with VirtualClock() as clock, RedisServer(environment=clock.environment) as server:
        uri = f"redis://127.0.0.1:{server.port}/0"
        with Stack(parity_config(), WORKERS="1", RATE_LIMIT_STORAGE_URI=uri) as stack, \
                fcgi.Connection(stack.sockets("api1")[0]) as connection, \
                pytest.MonkeyPatch.context() as patch:
            patch.setattr("limits.storage.redis.time", clock)
            yield World(clock, server, stack, connection)


def timeline(rng, quota, window):
    """Times from 0 on: bursts, a pace above the rate, moments where something ends, pauses."""
    times = [0]
    while len(times) < STEPS:
        now = times[-1]
        ends = [time + window for time in times if time + window > now]
        kind = rng.random()
        following = now  # a burst goes on
        if kind < 0.1 / quota:
            following += int(rng.uniform(0.5, 2.5) * window)
        elif kind < 0.4 and len(ends) > quota:
            end = ends[0] if rng.random() < 0.8 else rng.choice(ends)
            following = end + rng.choice([-1, 1]) * rng.randint(MARGIN, 4 * MARGIN)
        elif kind < 0.7:
            following += int(rng.expovariate(2.5 * quota / window))
        following = max(following, now)
        while any(abs(time + window - following) < MARGIN for time in times):
            following += MARGIN
        times.append(following)
    return times


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate[0]} per {rate[1]} s")
def test_every_decision_is_that_of_limits(world, rate, seed):
    quota, seconds = rate
    rng = random.Random(f"{rate} {seed}")
    ours = {algorithm: world.sluice(algorithm, rate) for algorithm in REFERENCES}
    theirs = {algorithm: world.reference(algorithm, rate, f"timeline {seed}")
              for algorithm in REFERENCES}
    begin = world.clock.now + 1000 * SECOND + rng.randrange(SECOND)
    decided = {algorithm: [] for algorithm in REFERENCES}
    sent = []
    for time in timeline(rng, quota, seconds * SECOND):
        world.clock.move_to(begin + time, world.redis)
        sent.append(time)
        for algorithm, decisions in decided.items():
            decisions.append(ours[algorithm]())
            assert theirs[algorithm]() == decisions[-1], (
                f"{algorithm}, {quota} per {seconds} s, seed {seed}: step {len(sent) - 1}, begun "
                f"at {begin}: ours {decisions[-1]}, of {list(zip(sent, decisions))}")
    for algorithm, decisions in decided.items():
        assert min(decisions.count(True), decisions.count(False)) > STEPS / 20, (algorithm, seed)
    assert quota == 1 or decided["fixed_window"] != decided["sliding_log"], "proves too little"
