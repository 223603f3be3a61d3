// Older than it is kept: 410, back when it is kept longer, removed behind the grace; by direction and account; never under a hold, never by a wrong clock.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNT, callspool, pathOf, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toUTCString().replace('GMT', '+0000');
const answerOf = async (server, { mediaPath }) => {
  const { status, json } = await requestJson(server.url + mediaPath).catch(() => ({ status: 200 }));
  return status === 410 ? json.code : status;
};
const filesOf = (server, { recordingSid }) => readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).map(String).filter((name) => name.includes(recordingSid));
const settingsFile = (t, lines) => {
  const file = join(temporaryFolder(t), 'callspool.conf');
  const write = (now) => writeFileSync(file, `${now.join('\n')}\n`);
  write(lines);
  return { file, write };
};

test('what is too old is 410, comes back, and is removed behind the grace; what is held stays', async (t) => {
  const { file, write } = settingsFile(t, ['retention = forever']);
  const { server, upstream, recording: young } = await startStored(t, { args: ['--config', file], settings: { cache_entries: 1 } });
  const change = async (lines) => {
    const before = server.err.length;
    write(lines);
    server.child.kill('SIGHUP');
    await until('the settings are taken', () => server.err.slice(before).some((line) => /, and was /.test(line)));
  };
  const began = (days, more = {}) => store(server, upstream, { ...more, fields: { RecordingStartTime: daysAgo(days) } });
  const inCall = async (days, direction) => {
    const callSid = newSid('CA');
    await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid, Direction: direction, CallStatus: 'completed', Timestamp: daysAgo(days + 0.01) }));
    return began(days, { callSid });
  };
  const expired = await inCall(3.5, 'outbound-dial');
  const old = await inCall(10, 'outbound-api');
  const held = await inCall(10, 'outbound-api');
  const unknown = await began(10);
  const inbound = await inCall(10, 'inbound');
  const outbound = await inCall(10, 'outbound-api');
  await requestJson(`${server.url}/api/recordings/${held.recordingSid}/hold`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
  const oldPath = await pathOf(server, old.callSid);
  const waveform = oldPath.replace(/\.mp3$/, '.peaks');
  await until('its waveform is there', () => existsSync(waveform));

  await change(['retention = 3d', 'purge_grace = 1d', 'retention.inbound = 20d', `retention.accounts = ${ACCOUNT}.outbound=3d`]);
  await until('it is removed', async () => await answerOf(server, old) === 'recording_deleted');
  await until('so are its files', () => filesOf(server, old).length === 0 && !existsSync(waveform));
  await until('and that of its direction', async () => await answerOf(server, outbound) === 'recording_deleted');
  assert.equal(await answerOf(server, expired), 'recording_expired');
  for (const one of [young, held, inbound, unknown]) assert.equal(await answerOf(server, one), 200);
  const { json: { calls } } = await requestJson(`${server.url}/api/calls?limit=50`);
  const rows = new Map(calls.map((call) => [call.call_sid, call.recordings[0]]));
  const expiry = ({ callSid }) => Math.round((Date.now() - Date.parse(rows.get(callSid).expires_at)) / DAY_MS * 10) / 10;
  assert.deepEqual([rows.get(old.callSid).state, rows.get(expired.callSid).expired, rows.get(inbound.callSid).expired, rows.get(held.callSid).expires_at],
    ['purged', true, false, null]);
  assert.deepEqual([expiry(expired), expiry(inbound)], [0.5, -10]);
  const { expires_at: expiredAt, removal_at: removalAt } = rows.get(expired.callSid);
  assert.deepEqual([Date.parse(removalAt) - Date.parse(expiredAt), rows.get(old.callSid).removal_at, rows.get(held.callSid).removal_at], [DAY_MS, null, null]);
  const { json: { retention } } = await requestJson(`${server.url}/api/health`);
  assert.deepEqual(retention, { inbound: 20 * DAY_MS / 1000, outbound: 3 * DAY_MS / 1000, grace: DAY_MS / 1000, accounts: 1 });
  const { json: list } = await requestJson(`${server.url}/api/calls?state=expired`);
  assert.deepEqual(list.calls.map((call) => call.call_sid), [expired.callSid], 'the filter goes by the same rules');
  const { json: { entries } } = await requestJson(`${server.url}/api/audit?kind=recording_purged`);
  assert.deepEqual(new Set(entries.map((entry) => entry.recording_sid)), new Set([old.recordingSid, outbound.recordingSid]));

  await change(['retention = 30d', 'purge_grace = 1d']);
  assert.equal(await answerOf(server, expired), 200, 'kept longer: it is back');
  assert.equal(await answerOf(server, old), 'recording_deleted', 'removed for good');
  const { json: preview } = await requestJson(`${server.url}/api/purge`);
  assert.deepEqual([preview.recordings, preview.bytes, preview.oldest, preview.clock, preview.files_left], [0, 0, [], null, false]);
  assert.equal(Math.round((Date.parse(preview.next_at) - Date.now()) / DAY_MS), 21, 'the oldest that is not held is due then');
});

