// One backend, and one call to it, by undici's own `request` and body reader.
import { connect, failureOf, refusal } from '../common/backend.mjs';

export class Backend {
  #base;
  #pool;

  constructor(url) {
    const { base, pool } = connect(url);
    this.#base = base;
    this.#pool = pool;
  }

  // The value that lies at `rest` behind the backend's path; throws `CallFailed`.
  async get(rest, headers, signal) {
    try {
      const path = this.#base + rest;
      const { statusCode, body } = await this.#pool.request({ method: 'GET', path, headers, signal });
      const refused = refusal(statusCode);
      if (refused !== null) {
        // Read to its end, so that the connection can be kept.
        await body.dump();
        throw refused;
      }
      return await body.json();
    } catch (error) {
      throw failureOf(error);
    }
  }

  close() {
    return this.#pool.destroy();
  }
}
