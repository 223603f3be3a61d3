// Thousands who ask for the list of calls at once: what waits for a reader is small.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { BINARY, startServer } from './harness/callspool.js';
import { RawConnection, requestJson } from './harness/http.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, postForm } from './harness/webhook.js';

const ASKERS = 2000;
const CALLS = 5;
const ROUNDS = 3; // memory that was used before counts from its first byte on
// What 2,000 lists may take beside their connections.  With sanitizers a connection takes three times as much.
const MOST_MIB = readFileSync(BINARY).includes('__asan_init') ? 120 : 40;

/** The most memory that the process has had, in MiB. */
const peak = (server) => Number(readFileSync(`/proc/${server.pid}/status`, 'latin1').match(/^VmHWM:\s+(\d+) kB$/m)[1]) / 1024;

test(`${ASKERS} connections that ask for 200 calls at once`, async (t) => {
  // A sanitizer keeps what was freed for a while: not here, where memory is counted.
  const server = await startServer(t, { openFiles: 8192, env: { ASAN_OPTIONS: 'quarantine_size_mb=1' } });
  for (let i = 0; i < CALLS; i += 1) assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
  await until('the calls are known', async () => (await requestJson(`${server.url}/api/calls?limit=200`)).json.calls.length === CALLS);
  const connections = [];
  t.after(() => connections.forEach((connection) => connection.close()));
  for (let i = 0; i < ASKERS; i += 1) connections.push(await RawConnection.open(server.url));
  const before = peak(server);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const connection of connections) {
      connection.chunks = [];
      connection.send('GET /api/calls?limit=200 HTTP/1.1\r\nHost: localhost\r\n\r\n');
    }
    for (const connection of connections) {
      await connection.receives(/"number_is_vague":false\}\s*$/, 60_000);
      assert.match(connection.text, /^HTTP\/1\.1 200 /);
    }
  }
  const more = peak(server) - before;
  t.diagnostic(`${more.toFixed(1)} MiB more`);
  assert.ok(more <= MOST_MIB, `${more.toFixed(1)} MiB more`);
});
