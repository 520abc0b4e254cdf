"""A WebSocket client (RFC 6455) for frames that are all in one piece."""
import base64
import hashlib
import os
import socket
import struct

from http_client import TIMEOUT, parse_answers

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class WebSocket:
    """`answer` is what the server said to the upgrade: 101, or a refusal."""

    def __init__(self, port, path):
        key = base64.b64encode(os.urandom(16))
        self.peer = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.peer.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
        self.file = self.peer.makefile("rb")
        head = b"".join(iter(self.file.readline, b"\r\n")) + b"\r\n"
        self.answer, = parse_answers(head)
        if self.answer.status == 101:
            expected = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
            assert self.answer.field("Sec-WebSocket-Accept") == expected
        else:
            self.answer.body = self.file.read(int(self.answer.field("Content-Length")))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.peer.close()

    def send(self, kind, payload):
        size, mask = len(payload), os.urandom(4)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += struct.pack(">BH", 0x80 | 126, size)
        else:
            head += struct.pack(">BQ", 0x80 | 127, size)
        self.peer.sendall(head + mask + bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload)))

    def receive(self):
        """(kind, payload)"""
        first, size = self.file.read(2)
        if size == 126:
            size, = struct.unpack(">H", self.file.read(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.file.read(8))
        return first & 0xF, self.file.read(size)