test('a clock that jumped before the first start that looks at it removes nothing at the second either', async (t) => {
  const { server, recording } = await startStored(t, { settings: { retention: 'forever' } });
  await server.finish();
  // A ledger of a version that kept no word of the clock, and was last written to 400 days ago by the clock of today.
  const before = Date.now() - 400 * 86_400_000;
  const { status, stderr } = spawnSync('sqlite3', [join(server.dataDir, 'ledger.db'), `DELETE FROM upkeep WHERE name = 'clock'; UPDATE turns SET at_ms = ${before}; UPDATE recordings SET started_at_ms = ${before}`], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  for (let start = 0; start < 2; start++) {
    const again = await startServer(t, { upstream: 'http://127.0.0.1:9', dataDir: server.dataDir, settings: { retention: '7d' } });
    await again.line(/level=warn msg="what is older than it is kept is not removed now: the clock says 20.*was last known to be right/);
    assert.equal((await postForm(again.url, RECORDING_STATUS, recordingCallback({ CallSid: newSid('CA'), RecordingSid: newSid('RE') }))).status, 200);
    assert.equal((await requestJson(`${again.url}/api/calls/${recording.callSid}`)).json.recordings[0].state, 'stored');
    await again.finish();
  }
});

test('a clock that is a year ahead of Twilio removes nothing; without a server the command does', async (t) => {
  const { file, write } = settingsFile(t, ['retention = forever']);
  const { server, upstream, recording: young } = await startStored(t, { args: ['--config', file] });
  upstream.answer = (_request, reply) => {
    reply.setHeader('Date', new Date(Date.now() - 365 * DAY_MS).toUTCString());
    return false;
  };
  const old = await store(server, upstream, { fields: { RecordingStartTime: daysAgo(10) } });
  write(['retention = 3d', 'purge_grace = 1d']);
  server.child.kill('SIGHUP');
  await server.line(/level=warn msg="what is older than it is kept is not removed now: the clock says 20.*by Twilio's answers/);
  const { json: health } = await requestJson(`${server.url}/api/health`);
  assert.match(health.causes.join(), /^This machine's clock is not believed: the clock says .*by Twilio's answers it is .*: set it right\.$/);
  const own = ['--set', `data_dir=${server.dataDir}`, '--set', 'auth=none'];
  const dry = await callspool(['purge', '--dry-run', ...own]);
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, new RegExp(`^1 recordings are older .*\n.*oldest:\n  ${old.recordingSid}  began 20.*of ${old.callSid}\n`));
  assert.match(dry.stdout, /not now: the clock says/);
  const refused = await callspool(['purge', ...own]);
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /by Twilio's answers it is/);
  assert.equal((await callspool(['purge', '--trust-clock', ...own])).code, 4);
  assert.equal((await request(server.url + old.mediaPath)).status, 410);
  assert.equal(filesOf(server, old).length > 0, true);
  await server.finish();

  const rules = [...own, '--set', 'retention=3d', '--set', 'purge_grace=1d'];
  const json = JSON.parse((await callspool(['purge', '--dry-run', '--json', ...rules])).stdout);
  assert.deepEqual([json.recordings, json.bytes, json.oldest[0].recording_sid, json.clock], [1, old.bytes.length, old.recordingSid, null]);
  const done = await callspool(['purge', ...rules]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^1 recordings were older than they are kept, and are removed: /);
  assert.deepEqual([filesOf(server, old), filesOf(server, young).length > 0], [[], true]);
  const asked = spawnSync('sqlite3', [join(server.dataDir, 'ledger.db'), "SELECT body FROM audit WHERE kind = 'purge_asked' ORDER BY seq DESC LIMIT 1"], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(asked.stdout), { removed: 1, bytes: old.bytes.length, failed: 0, failure: null }, 'that somebody asked for it has an entry of its own');
  assert.match((await callspool(['purge', ...rules])).stdout, /^0 recordings/);
  assert.equal((await callspool(['purge', '--dry-run', '--trust-clock', ...rules])).code, 2);
});
