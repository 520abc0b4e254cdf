"""In the place of PHP: a FastCGI responder."""
import contextlib
import socketserver
import struct
import threading
from pathlib import Path

import fcgi


def unpack(data):
    """The pairs of a PARAMS stream."""
    pairs, at = {}, 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            if data[at] < 128:
                sizes.append(data[at])
                at += 1
            else:
                sizes.append(struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF)
                at += 4
        name, value = data[at:at + sizes[0]], data[at + sizes[0]:at + sum(sizes)]
        pairs[name.decode()] = value.decode()
        at += sum(sizes)
    return pairs


def script(params):
    """What the responder says of a request: nothing but which script was asked for."""
    text = f"php {params['REQUEST_METHOD']} {params['SCRIPT_FILENAME']} {params['REQUEST_URI']}"
    return f"Content-Type: text/plain\r\n\r\n{text}"


class Responder(socketserver.StreamRequestHandler):
    """One request of a connection, as PHP has it without keep-alive."""

    def handle(self):
        params, is_over = b"", False
        while not is_over:
            _, kind, number, size, padding, _ = struct.unpack(">BBHHBB", self.rfile.read(8))
            content = self.rfile.read(size + padding)[:size]
            params += content if kind == fcgi.PARAMS else b""
            is_over = kind == fcgi.STDIN and not content
        self.wfile.write(fcgi.stream(fcgi.STDOUT, self.server.answer(unpack(params)).encode(), number) +
                         fcgi.record(fcgi.END, struct.pack(">IB3x", 0, fcgi.REQUEST_COMPLETE), number))


@contextlib.contextmanager
def php(path, answer=script):
    """Listens at `path`; `answer` makes of a request's parameters what the program writes."""
    with socketserver.ThreadingUnixStreamServer(str(path), Responder) as server:
        server.answer = answer
        Path(path).chmod(0o666)  # nginx's workers may be another user's
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
