// The screen of one product: three calls at once, of which only the product itself cannot be missed.
import { CallFailed } from './backend.mjs';
import { traceparent } from './context.mjs';

// What each part may take, milliseconds.
const PRODUCT_MS = 800;
const RATING_MS = 400;
const AVAILABLE_MS = 400;

export const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    description: { type: 'string' },
    price: { type: 'integer' },
    currency: { type: 'string' },
    images: { type: 'array', items: { type: 'string' } },
    rating: {
      type: 'object',
      properties: { count: { type: 'integer' }, average_hundredths: { type: 'integer' } },
    },
    available: { type: 'integer' },
  },
};

// One request's calls. `answer` is called once: with what failed the whole screen, or with what there is.
export class ProductScreen {
  timing = '';
  degraded = '';
  #metrics;
  #context;
  #answer;
  #product = null;
  #rating;
  #available;
  #waiting = 3;
  #calls = [];

  constructor(backends, metrics, id, context, answer) {
    this.#metrics = metrics;
    this.#context = context;
    this.#answer = answer;
    this.#call('product', backends.catalog, `/${id}`, PRODUCT_MS, (product) => {
      if (typeof product?.name !== 'string') {
        throw new CallFailed('decode');
      }
      this.#product = product;
    });
    this.#call('rating', backends.reviews, `/summary?ids=${id}`, RATING_MS, ({ items }) => {
      if (items[0]?.count > 0) {
        this.#rating = items[0];
      }
    });
    this.#call('available', backends.inventory, `?ids=${id}`, AVAILABLE_MS, ({ items }) => {
      this.#available = items[0]?.available;
    });
  }

  #call(part, backend, rest, own, take) {
    const { requestId, trace, budget, started } = this.#context;
    const milliseconds = Math.min(own, budget);
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
    const call = backend.get(rest, fields, milliseconds, (failure, value) => {
      if (failure === null) {
        try {
          take(value);
        } catch {
          failure = new CallFailed('decode');
        }
      }
      this.#ended(part, failure, performance.now() - started);
    });
    this.#calls.push(call);
  }

  #ended(part, failure, took) {
    if (this.#answer === null) {
      return;
    }
    this.#metrics.part(part, failure === null ? 'ok' : failure.reason);
    this.timing += `${this.timing === '' ? '' : ', '}${part};dur=${Math.round(took * 100) / 100}`;
    if (failure !== null && part === 'product') {
      this.#finish(failure);
      return;
    }
    if (failure !== null) {
      this.degraded += `${this.degraded === '' ? '' : ', '}${part};reason=${failure.reason}`;
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

  // Empties are left out, and so is what the serializer finds undefined.
  body() {
    const { id, name, description, price, currency, images } = this.#product;
    return {
      id,
      name,
      description: description || undefined,
      price,
      currency,
      // In the width of a list's pictures, as nobody says another.
      images: images?.length > 0 ? images.map((image) => `${image}?w=160`) : undefined,
      rating: this.#rating,
      available: this.#available,
    };
  }
}
