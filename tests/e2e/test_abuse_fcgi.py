"""Bytes straight to a worker's socket: answered or hung up on; the same worker after it."""
import contextlib
import random
import struct

import pytest

import fcgi
from fcgi import ABORT, AUTHORIZER, BEGIN, DATA, END, GET_VALUES, PARAMS, STDIN, STDOUT
from config_text import config_text
from harness import SLOWNESS, Stack, eventually

MIB = 1024 * 1024
STALL_MS = 1000
CHAT_BODY = b'{"message":"x"}'
HANGS_UP = {
    "a wrong version": fcgi.record(BEGIN, b"\0\1\1\0\0\0\0\0", version=2),
    "version 0": b"\0" * 8,
    "a first record that is not BEGIN": fcgi.record(PARAMS, b""),
    "BEGIN too short": fcgi.record(BEGIN, b"\0\1\1"),
    "BEGIN too long": fcgi.record(BEGIN, b"\0\1\1" + b"\0" * 6),
    "an unknown role": fcgi.begin(role=0x7FFF),
    "the authorizer's role": fcgi.begin(role=AUTHORIZER),
    "request id 0": fcgi.begin(request=0),
    "ABORT alone": fcgi.record(ABORT),
    "ABORT after BEGIN": fcgi.begin() + fcgi.record(ABORT),
    "ABORT after PARAMS": fcgi.begin() + fcgi.stream(PARAMS, fcgi.params()) + fcgi.record(ABORT),
    "STDIN before PARAMS": fcgi.begin() + fcgi.record(STDIN, b"x"),
    "DATA": fcgi.begin() + fcgi.record(DATA, b"x"),
    "STDOUT from the gateway": fcgi.begin() + fcgi.record(STDOUT, b"x"),
    "END from the gateway": fcgi.begin() + fcgi.record(END, b"\0" * 8),
    "an unknown type": fcgi.begin() + fcgi.record(200, b"x"),
    "PARAMS after their end": fcgi.begin() + fcgi.stream(PARAMS, fcgi.params()) * 2,
    "a second BEGIN with the same id": fcgi.begin() * 2,
    "a second request on the connection": fcgi.begin(1) + fcgi.begin(2),
    "parameters of another request": fcgi.begin(1) + fcgi.stream(PARAMS, fcgi.params(), 2),
    "a body of another request":
        fcgi.begin(1) + fcgi.stream(PARAMS, fcgi.params(), 1) + fcgi.stream(STDIN, b"x", 2),
    "GET_VALUES": fcgi.record(GET_VALUES, fcgi.pair(b"FCGI_MAX_CONNS", b""), request=0),
    "GET_VALUES with repeated names":
        fcgi.record(GET_VALUES, fcgi.pair(b"FCGI_MPXS_CONNS", b"") * 500, request=0),
    "GET_VALUES within a request":
        fcgi.begin() + fcgi.record(GET_VALUES, fcgi.pair(b"FCGI_MPXS_CONNS", b""), request=0),
    "both lengths near 2^31":
        fcgi.begin() + fcgi.record(PARAMS, b"\xff\xff\xff\xf0" * 2 + b"A" * 100),
    "a sum of lengths that overflows":
        fcgi.begin() + fcgi.record(PARAMS, b"\xff\xff\xff\xff\x80\0\0\2" + b"A" * 100),
    "a name's length near 2^31":
        fcgi.begin() + fcgi.record(PARAMS, b"\xff\xff\xff\xff\0" + b"A" * 100),
    "a value's length near 2^31":
        fcgi.begin() + fcgi.record(PARAMS, b"\1\xff\xff\xff\xffA" + b"A" * 100),
    "parameters that end within a pair":
        fcgi.begin() + fcgi.record(PARAMS, b"\1\5AB") + fcgi.record(PARAMS),
    "parameters that end within a length":
        fcgi.begin() + fcgi.record(PARAMS, b"\1\x80\0") + fcgi.record(PARAMS),
    "a megabyte of parameters":
        fcgi.begin() + fcgi.stream(PARAMS, fcgi.pair(b"A", b"x" * 1000) * 1000),
    "HTTP": b"POST /chat HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture(scope="module")
def stack():
    """Takes the place of the shared stack: here a half-sent request is soon given up."""
    extra = f"fastcgi = {{ stall_timeout_ms = {STALL_MS}; }};"
    with Stack(config_text(extra=extra)) as running:
        yield running


@pytest.fixture
def socket_path(fresh):
    """A worker's socket; afterwards it serves, and no worker has been replaced."""
    before = fresh.workers()
    path = fresh.sockets("api1")[0]
    yield path
    answer = fcgi.ask(path, fcgi.request())
    assert answer.status == 200 and answer.json["service"] == "sluice"
    assert fresh.workers() == before


def chat_params(body=CHAT_BODY, address="192.0.2.1", fields=()):
    return fcgi.params("POST", "/chat", address, body, fields)


@pytest.mark.parametrize("what", HANGS_UP)
def test_worker_hangs_up_without_a_word_on(socket_path, what):
    with fcgi.Connection(socket_path) as connection:
        connection.send(HANGS_UP[what])
        assert connection.is_closed()


def test_lengths_near_the_integers_end_never_reach_libfcgi(socket_path):
    edges = [0, 1, 0x7FFFFFF0, 0x7FFFFFFE, 0x7FFFFFFF, 0x40000000, 0x20001]
    for name in edges:
        for value in edges:
            lengths = struct.pack(">II", name | 0x80000000, value | 0x80000000)
            data = fcgi.begin() + fcgi.record(PARAMS, lengths + b"A" * 64) + \
                fcgi.record(PARAMS) + fcgi.record(STDIN)
            answer = fcgi.ask(socket_path, data)
            assert answer is None or answer.status == 404, (name, value, answer)


def test_half_sent_requests_hold_nobody_up_and_are_given_up(socket_path):
    whole = fcgi.request(chat_params(), CHAT_BODY)
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(fcgi.Connection(socket_path))
        halves = [stack.enter_context(fcgi.Connection(socket_path, timeout=5 * SLOWNESS))
                  for _ in range(1, len(whole))]
        for size, connection in enumerate(halves, 1):
            connection.send(whole[:size])
        for _ in range(10):
            with fcgi.Connection(socket_path, timeout=0.5 * SLOWNESS) as other:
                other.send(fcgi.request())
                assert other.read_answer().status == 200
        for size, connection in enumerate(halves, 1):
            assert connection.is_closed(), f"{size} bytes of a request hold a connection"
        idle.send(fcgi.request())  # nothing of a request had come: this one was kept
        assert idle.read_answer().status == 200


def test_begin_alone_and_then_the_end_is_forgotten(socket_path):
    for data in (b"\1", fcgi.begin()[:8], fcgi.begin(), fcgi.begin() + fcgi.record(PARAMS)):
        with fcgi.Connection(socket_path) as connection:
            connection.send(data)
            connection.peer.shutdown(1)
            assert connection.is_closed()


def test_request_split_into_single_bytes_is_answered(socket_path):
    with fcgi.Connection(socket_path) as connection:
        for byte in fcgi.request(chat_params(), CHAT_BODY):
            connection.send(bytes([byte]))
        answer = connection.read_answer()
    assert (answer.status, answer.json["reply"]) == (200, "x")


@pytest.mark.parametrize("chunk,padding", [(1, 0), (1, 255), (7, 3), (0xFFFF, 255), (127, 1)])
def test_records_of_every_size_and_padding_are_answered(socket_path, chunk, padding):
    data = fcgi.request(chat_params(), CHAT_BODY, chunk=chunk, padding=padding)
    answer = fcgi.ask(socket_path, data)
    assert (answer.status, answer.json["reply"]) == (200, "x")


def test_long_form_lengths_of_short_parameters_are_read(socket_path):
    encoded = b"".join(
        fcgi.length_of(len(name), True) + fcgi.length_of(len(value), True) + name + value
        for name, value in [(b"REQUEST_METHOD", b"GET"), (b"DOCUMENT_URI", b"/")])
    assert fcgi.ask(socket_path, fcgi.request(encoded)).status == 200


def test_missing_and_empty_parameters_are_no_fault(socket_path):
    assert fcgi.ask(socket_path, fcgi.request(b"")).status == 404
    assert fcgi.ask(socket_path, fcgi.request(fcgi.pair(b"", b"") * 100)).status == 404
    nameless = fcgi.pair(b"DOCUMENT_URI", b"/chat") + fcgi.pair(b"REQUEST_METHOD", b"POST")
    answer = fcgi.ask(socket_path, fcgi.request(nameless, CHAT_BODY))
    assert answer.status == 200  # no REMOTE_ADDR: those without share one bucket


@pytest.mark.parametrize("size", [65537, 100_000, MIB, 8 * MIB])
def test_body_beyond_the_bound_is_413_and_the_connection_goes_on(socket_path, size):
    with fcgi.Connection(socket_path) as connection:
        body = b"[" * size
        assert connection.send(fcgi.request(chat_params(body), body))
        answer = connection.read_answer()
        assert (answer.status, answer.detail) == (413, "Request body is too large")
        connection.send(fcgi.request(chat_params(), CHAT_BODY))
        assert connection.read_answer().status == 200


def test_two_hundred_requests_share_a_kept_connection(socket_path):
    with fcgi.Connection(socket_path) as connection:
        for number in range(1, 201):
            body = b'{"message":"m%d"}' % number
            data = fcgi.request(chat_params(body, f"192.0.2.{number}"), body, number)
            connection.send(data)
            answer = connection.read_answer(number)
            assert (answer.status, answer.json["reply"]) == (200, f"m{number}")


def test_without_keep_conn_the_worker_closes_after_its_answer(socket_path):
    with fcgi.Connection(socket_path) as connection:
        connection.send(fcgi.request(keep=False))
        assert connection.read_answer().status == 200
        assert connection.is_closed()


def test_bytes_behind_a_request_are_not_taken_for_another(socket_path):
    with fcgi.Connection(socket_path) as connection:
        connection.send(fcgi.request(number=1) + fcgi.request(number=2))
        assert connection.is_closed()


def test_peer_that_leaves_before_its_answer_is_forgotten(fresh, socket_path):
    for number in range(100):
        connection = fcgi.Connection(socket_path)
        connection.send(fcgi.request(chat_params(address=f"198.51.100.{number}"), CHAT_BODY))
        connection.peer.close()
    eventually(lambda: len(fresh.buckets()) == 100)  # each was charged: they ran to their ends


def random_bytes(rng):
    return bytes(rng.getrandbits(8) for _ in range(rng.randint(1, 400)))


def random_records(rng):
    kinds = (BEGIN, PARAMS, STDIN, ABORT, DATA, GET_VALUES, rng.randint(0, 255))
    parts = [fcgi.begin()] if rng.random() < 0.8 else []
    for _ in range(rng.randint(1, 6)):
        content = random_bytes(rng) if rng.random() < 0.7 else b""
        parts.append(fcgi.record(rng.choice(kinds), content, rng.choice((1, 1, 1, 0, 2)),
                                 rng.choice((0, 0, 8, 255))))
    return b"".join(parts)


def mutated_request(rng):
    data = bytearray(fcgi.request(chat_params(address="203.0.113.1"), CHAT_BODY))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        action = rng.random()
        if action < 0.6:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.getrandbits(8)))
        elif action < 0.8:
            del data[at:at + rng.randint(1, 9)]
        else:
            data[at:at] = random_bytes(rng)[:9]
    return bytes(data)


