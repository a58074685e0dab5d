// One request's three calls at once, without a promise: each tells when it has ended, and the last one answers.
import { failureOf } from '../common/backend.mjs';
import { traceparent } from '../common/context.mjs';
import { Outcome } from '../common/outcome.mjs';
import { AVAILABLE, PRODUCT, RATING, content } from '../common/screen.mjs';

// `answer` is called once: with what failed the whole screen, or with what there is.
export class ProductScreen {
  outcome;
  #context;
  #answer;
  #product = null;
  #rating;
  #available;
  #waiting = 3;
  #calls = [];

  constructor(backends, metrics, id, context, answer) {
    this.outcome = new Outcome(metrics, context.started);
    this.#context = context;
    this.#answer = answer;
    this.#call(PRODUCT, backends.catalog, id, (value) => {
      this.#product = value;
    });
    this.#call(RATING, backends.reviews, id, (value) => {
      this.#rating = value;
    });
    this.#call(AVAILABLE, backends.inventory, id, (value) => {
      this.#available = value;
    });
  }

  #call(part, backend, id, keep) {
    const { requestId, trace, budget } = this.#context;
    const milliseconds = Math.min(part.milliseconds, budget);
    const fields = [
      'accept',
      'application/json',
      'x-request-id',
      requestId,
      'traceparent',
      traceparent(trace),
      'x-request-deadline-ms',
      String(milliseconds),
    ];
    const call = backend.get(part.rest(id), fields, milliseconds, (failure, value) => {
      if (failure === null) {
        try {
          keep(part.take(value));
        } catch (error) {
          failure = failureOf(error);
        }
      }
      this.#ended(part, failure);
    });
    this.#calls.push(call);
  }

  #ended(part, failure) {
    if (this.#answer === null) {
      return;
    }
    this.outcome.ended(part, failure);
    if (failure !== null && part.required) {
      this.#finish(failure);
      return;
    }
    this.#waiting -= 1;
    if (this.#waiting === 0) {
      this.#finish(null);
    }
  }

  // When the screen is lost, nobody waits for the rest of it.
  #finish(failure) {
    const answer = this.#answer;
    this.#answer = null;
    if (failure !== null) {
      this.#calls.forEach((call) => call.cancel('connect'));
    }
    answer(failure, this);
  }

  content() {
    return content(this.#product, this.#rating, this.#available);
  }
}
