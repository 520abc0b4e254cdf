"""HTTP as the tests speak it: a keep-alive client for ordinary requests, a socket for others."""
import http.client
import json
import socket

TIMEOUT = 10


class Answer:
    """Status, header fields in order (names in lower case), body bytes."""

    def __init__(self, status, fields, body):
        self.status = status
        self.fields = [(name.lower(), value) for name, value in fields]
        self.body = body

    def field(self, name):
        """The value of the one field of this name, or None; two of them fail the test."""
        values = [value for field, value in self.fields if field == name.lower()]
        assert len(values) < 2, f"{name} was sent {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def json(self):
        assert self.field("content-type") == "application/json", self
        return json.loads(self.body)

    @property
    def detail(self):
        body = self.json
        assert list(body) == ["detail"] and isinstance(body["detail"], str), self
        return body["detail"]

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:300]!r}>"


class Client:
    """One keep-alive connection, opened when it is needed. `source` is the client's address."""

    def __init__(self, port, source="127.0.0.1", timeout=TIMEOUT):
        self.port = port
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=timeout, source_address=(source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, fields=()):
        """`fields`: pairs, sent as they are and in this order; a bytes body gets its length."""
        connection = self.connection
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in fields:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())

    def get(self, path="/"):
        return self.request("GET", path)

    def post(self, path, document, fields=()):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.request("POST", path, body, [("Content-Type", "application/json"), *fields])

    def open_session(self, tenant):
        answer = self.post("/session", {"tenant_id": tenant})
        assert answer.status == 201, answer
        return answer.json["session_id"]

    def chat(self, tenant, session, message="hello"):
        """A message of a client that says in header and body who it is."""
        fields = [("X-Tenant-ID", tenant), ("X-Session-ID", session)]
        body = {"tenant_id": tenant, "session_id": session, "message": message}
        return self.post("/chat", body, fields)

    def chat_by_body(self, message="hello", **members):
        return self.post("/chat", {**members, "message": message})


def parse_answers(received):
    """Every HTTP answer in these bytes; the last may lack its end."""
    answers = []
    while received.startswith(b"HTTP/1."):
        head, _, rest = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        answer = Answer(int(lines[0].split()[1]), fields, b"")
        if answer.field("transfer-encoding") == "chunked":
            rest = dechunk(rest, answer)
        else:
            length = int(answer.field("content-length") or 0)
            answer.body, rest = rest[:length], rest[length:]
        answers.append(answer)
        received = rest
    return answers


def dechunk(rest, answer):
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        count = int(size, 16)
        answer.body += rest[:count]
        rest = rest[count + 2:]
        if count == 0:
            break
    return rest


def send_raw(port, request, quiet=0.3):
    """Sends bytes and returns every answer up to the peer's close.

    nginx drops a request whose client has closed its half, so that is done only after `quiet`
    seconds without another byte: for requests that it would wait for the rest of.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=quiet) as peer:
        try:
            peer.sendall(request)
            while chunk := receive_or_end(peer):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass  # nginx closes on what it does not want to read; what it said counts
    return parse_answers(received)


def receive_or_end(peer):
    try:
        return peer.recv(65536)
    except socket.timeout:
        peer.shutdown(socket.SHUT_WR)
        peer.settimeout(TIMEOUT)
        return peer.recv(65536)


def raw_post(path, body, fields=(), length=None):
    """The bytes of a POST with Connection: close; `fields` are bytes lines, as they are."""
    lines = [b"POST " + path.encode() + b" HTTP/1.1", b"Host: localhost", b"Connection: close",
             b"Content-Length: " + str(len(body) if length is None else length).encode(),
             *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
