// A BFF as one would write it for production speed on Node: fastify in front, undici behind.
// It does what the BFF beside it does for `GET /products/{id}`; see bench/README.md for the list.
// Usage: BFF_BIND=… BFF_CATALOG_URL=… BFF_REVIEWS_URL=… BFF_INVENTORY_URL=… BFF_ACCESS_LOG=… node server.mjs --ready-file FILE
import { hash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fastify from 'fastify';
import { Backend } from './backend.mjs';
import { budget, requestId, trace } from './context.mjs';
import { ProductScreen, schema } from './product.mjs';
import { AccessLog, Metrics } from './records.mjs';

const { values: options } = parseArgs({ options: { 'ready-file': { type: 'string' } } });
const environment = process.env;

const ID = /^[1-9]\d{0,14}$/;
const CACHE = 'private, max-age=30';
const JSON_TYPE = 'application/json';
const PROBLEM_TYPE = 'application/problem+json';

const backends = {
  catalog: new Backend(environment.BFF_CATALOG_URL),
  reviews: new Backend(environment.BFF_REVIEWS_URL),
  inventory: new Backend(environment.BFF_INVENTORY_URL),
};
const metrics = new Metrics();
const accessLog = new AccessLog(environment.BFF_ACCESS_LOG);

// The framework's own log, ids and hooks would be a second set of what is done here.
const app = fastify({ logger: false, exposeHeadRoutes: false, keepAliveTimeout: 75_000 });

app.get('/products/:id', { schema: { response: { 200: schema } } }, (request, reply) => {
  const fields = request.raw.headers;
  const context = {
    requestId: requestId(fields),
    trace: trace(fields),
    budget: budget(fields),
    started: performance.now(),
  };
  const { id } = request.params;
  if (!ID.test(id)) {
    problem(request, reply, context, 404, 'not_found', 'There is no such thing', '');
    return;
  }
  new ProductScreen(backends, metrics, id, context, (failure, screen) => {
    if (failure === null) {
      whole(request, reply, context, screen);
    } else {
      const [status, code, title] = blame(failure);
      problem(request, reply, context, status, code, title, screen.timing);
    }
  });
});

app.get('/metrics', (_request, reply) => {
  reply.type('text/plain; version=0.0.4').send(metrics.text());
});

app.setNotFoundHandler((request, reply) => {
  const context = { requestId: requestId(request.raw.headers), started: performance.now() };
  problem(request, reply, context, 404, 'not_found', 'There is no such thing', '');
});

function whole(request, reply, context, screen) {
  const body = reply.getSerializationFunction(200)(screen.body());
  reply.header('content-type', JSON_TYPE);
  reply.header('server-timing', screen.timing);
  reply.header('x-request-id', context.requestId);
  if (screen.degraded !== '') {
    reply.header('cache-control', 'no-store').header('x-degraded', screen.degraded);
    finish(request, reply, context, 200, body, screen.degraded);
    return;
  }
  const tag = `"${hash('sha256', body, 'base64url')}"`;
  reply.header('cache-control', CACHE);
  reply.header('etag', tag);
  if (matches(request.raw.headers['if-none-match'], tag)) {
    reply.removeHeader('content-type');
    finish(request, reply, context, 304, '', '');
  } else {
    finish(request, reply, context, 200, body, '');
  }
}

function problem(request, reply, context, status, code, title, timing) {
  const body = JSON.stringify({
    type: `/problems/${code.replaceAll('_', '-')}`,
    title,
    status,
    code,
    request_id: context.requestId,
  });
  reply.header('content-type', PROBLEM_TYPE);
  reply.header('cache-control', 'no-store');
  reply.header('x-request-id', context.requestId);
  if (timing !== '') {
    reply.header('server-timing', timing);
  }
  finish(request, reply, context, status, body, '');
}

function finish(request, reply, { requestId, started }, status, body, degraded) {
  metrics.screen(status);
  accessLog.write(request.raw, requestId, status, Buffer.byteLength(body), started, degraded);
  reply.code(status).send(body);
}

function blame({ reason, status }) {
  if (status === 404) {
    return [404, 'not_found', 'There is no such thing'];
  }
  return reason === 'timeout'
    ? [504, 'upstream_timeout', 'A backend took too long']
    : [502, 'upstream_failed', 'A backend failed'];
}

function matches(given, tag) {
  if (given === undefined) {
    return false;
  }
  return given
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one === tag || one === `W/${tag}`);
}

const [host, port] = environment.BFF_BIND.split(':');
await app.listen({ host, port: Number(port), backlog: 4096 });
const { port: bound } = app.server.address();
if (options['ready-file'] !== undefined) {
  // Whoever waits for the file must not see half of it.
  const half = `${options['ready-file']}.new`;
  writeFileSync(half, JSON.stringify({ bind: `${host}:${bound}` }));
  renameSync(half, options['ready-file']);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await app.close();
    await Promise.all(Object.values(backends).map((backend) => backend.close()));
    accessLog.close();
  });
}
