"""Whose request it is behind a proxy: client_address.trusted_proxies, and who else says so."""
import re

import pytest

import fcgi
from config_text import config_text
from harness import Stack
from http_client import Client, raw_post, send_raw

BODY = b'{"message":"x"}'
CONFIG = config_text(extra="""
client_address = { trusted_proxies = ( "127.0.0.1", "10.0.0.0/8", "2001:db8:f::/48" ); };
access = { deny = ( "203.0.113.66" ); exempt = ( "203.0.113.77" ); };
""")


@pytest.fixture(scope="module")
def stack():
    """Takes the place of the shared stack: nginx's peer 127.0.0.1 is a proxy, 127.0.0.9 is not."""
    with Stack(CONFIG) as running:
        yield running


def at_socket(stack, peer, *forwarded_for):
    """The answer to a chat from `peer`, with these lines of X-Forwarded-For."""
    fields = [(b"HTTP_X_FORWARDED_FOR", line.encode()) for line in forwarded_for]
    params = fcgi.params("POST", "/chat", peer, BODY, fields)
    return fcgi.ask(stack.sockets("api1")[0], fcgi.request(params, BODY))


def through_nginx(stack, source, *fields):
    with Client(stack.port1, source=source) as client:
        return client.post("/chat", BODY, fields)


def counted(stack):
    """The IPv4 addresses, in hex, that have a bucket."""
    with stack.redis() as client:
        return sorted({found for key in client.keys()
                       for found in re.findall(r"\b4:([0-9a-f]{8})\b", key.decode())})


def left(answer):
    return answer.field("X-RateLimit-Remaining")


def test_each_client_of_a_proxy_has_a_budget_of_its_own(fresh):
    for peer in ("10.0.0.1", "::ffff:10.0.0.1", "2001:db8:f::1"):
        fresh.refill()
        assert [left(at_socket(fresh, peer, "192.0.2.1")) for _ in range(2)] == ["4", "3"]
        assert left(at_socket(fresh, peer, "192.0.2.2")) == "4"
        assert left(at_socket(fresh, peer, "::ffff:192.0.2.2")) == "3"  # IPv4, mapped or not
        assert left(at_socket(fresh, peer, "::ffff:192.0.2.3")) == "4"  # and no two are one
        assert left(at_socket(fresh, peer, "[2001:db8::1]:443")) == "4"
        assert left(at_socket(fresh, peer, "2001:db8::ffff")) == "3"  # a /64 is one client


def test_an_address_behind_a_translator_is_the_ipv4_address_in_it(fresh):
    assert left(at_socket(fresh, "64:ff9b::192.0.2.1")) == "4"
    assert left(at_socket(fresh, "64:ff9b::192.0.2.2")) == "4"
    assert left(at_socket(fresh, "192.0.2.1")) == "3"
    assert left(at_socket(fresh, "64:ff9b::10.0.0.1", "192.0.2.1")) == "2"  # a proxy
    assert left(at_socket(fresh, "10.0.0.1", "64:ff9b::c000:201")) == "1"
    assert counted(fresh) == ["c0000201", "c0000202"]
    assert at_socket(fresh, "64:ff9b::203.0.113.66").status == 403


def test_what_a_client_writes_left_of_its_own_address_buys_no_budget(fresh):
    written = ["", "1.2.3.4", "10.0.0.9", "unknown", "192.0.2.9", "a, b", "[::1]"]
    answers = [at_socket(fresh, "10.0.0.1", f"{text}, 192.0.2.1") for text in written[:4]]
    answers += [at_socket(fresh, "10.0.0.1", text, "192.0.2.1, 10.0.0.2") for text in written[4:]]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert len(fresh.buckets()) == 1


def test_garbage_counts_for_the_proxy_that_passed_it_on(fresh):
    for number, garbage in enumerate(["unknown", "", "198.51.100.7, x", "\u2028", "'; --"]):
        assert left(at_socket(fresh, "10.0.0.1", garbage)) == str(4 - number), garbage


def test_a_peer_that_is_no_proxy_is_not_believed(fresh):
    answers = [at_socket(fresh, "11.0.0.1", f"192.0.2.{number}") for number in range(7)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2


def test_access_lists_look_at_the_client_and_not_at_its_proxy(fresh):
    assert at_socket(fresh, "10.0.0.1", "203.0.113.66").status == 403
    assert at_socket(fresh, "11.0.0.1", "203.0.113.66").status == 200
    assert left(at_socket(fresh, "10.0.0.1", "203.0.113.77")) is None  # exempt: no limit
    assert left(at_socket(fresh, "11.0.0.1", "203.0.113.77")) == "3"


@pytest.mark.parametrize("lines", [
    ("203.0.113.66, ",), (", 203.0.113.66",), ("203.0.113.66,\t,10.0.0.2",), ("203.0.113.66", ""),
    ("203.0.113.66", " ", ", ,"), ("", "203.0.113.66,,,"), ("203.0.113.66" + "," * 8000,)])
def test_an_empty_element_hides_nobody_from_the_access_lists(fresh, lines):
    assert at_socket(fresh, "10.0.0.1", *lines).status == 403


def test_nginx_passes_the_header_on_as_it_came(fresh):
    proxy = "127.0.0.1"
    assert left(through_nginx(fresh, proxy, ("X-Forwarded-For", "192.0.2.1"))) == "4"
    assert left(through_nginx(fresh, proxy, ("x-forwarded-for", "8.8.8.8,192.0.2.1"))) == "3"
    assert left(through_nginx(fresh, proxy, ("X-Forwarded-For", "8.8.8.8"),
                              ("X-Forwarded-For", "192.0.2.1, 10.0.0.1"))) == "2"
    assert left(through_nginx(fresh, proxy, ("X-Forwarded-For", "192.0.2.1"),
                              ("X-Forwarded-For", ""))) == "1"  # an empty line says nothing
    assert left(through_nginx(fresh, proxy, ("X-Forwarded-For", ""))) == "4"  # the proxy itself
    assert left(through_nginx(fresh, "127.0.0.9", ("X-Forwarded-For", "192.0.2.1"))) == "4"
    assert counted(fresh) == ["7f000001", "7f000009", "c0000201"]


@pytest.mark.parametrize("line", [b"X_Forwarded_For: 192.0.2.1", b"X-Forwarded_For: 192.0.2.1",
                                  b"Forwarded: for=192.0.2.1", b"X-Real-IP: 192.0.2.1"])
def test_no_other_header_names_the_client(fresh, line):
    answer, = send_raw(fresh.port1, raw_post("/chat", BODY, [line]))
    assert answer.status == 200
    assert counted(fresh) == ["7f000001"]
