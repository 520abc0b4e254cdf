// In the place of a language model: streams at most as many tokens as X-Max-Tokens allows, and settles what
// it has sent, also where the client leaves. `PORT=3000 node tokens.mjs`; SLUICE says where Sluice's API is.
import { createServer } from 'node:http';

const DEFAULT = 200, PAUSE_MS = 2, TRIES = 5;
const SLUICE = process.env.SLUICE ?? 'http://127.0.0.1:8080';
// What the model says of its own accord: shorter than most clients allow.
const LENGTH = Number(process.env.LENGTH ?? 400);

// Until Sluice has taken it: the same may be said again. After the last try the estimate stays charged.
async function settle(id, actual) {
  for (let left = TRIES; left > 0; --left) {
    try {
      const answer = await fetch(`${SLUICE}/settle`, {
        method: 'POST', body: JSON.stringify({ request_id: id, actual }), signal: AbortSignal.timeout(3000),
      });
      await answer.body?.cancel();
      if (answer.status < 500) return;
    } catch { /* nobody there: once more */ }
  }
  console.error(`not settled: ${id}, ${actual} tokens`);
}

const server = createServer((request, response) => {
  request.resume();
  const [path] = request.url.split('?');
  if (request.method !== 'POST' || path !== '/v1/completions') return response.writeHead(404).end();
  const id = request.headers['x-decision-id'];
  const most = Math.min(LENGTH, Number(request.headers['x-max-tokens'] || DEFAULT));
  let sent = 0, timer, over = false;
  const end = async () => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (id) await settle(id, sent);  // none: no worker was asked
    response.end('data: [DONE]\n\n');
  };
  const next = () => {
    if (sent === most) return end();
    response.write(`data: {"token":"word${++sent} "}\n\n`);
    timer = setTimeout(next, PAUSE_MS);
  };
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  response.on('close', end);
  next();
});
server.listen(process.env.PORT ?? 3000, '127.0.0.1',
  () => console.log(`listens on 127.0.0.1:${server.address().port}`));
