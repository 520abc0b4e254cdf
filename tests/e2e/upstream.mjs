// An application for a gate to stand in front of. It says what it was asked; it streams; it is told what to do
// next, so that no test has to wait by the clock. It prints its port.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { echo } from '../../nginx/examples/websocket/echo.mjs';

const FILE = Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251));
const ETAG = '"five-thousand"', MODIFIED = 'Wed, 21 Oct 2015 07:28:00 GMT';
let received = 0;  // bytes of the body that came last
let open = null;   // the answer of the /events that came last
let number = 0;    // of its events

function say(response, document) {
  response.writeHead(200, { 'Content-Type': 'application/json', 'X-App': 'node' });
  response.end(JSON.stringify(document));
}

// What came: method, URI, fields; length and hash of the body.
function tell(request, response) {
  const hash = createHash('sha256');
  received = 0;
  request.on('data', (chunk) => {
    received += chunk.length;
    hash.update(chunk);
  });
  request.on('end', () => say(response, {
    method: request.method, url: request.url, fields: request.rawHeaders, length: received,
    sha256: hash.digest('hex') }));
}

function file(request, response) {
  const { range, 'if-none-match': match, 'if-modified-since': since } = request.headers;
  const fields = { ETag: ETAG, 'Last-Modified': MODIFIED, 'Accept-Ranges': 'bytes' };
  if (match === ETAG || (!match && since === MODIFIED)) return response.writeHead(304, fields).end();
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (!first) return response.writeHead(200, { ...fields, 'Content-Length': FILE.length }).end(FILE);
  const part = FILE.subarray(Number(first), Number(last) + 1);
  response.writeHead(206, { ...fields, 'Content-Length': part.length,
    'Content-Range': `bytes ${first}-${last}/${FILE.length}` }).end(part);
}

function event() {
  number += 1;
  open.write(`id: ${number}\ndata: event ${number}\n\n`);
}

const routes = {
  '/file': file,
  '/received': (_, response) => say(response, { received }),
  '/events': (_, response) => {
    [open, number] = [response, 0];
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    event();
  },
  '/next': (_, response) => say(response, { sent: event() ?? number }),
  '/end': (_, response) => say(response, { ended: open.end() && number }),
};

const server = createServer((request, response) => (routes[request.url] ?? tell)(request, response));
server.on('upgrade', echo);
server.keepAliveTimeout = 0; // a test may be silent for longer than node's five seconds

server.listen(process.env.PORT ?? 0, '127.0.0.1',
  () => console.log(`listens on 127.0.0.1:${server.address().port}`));
