/** Answers each line of standard input, a form, with a line: what the browser makes of it. */
import { createInterface } from 'node:readline';
import { createServer } from 'vite';

const server = await createServer({
  root: new URL('../..', import.meta.url).pathname,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const { outcomeOf } = await server.ssrLoadModule('/tests/reading-room/outcome.ts');
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(outcomeOf(JSON.parse(line)))}\n`);
await server.close();
