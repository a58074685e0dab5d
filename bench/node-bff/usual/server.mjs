// The BFF as a good team writes it on Node: async handlers, the framework's hooks, a response schema, errors that are thrown.
// It does what the BFF beside it does for `GET /products/{id}`; see bench/README.md for the list.
import { NOT_FOUND, blame, entityTag, matches, problem, screenFields } from '../common/answering.mjs';
import { accessLog, app, backends, metrics, serve } from '../common/app.mjs';
import { contextOf } from '../common/context.mjs';
import { Outcome } from '../common/outcome.mjs';
import { isId, schema } from '../common/screen.mjs';
import { Backend } from './backend.mjs';
import { productScreen } from './product.mjs';

const all = backends(Backend);

app.register(async (screens) => {
  screens.decorateRequest('context', null);
  screens.decorateRequest('outcome', null);

  screens.addHook('onRequest', (request, _reply, done) => {
    request.context = contextOf(request.headers);
    request.outcome = new Outcome(metrics, request.context.started);
    done();
  });

  screens.addHook('onResponse', (request, reply, done) => {
    const { context, outcome } = request;
    const bytes = Number(reply.getHeader('content-length') ?? 0);
    metrics.screen(reply.statusCode);
    accessLog.write(request.raw, context.requestId, reply.statusCode, bytes, context.started, outcome.degraded);
    done();
  });

  screens.setErrorHandler((failure, request, reply) => {
    reply.send(problem(reply, request.context.requestId, blame(failure), request.outcome.timing));
  });

  screens.setNotFoundHandler((request, reply) => {
    reply.send(problem(reply, request.context.requestId, NOT_FOUND, ''));
  });

  const options = { schema: { response: { 200: schema } }, onSend: tag };
  screens.get('/products/:id', options, async (request, reply) => {
    const { context, outcome, params } = request;
    if (!isId(params.id)) {
      return reply.callNotFound();
    }
    const content = await productScreen(all, params.id, context, outcome);
    screenFields(reply, context.requestId, outcome);
    return content;
  });
});

// A whole screen can be kept, and need not be sent to who has it.
function tag(request, reply, body, done) {
  if (reply.statusCode !== 200 || request.outcome.degraded !== '') {
    done(null, body);
    return;
  }
  const known = entityTag(body);
  reply.header('etag', known);
  if (matches(request.headers['if-none-match'], known)) {
    reply.code(304).removeHeader('content-type');
    done(null, null);
  } else {
    done(null, body);
  }
}

await serve();
