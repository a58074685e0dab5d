// One backend, and one call to it.
// `dispatch` with a handler of its own is undici's cheapest way: no stream, no signal and no promise is made for an answer.
import { CallFailed, connect, failureOf, refusal } from '../common/backend.mjs';

export class Backend {
  #base;
  #pool;

  constructor(url) {
    const { base, pool } = connect(url);
    this.#base = base;
    this.#pool = pool;
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
    this.#chunks.push(chunk);
    return true;
  }

  onComplete() {
    const refused = refusal(this.#status);
    if (refused !== null) {
      this.#fail(refused);
      return;
    }
    let value;
    try {
      value = JSON.parse(this.#text());
    } catch (error) {
      this.#fail(failureOf(error));
      return;
    }
    this.#settle(null, value);
  }

  onError(error) {
    this.#fail(failureOf(error));
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
