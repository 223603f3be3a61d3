// The clock of the machine is set while the server runs, by hours or years, and set right again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { request, requestJson } from './harness/http.js';
import { JumpingClock } from './harness/jumping.js';
import { Caller, SIGN_IN, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { temporaryFolder } from './harness/process.js';
import { preloaded } from './harness/shadow.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const HOUR_MS = 60 * 60 * 1000;
const YEAR_MS = 365 * 24 * HOUR_MS;
const MENDED = /were to wait longer than any wait is/;

function makeClock(t) {
  const clock = new JumpingClock(join(temporaryFolder(t), 'ahead'));
  return { clock, env: { ...preloaded([clock.library]), ...clock.env } };
}

async function startJumping(t, settings) {
  const { clock, env } = makeClock(t);
  return { clock, ...await startStored(t, { env, settings: { retention: '30d', purge_grace: '1d', ...settings } }) };
}

/** The upstream has it, or `answer` answers, and the server is told. */
async function tell(server, upstream, answer) {
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const media = audio({ seconds: 2 });
  upstream.recordings.set(recordingSid, { media, wav: media, callSid, duration: 2, channels: 2, answer: answer?.(media) });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '2' }));
  assert.equal(reply.status, 200);
  return { callSid, media, url: `${server.url}/api/recordings/${recordingSid}/media` };
}

test('two years ahead: nothing is removed, and what came meanwhile is fetched once the clock is right again', async (t) => {
  const { server, upstream, recording, clock } = await startJumping(t);
  clock.set(2 * YEAR_MS);
  const told = await tell(server, upstream);
  await until('it counts as expired', async () => {
    const { json } = await requestJson(`${server.url}/api/calls/${told.callSid}`);
    return json.recordings?.[0].reason?.code === 'recording_expired';
  });
  const refused = await requestJson(`${server.url}/api/purge`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
  assert.equal(refused.status, 503);
  assert.match(refused.json.error, /nothing is removed/);
  await server.line(/the clock was set by \d+ s/);
  clock.set(0);
  await untilState(server, told.callSid, 'stored');
  assert.ok((await request(told.url)).body.equals(told.media));
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes));
});

test('two years ahead at the start: the audit, its addresses, links, tokens and sessions are there once the clock is right again', async (t) => {
  const { clock, env } = makeClock(t);
  const settings = { threads: '1' }; // what is asked second comes to the ledger after what the loop's first turn begins
  const { server, upstream, recording } = await startWithPeople(t, { env, settings });
  const admin = await firstAdministrator(server);
  const link = await addLink(admin, recording);
  const token = await addToken(admin, 'play', { expires_in: '7d' });
  const lasting = await addToken(admin, 'play,link');
  await server.stop('SIGTERM');
  const audit = () => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', 'SELECT chain, seq, kind, address FROM audit ORDER BY chain, seq'], { encoding: 'utf8' }).split('\n');
  const before = audit();
  assert.ok(before.some((line) => line.includes(admin.address)));

  clock.set(2 * YEAR_MS);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, env, settings: { ...SIGN_IN, ...settings } });
  for (const caller of [admin, token, lasting]) caller.server = again;
  for (let i = 0; i < 2; i++) await addLink(lasting, recording);
  clock.set(0);
  const after = new Set(audit());
  assert.deepEqual(before.filter((line) => !after.has(line)), [], 'each entry, with its address');
  await token.asks(200, 'GET', recording.mediaPath);
  await new Caller(again).asks(200, 'GET', link.mediaPath);
  await admin.asks(200, 'GET', '/api/audit');
});

test('two years behind: what comes is fetched and played, then and after', async (t) => {
  const { server, upstream, clock } = await startJumping(t);
  clock.set(-2 * YEAR_MS);
  const behind = await tell(server, upstream);
  await untilState(server, behind.callSid, 'stored');
  assert.ok((await request(behind.url)).body.equals(behind.media));
  clock.set(0);
  const right = await tell(server, upstream);
  await untilState(server, right.callSid, 'stored');
  for (const each of [behind, right]) assert.ok((await request(each.url)).body.equals(each.media));
});

for (const [name, jumpMs] of [['ahead', 48 * HOUR_MS], ['behind', -48 * HOUR_MS]]) {
  test(`two days ${name} within an attempt: what fails then is not given up, and is tried again at once`, async (t) => {
    const { server, upstream, clock } = await startJumping(t, { 'fetch.give_up_after': '24h', 'fetch.retry_most': '1s' });
    let gate;
    const told = await tell(server, upstream, (media) => (gate = new Gate(media)).answer);
    await until('it is asked for', () => gate.requests === 1);
    clock.set(jumpMs);
    gate.cut();
    await until('again, after an attempt of two days', () => gate.requests === 2);
    if (jumpMs < 0) assert.ok(!server.err.some((line) => MENDED.test(line)), 'no wait was meant to be so long');
    clock.set(0);
    gate.cut();
    await until('again, and the clock is right', () => gate.requests === 3);
    gate.open();
    await untilState(server, told.callSid, 'stored');
    assert.ok((await request(told.url)).body.equals(told.media));
  });
}

test('hours ahead while an attempt fails, and right again: it does not wait for a time that was meant by the wrong clock', async (t) => {
  const { server, upstream, clock } = await startJumping(t);
  let tries = 0;
  const told = await tell(server, upstream, (media) => (_, reply) => {
    if (tries++ === 0) clock.set(5 * HOUR_MS);
    if (clock.aheadMs > 0) reply.writeHead(503, { 'Retry-After': '2' }).end(); // within which the clock is right again
    else reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': media.length }).end(media);
  });
  await server.line(/again in \d+ ms/);
  clock.set(0);
  await untilState(server, told.callSid, 'stored');
});
