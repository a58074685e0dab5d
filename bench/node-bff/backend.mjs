// One backend behind a pool of kept connections, and one call to it.
// `dispatch` with a handler of its own is undici's cheapest way: no stream and no wrapper is made for an answer.
import { Pool } from 'undici';

// More than there are requests at once under the benchmark's load, so that none waits for a connection.
const CONNECTIONS = 128;

// No answer of the shop is as large.
const LARGEST = 2 * 1024 * 1024;

// Why a call came to nothing. Never leaves the process with more than its reason.
export class CallFailed extends Error {
  constructor(reason, status) {
    super(reason);
    this.reason = reason;
    this.status = status;
  }
}

export class Backend {
  #base;
  #pool;

  // `url` is where the backend's resource begins: http://host:port/api/products
  constructor(url) {
    const { origin, pathname } = new URL(url);
    this.#base = pathname;
    this.#pool = new Pool(origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      // The call's own timer is the limit.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  // Asks for what lies at `rest` behind the backend's path; `fields` is a flat list of names and values.
  // `settled` hears of the failure, or gets the value.
  get(rest, fields, milliseconds, settled) {
    const call = new Call(milliseconds, settled);
    this.#pool.dispatch({ method: 'GET', path: this.#base + rest, headers: fields }, call);
    return call;
  }

  close() {
    return this.#pool.destroy();
  }
}

class Call {
  #settled;
  #timer;
  #abort = null;
  #status = 0;
  #chunks = [];
  #length = 0;

  constructor(milliseconds, settled) {
    this.#settled = settled;
    this.#timer = setTimeout(timedOut, milliseconds, this);
  }

  // Gives up; whoever waits hears `reason`.
  cancel(reason) {
    this.#fail(new CallFailed(reason));
  }

  onConnect(abort) {
    if (this.#settled === null) {
      abort();
    } else {
      this.#abort = abort;
    }
  }

  onHeaders(status) {
    this.#status = status;
    return true;
  }

  onData(chunk) {
    this.#length += chunk.length;
    if (this.#length > LARGEST) {
      this.cancel('decode');
    } else {
      this.#chunks.push(chunk);
    }
    return true;
  }

  onComplete() {
    if (this.#status !== 200) {
      this.#fail(new CallFailed(this.#status < 500 ? '4xx' : '5xx', this.#status));
      return;
    }
    let value;
    try {
      value = JSON.parse(this.#text());
    } catch {
      this.#fail(new CallFailed('decode'));
      return;
    }
    this.#settle(null, value);
  }

  onError() {
    this.#fail(new CallFailed('connect'));
  }

  // Small answers come in one chunk.
  #text() {
    return this.#chunks.length === 1
      ? this.#chunks[0].toString()
      : Buffer.concat(this.#chunks, this.#length).toString();
  }

  #fail(failure) {
    const abort = this.#abort;
    this.#settle(failure, null);
    abort?.();
  }

  #settle(failure, value) {
    const settled = this.#settled;
    if (settled !== null) {
      this.#settled = null;
      this.#abort = null;
      clearTimeout(this.#timer);
      settled(failure, value);
    }
  }
}

function timedOut(call) {
  call.cancel('timeout');
}
