// How the parts of one screen went, as the answer and the counters tell it.
export class Outcome {
  // Server-Timing and x-degraded; empty where there is nothing to tell.
  timing = '';
  degraded = '';
  #metrics;
  #started;

  constructor(metrics, started) {
    this.#metrics = metrics;
    this.#started = started;
  }

  // `failure` is null for a part that came.
  ended(part, failure) {
    const took = performance.now() - this.#started;
    this.#metrics.part(part.name, failure === null ? 'ok' : failure.reason);
    this.timing += `${this.timing === '' ? '' : ', '}${part.name};dur=${Math.round(took * 100) / 100}`;
    // Without a required part there is no screen that could be degraded.
    if (failure !== null && !part.required) {
      this.degraded += `${this.degraded === '' ? '' : ', '}${part.name};reason=${failure.reason}`;
    }
  }
}
