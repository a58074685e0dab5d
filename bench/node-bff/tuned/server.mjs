// The BFF on Node with all that hand-work gets out of it: callbacks instead of promises, no hooks, the body serialized and
// the access line written in place. Nobody keeps a team's screens like this; see bench/README.md.
import { NOT_FOUND, blame, entityTag, matches, problem, screenFields } from '../common/answering.mjs';
import { accessLog, app, backends, metrics, serve } from '../common/app.mjs';
import { contextOf, requestId } from '../common/context.mjs';
import { isId, schema } from '../common/screen.mjs';
import { Backend } from './backend.mjs';
import { ProductScreen } from './product.mjs';

const all = backends(Backend);

app.get('/products/:id', { schema: { response: { 200: schema } } }, (request, reply) => {
  const context = contextOf(request.raw.headers);
  const { id } = request.params;
  if (!isId(id)) {
    failed(request, reply, context, NOT_FOUND, '');
    return;
  }
  new ProductScreen(all, metrics, id, context, (failure, screen) => {
    if (failure === null) {
      whole(request, reply, context, screen);
    } else {
      failed(request, reply, context, blame(failure), screen.outcome.timing);
    }
  });
});

app.setNotFoundHandler((request, reply) => {
  const context = { requestId: requestId(request.raw.headers), started: performance.now() };
  failed(request, reply, context, NOT_FOUND, '');
});

function whole(request, reply, context, screen) {
  const { outcome } = screen;
  const body = reply.getSerializationFunction(200)(screen.content());
  screenFields(reply, context.requestId, outcome);
  if (outcome.degraded === '') {
    const tag = entityTag(body);
    reply.header('etag', tag);
    if (matches(request.raw.headers['if-none-match'], tag)) {
      finish(request, reply.code(304), context, undefined, '');
      return;
    }
  }
  reply.header('content-type', 'application/json');
  finish(request, reply, context, body, outcome.degraded);
}

function failed(request, reply, context, fault, timing) {
  const body = problem(reply, context.requestId, fault, timing);
  finish(request, reply, context, body, '');
}

function finish(request, reply, { requestId, started }, body, degraded) {
  const status = reply.statusCode;
  const bytes = body === undefined ? 0 : Buffer.byteLength(body);
  metrics.screen(status);
  accessLog.write(request.raw, requestId, status, bytes, started, degraded);
  reply.send(body);
}

await serve();
