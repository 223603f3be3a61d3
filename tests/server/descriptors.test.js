// A small table of descriptors: what is only kept for speed gives way to what is needed.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { Simulator } from './harness/simulator.js';
import { until } from './harness/until.js';

const openFiles = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

test('more recordings are played than descriptors are there to keep them open', async (t) => {
  const simulator = await Simulator.start(t);
  const server = await startServer(t, { upstream: simulator.url, openFiles: 90 });
  const recordings = [];
  for (let i = 0; i < 100; i++) recordings.push(await simulator.announce(server, { duration: 1 }));
  for (const { callSid } of recordings) await untilState(server, callSid, 'stored');

  for (const { downloadPath, bytes } of recordings) {
    const reply = await request(`${server.url}${downloadPath}`);
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, bytes);
  }
});

test('recordings that wait for their next try with a part of their media leave descriptors to others', async (t) => {
  const simulator = await Simulator.start(t);
  await simulator.addFaults('cut=50%');
  const server = await startServer(t, {
    upstream: simulator.url, openFiles: 160, settings: { 'fetch.retry_first': '10m', 'fetch.retry_most': '10m' },
  });
  for (let i = 0; i < 100; i++) await simulator.announce(server, { duration: 1 });
  await until('all of them wait', async () => (await requestJson(`${server.url}/api/status`)).json.recordings.waiting === 100);
  assert.ok(openFiles(server) < 100, `${openFiles(server)} descriptors are open`);

  await simulator.clearFaults();
  const late = await simulator.announce(server);
  await untilState(server, late.callSid, 'stored');
});
