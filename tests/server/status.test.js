// What status, /health and the log know of a server that cannot work as it should.
import test from 'node:test';
import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from './harness/callspool.js';
import { requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';

const statusOf = async (server) => (await requestJson(`${server.url}/api/status`)).json;

test('a start below min_free is a line of the log, before there is anything to fetch', async (t) => {
  const folder = temporaryFolder(t);
  const { bavail, bsize } = statfsSync(folder);
  const server = await startServer(t, { dataDir: join(folder, 'data'), settings: { min_free: `${Math.ceil(bavail * bsize / 2 ** 20) + 1024}M` } });
  await server.line(/level=warn .*less than min_free/);
  assert.match((await statusOf(server)).causes.join('\n'), /less room than min_free/);
});
