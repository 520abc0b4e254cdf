"""A FastCGI client that may say anything (FastCGI Specification 1.0, sections 3 to 8)."""
import socket
import struct

from http_client import Answer

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES = range(1, 10)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
REQUEST_COMPLETE = 0


def record(kind, content=b"", request=1, padding=0, version=1, length=None):
    size = len(content) if length is None else length
    head = struct.pack(">BBHHBB", version, kind, request, size, padding, 0)
    return head + content + b"\xaa" * padding


def begin(request=1, role=RESPONDER, keep=True):
    return record(BEGIN, struct.pack(">HB5x", role, 1 if keep else 0), request)


def length_of(size, force_long=False):
    return struct.pack(">I", size | 0x80000000) if size > 127 or force_long else bytes([size])


def pair(name, value):
    return length_of(len(name)) + length_of(len(value)) + name + value


def stream(kind, data, request=1, chunk=0xFFFF, padding=0):
    """The data in records of at most `chunk` bytes, and the empty record that ends it."""
    parts = [record(kind, data[at:at + chunk], request, padding)
             for at in range(0, len(data), chunk)]
    return b"".join(parts) + record(kind, b"", request)


def params(method="GET", path="/", address="127.0.0.1", body=b"", fields=()):
    """What nginx sends of a request; `fields` are (CGI name, value) pairs of bytes."""
    pairs = [(b"REQUEST_METHOD", method.encode()), (b"DOCUMENT_URI", path.encode()),
             (b"REMOTE_ADDR", address.encode()), (b"CONTENT_LENGTH", str(len(body)).encode()),
             *fields]
    return b"".join(pair(name, value) for name, value in pairs)


def request(encoded_params=None, body=b"", number=1, keep=True, chunk=0xFFFF, padding=0):
    encoded = params(body=body) if encoded_params is None else encoded_params
    return (begin(number, keep=keep) + stream(PARAMS, encoded, number, chunk, padding) +
            stream(STDIN, body, number, chunk, padding))


class Connection:
    """A connection to a worker's socket."""

    def __init__(self, path, timeout=10):
        self.peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.peer.settimeout(timeout)
        self.peer.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def send(self, data):
        """False if the worker has hung up before it took all."""
        try:
            self.peer.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def receive(self, count):
        data = b""
        while len(data) < count:
            try:
                chunk = self.peer.recv(count - len(data))
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                return None
            data += chunk
        return data

    def read_record(self):
        """(kind, request, content), or None at the end of the connection."""
        head = self.receive(8)
        if head is None:
            return None
        version, kind, number, size, padding, _ = struct.unpack(">BBHHBB", head)
        assert version == 1, head
        content = self.receive(size + padding)
        return None if content is None else (kind, number, content[:size])

    def read_answer(self, number=1):
        """The HTTP answer to request `number`, or None if the worker hung up instead."""
        output = b""
        while (item := self.read_record()) is not None:
            kind, request_number, content = item
            assert request_number == number, item
            if kind == END:
                assert content[4] == REQUEST_COMPLETE, content
                return parse_cgi(output)
            assert kind == STDOUT, item
            output += content
        assert not output, f"the worker hung up within an answer: {output!r}"
        return None

    def is_closed(self):
        """Waits for the worker's close, and says whether it came, without another byte."""
        try:
            return self.peer.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False


def parse_cgi(output):
    head, separator, body = output.partition(b"\r\n\r\n")
    assert separator, output
    fields = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").split("\r\n")]
    assert fields[0][0] == "Status", fields
    return Answer(int(fields[0][1].split()[0]), fields[1:], body)


def ask(path, data, number=1):
    """One connection, one answer (or None)."""
    with Connection(path) as connection:
        connection.send(data)
        return connection.read_answer(number)
