// delete_upstream_after: Twilio's copy goes once ours was read again; never of what is held or damaged, never more than a day's number.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathOf } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toUTCString().replace('GMT', '+0000');

test("Twilio's copies of what is whole here are deleted, so many a day", async (t) => {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, 'retention = forever\n');
  const { server, upstream, recording: young } = await startStored(t, {
    args: ['--config', file], settings: { reconcile_interval: '1s' }, expectErrors: [/its file is not what it was: Twilio's copy stays/],
  });
  const change = async (lines) => {
    const before = server.err.length;
    writeFileSync(file, ['retention = forever', ...lines, ''].join('\n'));
    server.child.kill('SIGHUP');
    await until('the settings are taken', () => server.err.slice(before).some((line) => /, and was /.test(line)));
  };
  const began = (days) => store(server, upstream, { fields: { RecordingStartTime: daysAgo(days) } });
  const [damaged, first, second, third, held] = [await began(12), await began(11), await began(10), await began(9), await began(13)];
  const longer = await began(14); // as Twilio tells, but only after it was stored
  const database = join(server.dataDir, 'ledger.db');
  const { status, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 5000', database, `UPDATE recordings SET duration_s = 60 WHERE recording_sid = '${longer.recordingSid}'`], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const names = new Map(Object.entries({ damaged, first, second, third, held, longer, young }).map(([name, { recordingSid }]) => [recordingSid, name]));
  await requestJson(`${server.url}/api/recordings/${held.recordingSid}/hold`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
  const path = await pathOf(server, damaged.callSid);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(path, bytes);

  const asked = [], answers = [429, 204, 404];
  upstream.answer = (message, reply, { path: of }) => {
    if (message.method !== 'DELETE') return false;
    const sid = of.match(/Recordings\/(RE[0-9a-f]{32})\.json$/)[1];
    const status = answers.shift() ?? 204;
    asked.push(`${names.get(sid)} ${status}`);
    if (status === 204) upstream.recordings.get(sid).status = 'deleted';
    reply.writeHead(status).end();
    return true;
  };
  const copies = () => {
    const { stdout } = spawnSync('sqlite3', ['-readonly', database, 'SELECT recording_sid, upstream_copy FROM recordings'], { encoding: 'utf8' });
    return Object.fromEntries(stdout.trim().split('\n').map((line) => line.split('|')).map(([sid, copy]) => [names.get(sid), Number(copy)]));
  };

  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 1']);
  await server.line(/level=warn msg="Twilio's copies are not deleted for a while: it answered 429 to a DELETE"/);
  assert.deepEqual(asked, ['first 429']);
  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 3']);
  await until('the day is over', () => copies().second === 2);
  assert.deepEqual(asked, ['first 429', 'first 204', 'second 404'], 'what was asked counts, and what is gone there is good');
  assert.deepEqual(copies(), { young: 0, damaged: 3, first: 2, second: 2, third: 0, held: 0, longer: 3 });
  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 100']);
  await until('the next day', () => copies().third === 2);
  assert.equal(asked.length, 4);
  const { json: { entries } } = await requestJson(`${server.url}/api/audit?kind=upstream_deleted`);
  assert.deepEqual(entries.map((entry) => [names.get(entry.recording_sid), JSON.parse(entry.body).status]), [['third', 204], ['second', 404], ['first', 204]]);

  const lists = upstream.requests.filter(({ path: of }) => /Recordings\.json$/.test(of)).length;
  await until('its list was read again', () => upstream.requests.filter(({ path: of }) => /Recordings\.json$/.test(of)).length > lists + 1);
  for (const one of [first, second, third]) assert.equal((await request(server.url + one.mediaPath)).status, 200, 'it plays, whatever its list says');
});