@pytest.mark.parametrize("make,seeds", [(random_bytes, 500), (random_records, 500),
                                        (mutated_request, 1000)])
def test_garbage_is_hung_up_on_or_answered_below_500(socket_path, make, seeds):
    for seed in range(seeds):
        with fcgi.Connection(socket_path) as connection:
            connection.send(make(random.Random(seed)))
            try:
                connection.peer.shutdown(1)
            except OSError:
                continue  # the worker was quicker
            item = connection.read_record()
            while item is not None:
                if item[0] == STDOUT and item[2].startswith(b"Status: "):
                    assert item[2][8:9] in b"24", (seed, item)
                item = connection.read_record()


def budget(path, address):
    answer = fcgi.ask(path, fcgi.request(chat_params(address=address), CHAT_BODY))
    return answer.field("X-RateLimit-Remaining")


def test_addresses_of_one_ipv6_network_share_a_budget(socket_path):
    left = [budget(socket_path, f"2001:db8:1:2::{number:x}") for number in range(1, 6)]
    assert left == ["4", "3", "2", "1", "0"]
    assert budget(socket_path, "2001:db8:1:2:ffff:ffff:ffff:ffff") == "0"
    assert budget(socket_path, "2001:db8:1:3::1") == "4"


def test_mapped_ipv4_addresses_count_as_ipv4_and_apart(socket_path):
    assert budget(socket_path, "203.0.113.7") == "4"
    assert budget(socket_path, "::ffff:203.0.113.7") == "3"
    assert budget(socket_path, "::ffff:cb00:7107") == "2"
    assert budget(socket_path, "::ffff:203.0.113.8") == "4"


def test_every_request_id_is_answered_under_its_own(socket_path):
    for number in (1, 2, 255, 256, 65535):
        assert fcgi.ask(socket_path, fcgi.request(number=number), number).status == 200
