// What a BFF has around its screens: the framework's settings, its records, a port, and an orderly end.
// Usage: BFF_BIND=… BFF_CATALOG_URL=… BFF_REVIEWS_URL=… BFF_INVENTORY_URL=… BFF_ACCESS_LOG=… node server.mjs --ready-file FILE
import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fastify from 'fastify';
import { AccessLog, Metrics } from './records.mjs';

const environment = process.env;

export const metrics = new Metrics();
export const accessLog = new AccessLog(environment.BFF_ACCESS_LOG);

// The framework's own log and ids would be a second set of what is done here.
export const app = fastify({ logger: false, exposeHeadRoutes: false, keepAliveTimeout: 75_000 });

app.get('/metrics', (_request, reply) => {
  reply.type('text/plain; version=0.0.4').send(metrics.text());
});

// One of `Backend`, which has a `close`, for each that the screens ask.
export function backends(Backend) {
  const all = {
    catalog: new Backend(environment.BFF_CATALOG_URL),
    reviews: new Backend(environment.BFF_REVIEWS_URL),
    inventory: new Backend(environment.BFF_INVENTORY_URL),
  };
  app.addHook('onClose', () => Promise.all(Object.values(all).map((backend) => backend.close())));
  return all;
}

export async function serve() {
  const { values: options } = parseArgs({ options: { 'ready-file': { type: 'string' } } });
  const [host, port] = environment.BFF_BIND.split(':');
  await app.listen({ host, port: Number(port), backlog: 4096 });
  const { port: bound } = app.server.address();
  if (options['ready-file'] !== undefined) {
    // Whoever waits for the file must not see half of it.
    const half = `${options['ready-file']}.new`;
    writeFileSync(half, JSON.stringify({ bind: `${host}:${bound}` }));
    renameSync(half, options['ready-file']);
  }
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, async () => {
      await app.close();
      accessLog.close();
    });
  }
}
