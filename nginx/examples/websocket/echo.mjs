// A WebSocket server that sends back what it gets. It needs node alone: `PORT=3000 node echo.mjs`.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';  // RFC 6455, section 1.3
const MOST = 1 << 20;  // bytes in a frame; for a longer one the connection ends
const FINAL = 0x80, MASKED = 0x80, OPCODE = 0x0f;
const CLOSE = 8, PING = 9, PONG = 10;

// The first byte of a frame, its payload, and the bytes behind it; null if it is not all here yet.
function take(bytes) {
  if (bytes.length < 2) return null;
  let size = bytes[1] & 0x7f, at = 2;
  if (size === 126 || size === 127) {
    at = size === 126 ? 4 : 10;
    if (bytes.length < at) return null;
    size = size === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  }
  if (size > MOST || !(bytes[1] & MASKED)) throw new Error('no frame for us');
  const end = at + 4 + size;
  if (bytes.length < end) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, end)).map((byte, i) => byte ^ mask[i & 3]);
  return { first: bytes[0], payload, rest: bytes.subarray(end) };
}

function frame(first, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65536 ? 4 : 10);
  head[0] = first;
  head[1] = size < 126 ? size : size < 65536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(size, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, payload]);
}

// For 'upgrade' of a node server.
export function echo(request, socket, head) {
  const key = request.headers['sec-websocket-key'] ?? '';
  socket.on('error', () => socket.destroy());
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${createHash('sha1').update(key + GUID).digest('base64')}\r\n\r\n`);
  let bytes = Buffer.from(head);
  const answer = () => {
    for (let got = take(bytes); got; got = take(bytes)) {
      const opcode = got.first & OPCODE;
      bytes = got.rest;
      if (opcode === PONG) continue;
      socket.write(frame(opcode === PING ? FINAL | PONG : got.first, got.payload));
      if (opcode === CLOSE) return socket.end();
    }
  };
  const take_in = (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    try {
      answer();
    } catch {
      socket.destroy();
    }
  };
  socket.on('data', take_in);
  take_in(Buffer.alloc(0));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const server = createServer((_, response) => response.writeHead(426, { Upgrade: 'websocket' }).end());
  server.on('upgrade', echo);
  server.listen(process.env.PORT ?? 3000, '127.0.0.1',
    () => console.log(`listens on 127.0.0.1:${server.address().port}`));
}
