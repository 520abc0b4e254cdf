// In the place of a language model: streams as many tokens as X-Max-Tokens allows. `PORT=3000 node tokens.mjs`.
import { createServer } from 'node:http';

const DEFAULT = 200, PAUSE_MS = 2;

const server = createServer((request, response) => {
  request.resume();
  const [path] = request.url.split('?');
  if (request.method !== 'POST' || path !== '/v1/completions') return response.writeHead(404).end();
  const most = Number(request.headers['x-max-tokens'] || DEFAULT);
  let sent = 0;
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  const next = () => {
    if (sent === most) return response.end('data: [DONE]\n\n');
    response.write(`data: {"token":"word${++sent} "}\n\n`);
    timer = setTimeout(next, PAUSE_MS);
  };
  let timer = setTimeout(next, 0);
  response.on('close', () => clearTimeout(timer));
});
server.listen(process.env.PORT ?? 3000, '127.0.0.1',
  () => console.log(`listens on 127.0.0.1:${server.address().port}`));
