// What is written down about requests: one JSON access line each, in blocks, and counters for /metrics.
import SonicBoom from 'sonic-boom';

const BLOCK = 64 * 1024;
const FLUSH_MS = 1_000;

const quoted = JSON.stringify;

export class AccessLog {
  #file;
  #second = 0;
  #time = '';

  constructor(path) {
    this.#file = new SonicBoom({
      dest: path,
      append: true,
      sync: false,
      minLength: BLOCK,
      maxWrite: 2 * BLOCK,
      periodicFlush: FLUSH_MS,
    });
  }

  // By hand: the names are known, and only what a client chose needs quoting.
  write(request, id, status, bytes, started, degraded) {
    const fields = request.headers;
    this.#file.write(
      `{"time":"${this.#now()}","client":"${request.socket.remoteAddress}","method":"${request.method}",` +
        `"path":${quoted(request.url)},"view":"product","status":${status},"bytes":${bytes},` +
        `"duration":${((performance.now() - started) / 1_000).toFixed(6)},"host":${quoted(fields.host ?? '')},` +
        `"user_agent":${quoted(fields['user-agent'] ?? '')},"request_id":"${id}","degraded":"${degraded}"}\n`,
    );
  }

  // To the second; formatting a time costs as much as the rest of the line.
  #now() {
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#time = new Date(second * 1_000).toISOString();
    }
    return this.#time;
  }

  close() {
    this.#file.flushSync();
    this.#file.end();
  }
}

// Counters by the screen's statuses and the parts' outcomes; labels are written when somebody asks.
export class Metrics {
  #screens = new Map();
  #parts = { product: new Map(), rating: new Map(), available: new Map() };

  screen(status) {
    count(this.#screens, status);
  }

  part(name, outcome) {
    count(this.#parts[name], outcome);
  }

  text() {
    const lines = ['# TYPE bff_requests_total counter'];
    for (const [status, value] of this.#screens) {
      lines.push(`bff_requests_total{view="product",status="${status}"} ${value}`);
    }
    lines.push('# TYPE bff_parts_total counter');
    for (const [part, outcomes] of Object.entries(this.#parts)) {
      for (const [outcome, value] of outcomes) {
        lines.push(`bff_parts_total{view="product",part="${part}",outcome="${outcome}"} ${value}`);
      }
    }
    return lines.join('\n') + '\n';
  }
}

function count(counters, label) {
  counters.set(label, (counters.get(label) ?? 0) + 1);
}
