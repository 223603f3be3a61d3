// A small table of descriptors: what is only kept for speed gives way to what is needed.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { readdirSync } from 'node:fs';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { scrape } from './harness/metrics.js';
import { Simulator, tell } from './harness/simulator.js';
import { until } from './harness/until.js';

const openFiles = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

test('more recordings are played than descriptors are there to keep them open', async (t) => {
  const simulator = await Simulator.start(t);
  const server = await startServer(t, { upstream: simulator.url, openFiles: 94 });
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

test('a flood of idle connections leaves descriptors to flights, to look-ups and to the administrator', async (t) => {
  const simulator = await Simulator.start(t);
  const server = await startServer(t, { upstream: simulator.url, openFiles: 256 });
  const early = await simulator.announce(server, { duration: 1 });
  await untilState(server, early.callSid, 'stored');
  const player = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => player.destroy());
  assert.equal((await request(`${server.url}/health`, { agent: player })).status, 200);

  const crowd = await Promise.all(Array.from({ length: 400 }, () => RawConnection.open(server.url)));
  t.after(() => crowd.forEach((connection) => connection.close()));
  await until('those who are too many are told so', () => crowd.some(({ text }) => /^HTTP\/1\.1 503 [^]*"overloaded"/.test(text)));
  assert.match(crowd.find(({ text }) => text).text, /^Retry-After: \d+\r$/m);
  await server.line(/level=warn .*new ones are answered 503/);
  const { samples } = await scrape(server, { agent: player });
  assert.ok(samples.get('callspool_connections_refused_total') > 100, 'they are counted');
  assert.ok(samples.get('callspool_connections') < 256, `${samples.get('callspool_connections')} are open`);

  const late = await simulator.place({ duration: 1 });
  await tell(server, late, {}, { agent: player });
  for (const { downloadPath, bytes } of [early, late]) {
    const reply = await request(`${server.url}${downloadPath}`, { agent: player });
    assert.equal(reply.status, 200);
    assert.deepEqual(reply.body, bytes);
  }
  const status = await callspool(['status', '--set', `data_dir=${server.dataDir}`]);
  assert.match(status.stdout, /stored/);
  const { json } = await requestJson(`${server.url}/api/calls/${late.callSid}`, { agent: player });
  assert.ok(!JSON.stringify(json).includes('descriptors'), 'fetched at the first attempt');

  crowd.forEach((connection) => connection.close());
  await until('there is room again', async () => (await request(`${server.url}/health`)).status === 200);
  await server.line(/level=info .*taken again/);
});
