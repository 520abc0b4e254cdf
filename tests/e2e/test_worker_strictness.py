"""What a gateway of somebody else's may pass on to a worker's socket, and what it is answered."""
import pytest

import fcgi

CHAT_BODY = b'{"message":"x"}'


@pytest.fixture
def socket_path(fresh):
    before = fresh.workers()
    yield fresh.sockets("api1")[0]
    assert fresh.workers() == before


def chat_params(address="192.0.2.1", fields=()):
    return fcgi.params("POST", "/chat", address, CHAT_BODY, fields)


def budget(path, address):
    answer = fcgi.ask(path, fcgi.request(chat_params(address), CHAT_BODY))
    return answer.field("X-RateLimit-Remaining")


STRANGE_TEXTS = [b"", b" ", b"get", b"GET ", b"G\xc3\x8bT", b"\xff\xfe", b"GET\r\nX-Evil: 1",
                 b"\xe2\x80\xa8", b"\x1b[2J", b"GET\0POST", b"A" * 60000, b"{}", b'"', b"<script>"]


def test_strange_methods_are_405_and_strange_paths_404(socket_path):
    for text in STRANGE_TEXTS:
        params = fcgi.pair(b"REQUEST_METHOD", text) + fcgi.pair(b"DOCUMENT_URI", b"/chat")
        answer = fcgi.ask(socket_path, fcgi.request(params))
        assert (answer.status, answer.field("Allow")) == (405, "POST"), (text[:40], answer)
        assert answer.body == b'{"detail":"Method Not Allowed"}'
        params = fcgi.pair(b"REQUEST_METHOD", b"POST") + fcgi.pair(b"DOCUMENT_URI", b"/chat" + text)
        if text:
            answer = fcgi.ask(socket_path, fcgi.request(params))
            assert (answer.status, answer.body) == (404, b'{"detail":"Not Found"}'), text[:40]


def test_headers_beyond_their_number_are_400_and_charged(socket_path):
    fields = [(b"HTTP_X_%d" % number, b"x") for number in range(252)]
    assert fcgi.ask(socket_path, fcgi.request(chat_params(fields=fields),
                                              CHAT_BODY)).status == 200
    for left, more in (("3", [(b"HTTP_X", b"x")]), ("2", [(b"", b"")] * 60_000)):
        answer = fcgi.ask(socket_path, fcgi.request(chat_params(fields=fields + more), CHAT_BODY))
        assert (answer.status, answer.detail) == (400, "Too many header fields")
        assert answer.field("X-RateLimit-Remaining") == left


def test_peers_without_an_address_share_one_bucket_and_no_ones_else(socket_path):
    strange = ["", "unix:", "localhost", "203.0.113.9, 203.0.113.10", "\u2028"]
    assert [budget(socket_path, text) for text in strange] == ["4", "3", "2", "1", "0"]
    assert budget(socket_path, "203.0.113.9") == "4"


def test_host_and_origin_decide_nothing(socket_path):
    for number, name in enumerate([b"a.example", b"b.example", b"", b"\xff", b"acme"]):
        fields = [(b"HTTP_HOST", name), (b"HTTP_ORIGIN", b"https://" + name),
                  (b"SERVER_NAME", name), (b"HTTP_REFERER", name)]
        answer = fcgi.ask(socket_path, fcgi.request(chat_params(fields=fields), CHAT_BODY))
        assert (answer.status, answer.field("X-RateLimit-Remaining")) == (200, str(4 - number))
