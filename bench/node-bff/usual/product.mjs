// One request's three calls at once, and what becomes of the screen when one of them fails.
import { CallFailed, failureOf } from '../common/backend.mjs';
import { traceparent } from '../common/context.mjs';
import { AVAILABLE, PRODUCT, RATING, content } from '../common/screen.mjs';

const PARTS = [PRODUCT, RATING, AVAILABLE];

// Why calls are given up whose screen cannot be shown.
const LOST = new CallFailed('lost');

// The screen's content, without the parts that `outcome` then calls degraded; throws what failed the product.
export async function productScreen(backends, id, context, outcome) {
  const calls = PARTS.map(() => new AbortController());
  const asked = PARTS.map((part, place) => ask(part, backends, id, context, calls[place], outcome));
  // Nobody waits for the rest of a screen that is lost: its other parts settle at once.
  asked[0].catch(() => calls.forEach((call) => call.abort(LOST)));
  const [product, rating, available] = await Promise.allSettled(asked);
  if (product.status === 'rejected') {
    throw product.reason;
  }
  return content(product.value, rating.value, available.value);
}

async function ask(part, backends, id, { requestId, trace, budget }, call, outcome) {
  const milliseconds = Math.min(part.milliseconds, budget);
  const headers = {
    accept: 'application/json',
    'x-request-id': requestId,
    traceparent: traceparent(trace),
    'x-request-deadline-ms': String(milliseconds),
  };
  // A signal per part with its timer: `AbortSignal.any` over a `timeout` and one for the screen costs nearly a quarter more.
  const timer = setTimeout(timedOut, milliseconds, call);
  try {
    const value = part.take(await backends[part.backend].get(part.rest(id), headers, call.signal));
    outcome.ended(part, null);
    return value;
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== LOST) {
      outcome.ended(part, failure);
    }
    throw failure;
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(call) {
  call.abort(new CallFailed('timeout'));
}
