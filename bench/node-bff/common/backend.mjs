// A backend's address and its pool of kept connections, and why a call to it came to nothing. How it is called is left to
// each BFF.
import { Pool } from 'undici';

// More than there are requests at once under the benchmark's load, so that none waits for a connection.
const CONNECTIONS = 128;

// No answer of the shop is as large.
const LARGEST = 2 * 1024 * 1024;

// Never leaves the process with more than its reason.
export class CallFailed extends Error {
  constructor(reason, status) {
    super(reason);
    this.reason = reason;
    this.status = status;
  }
}

// The failure that an answer's status is, if it is one.
export function refusal(status) {
  return status === 200 ? null : new CallFailed(status < 500 ? '4xx' : '5xx', status);
}

// What went wrong with a call that gave `error`.
export function failureOf(error) {
  if (error instanceof CallFailed) {
    return error;
  }
  // No JSON, JSON of another shape, or too much of it.
  const odd = error instanceof SyntaxError || error instanceof TypeError;
  return new CallFailed(odd || error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'decode' : 'connect');
}

// Where the backend's resource begins, of http://host:port/api/products the path, and the pool for the rest.
export function connect(url) {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    // The part's own limit is the limit.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: LARGEST,
  });
  return { base: pathname, pool };
}
