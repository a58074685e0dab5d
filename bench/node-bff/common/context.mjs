// What a request is called, which trace it belongs to and how long it may take.
import { randomFillSync, randomUUID } from 'node:crypto';

const REQUEST_ID = /^[\w.~-]{1,128}$/;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const MILLISECONDS = /^\d{1,8}$/;

// What the screen may take, and what of it is kept for composing.
const BUDGET_MS = 1_000;
const RESERVE = 0.15;
const LEAST_RESERVE_MS = 20;

// Random bytes are drawn by the block, since drawing costs more than using them.
const block = Buffer.allocUnsafe(8 * 1024);
let drawn = block.length;

function randomHex(bytes) {
  if (drawn + bytes > block.length) {
    randomFillSync(block);
    drawn = 0;
  }
  drawn += bytes;
  return block.toString('hex', drawn - bytes, drawn);
}

// All of it, of a request that has just come.
export function contextOf(fields) {
  return {
    requestId: requestId(fields),
    trace: trace(fields),
    budget: budget(fields),
    started: performance.now(),
  };
}

export function requestId(fields) {
  const given = fields['x-request-id'];
  return given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
}

// The part of `traceparent` that all calls share: a call adds its own span.
function trace(fields) {
  const given = fields.traceparent;
  return given !== undefined && TRACEPARENT.test(given)
    ? { head: given.slice(0, 36), tail: given.slice(52) }
    : { head: `00-${randomHex(16)}-`, tail: '-01' };
}

export function traceparent({ head, tail }) {
  return head + randomHex(8) + tail;
}

// Milliseconds for the calls, at least one.
function budget(fields) {
  const given = fields['x-request-deadline-ms'];
  const whole =
    given !== undefined && MILLISECONDS.test(given) ? Math.min(Number(given), BUDGET_MS) : BUDGET_MS;
  return Math.max(1, Math.floor(whole - Math.max(whole * RESERVE, LEAST_RESERVE_MS)));
}
