// The fields of an answer, its entity tag, and what stands in a problem. Nothing is sent here.
import { hash } from 'node:crypto';

const CACHE = 'private, max-age=30';
const PROBLEM_TYPE = 'application/problem+json';

export const NOT_FOUND = [404, 'not_found', 'There is no such thing'];

export function screenFields(reply, requestId, outcome) {
  reply.header('server-timing', outcome.timing);
  reply.header('x-request-id', requestId);
  if (outcome.degraded === '') {
    reply.header('cache-control', CACHE);
  } else {
    reply.header('cache-control', 'no-store').header('x-degraded', outcome.degraded);
  }
}

export function entityTag(body) {
  return `"${hash('sha256', body, 'base64url')}"`;
}

export function matches(given, tag) {
  if (given === undefined) {
    return false;
  }
  return given
    .split(',')
    .map((one) => one.trim())
    .some((one) => one === '*' || one === tag || one === `W/${tag}`);
}

// The status, code and title of a call that failed, or of a mistake of the BFF's own.
export function blame({ reason, status }) {
  if (reason === undefined) {
    return [500, 'internal', 'Something went wrong'];
  }
  if (status === 404) {
    return NOT_FOUND;
  }
  return reason === 'timeout'
    ? [504, 'upstream_timeout', 'A backend took too long']
    : [502, 'upstream_failed', 'A backend failed'];
}

// Sets status and fields, and returns the body.
export function problem(reply, requestId, [status, code, title], timing) {
  reply.code(status);
  reply.header('content-type', PROBLEM_TYPE);
  reply.header('cache-control', 'no-store');
  reply.header('x-request-id', requestId);
  if (timing !== '') {
    reply.header('server-timing', timing);
  }
  return JSON.stringify({
    type: `/problems/${code.replaceAll('_', '-')}`,
    title,
    status,
    code,
    request_id: requestId,
  });
}
