// Stored files that somebody removed or cut: a play finds out, has them fetched again, and is heard.  What
// cannot be read, or a store that is away as a whole, is no reason to fetch anything.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathOf, startServer, untilDigest, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';

const LOST = /is lost, and queued to be fetched again/;
const UNREADABLE = /cannot look up/;

/** A recording that was stored, the path of its file, and a server that has not opened it yet. */
async function startCold(t, expectErrors) {
  const { server, upstream, recording } = await startStored(t);
  const before = await request(server.url + recording.mediaPath);
  const path = await pathOf(server, recording.callSid);
  await until('its waveform is there', async () => (await request(`${server.url}/api/recordings/${recording.recordingSid}/waveform`)).status === 200);
  await server.stop('SIGTERM');
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, expectErrors, settings: { play_wait: '5s' } });
  return { server: again, upstream, recording, before, path };
}

const ways = [
  ['removed', (path) => rmSync(path)],
  ['cut short', (path) => truncateSync(path, 1000)],
  ['empty', (path) => truncateSync(path, 0)],
  ['longer than it was', (path) => truncateSync(path, 10_000_000)],
];
for (const [name, lose] of ways) {
  test(`${name}: the play that finds it so is heard, and it is stored again`, async (t) => {
    const { server, upstream, recording, before, path } = await startCold(t, [LOST]);
    lose(path);
    const plays = await Promise.all([recording.mediaPath, recording.downloadPath, recording.mediaPath]
      .map((address) => request(server.url + address)));
    for (const play of plays) {
      assert.equal(play.status, 200, play.body.toString().slice(0, 300));
      assert.ok(play.body.equals(recording.bytes));
      assert.notEqual(play.headers.etag, before.headers.etag, 'a file begun anew');
    }
    const call = await untilState(server, recording.callSid, 'stored');
    assert.equal(call.recordings[0].attempts.length, 2);
    assert.equal(upstream.mediaRequests(recording.recordingSid).length, 2, 'one flight for all of them');
    assert.equal(server.err.filter((line) => LOST.test(line)).length, 1, 'told once');
    await untilDigest(server, recording.callSid, recording.recordingSid);
    const after = await request(server.url + recording.mediaPath);
    assert.equal(after.headers.etag, plays[0].headers.etag);
    assert.equal(after.headers['repr-digest'], before.headers['repr-digest']);
    const now = await pathOf(server, recording.callSid);
    assert.notEqual(now, path, 'no name is written twice');
    assert.ok(readFileSync(now).equals(recording.bytes));
    await until('what was there before is removed', () => !existsSync(path));
  });
}

test('Twilio has it no more: the error of the table, and the reason is shown', async (t) => {
  const { server, upstream, recording, path } = await startCold(t, [LOST]);
  rmSync(path);
  upstream.recordings.set(recording.recordingSid, { callSid: recording.callSid, answer: (_, reply) => reply.writeHead(503).end() });
  const play = await request(server.url + recording.mediaPath);
  assert.equal(play.status, 503);
  assert.equal(JSON.parse(play.body).code, 'upstream_unavailable');
  const { json } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
  assert.equal((json.call ?? json).recordings[0].reason.code, 'server_error');
});

test('the whole store under another name: what is open is still the store', async (t) => {
  const { server, recording, path } = await startCold(t, []);
  renameSync(dirname(dirname(path)), `${dirname(dirname(path))}.away`);
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes));
});

const untouched = [
  ['the store is empty, as where its disk is not mounted', (path) => {
    const root = dirname(dirname(path));
    for (const folder of readdirSync(root)) renameSync(join(root, folder), join(root, '..', `away.${folder}`));
  }],
  ['a link in its place', (path) => { renameSync(path, `${path}.away`); symlinkSync(`${path}.away`, path); }],
];
for (const [name, lose] of untouched) {
  test(`${name}: 500, and nothing is fetched`, async (t) => {
    const { server, upstream, recording, path } = await startCold(t, [UNREADABLE]);
    lose(path);
    const play = await request(server.url + recording.mediaPath);
    assert.equal(play.status, 500, play.body.toString().slice(0, 300));
    assert.equal(JSON.parse(play.body).code, 'internal');
    const { json } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
    assert.equal((json.call ?? json).recordings[0].state, 'stored');
    assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
  });
}
