// delete_upstream_after: Twilio's copy goes once ours was read again; never of what is held or damaged, never more than a day's number.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathOf, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** As Twilio says that there is no such recording. */
const NOT_FOUND = JSON.stringify({ code: 20404, message: 'The requested resource was not found', more_info: 'https://www.twilio.com/docs/errors/20404', status: 404 });
const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toUTCString().replace('GMT', '+0000');

async function startKeeping(t, { expectErrors, settings } = {}) {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, 'retention = forever\n');
  const started = await startStored(t, { args: ['--config', file], settings, expectErrors });
  const { server, upstream } = started;
  const change = async (lines) => {
    const before = server.err.length;
    writeFileSync(file, ['retention = forever', ...lines, ''].join('\n'));
    server.child.kill('SIGHUP');
    await until('the settings are taken', () => server.err.slice(before).some((line) => /, and was /.test(line)));
  };
  const began = (days) => store(server, upstream, { fields: { RecordingStartTime: daysAgo(days) } });
  const database = join(server.dataDir, 'ledger.db');
  const rows = (query) => {
    const { status, stdout, stderr } = spawnSync('sqlite3', ['-readonly', '-cmd', '.timeout 5000', database, query], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trim().split('\n').map((line) => line.split('|'));
  };
  const copies = (names) => Object.fromEntries(rows('SELECT recording_sid, upstream_copy FROM recordings').map(([sid, copy]) => [names.get(sid), Number(copy)]));
  return { ...started, file, change, began, database, rows, copies };
}
const namesOf = (recordings) => new Map(Object.entries(recordings).map(([name, { recordingSid }]) => [recordingSid, name]));

test("Twilio's copies of what is whole here are deleted, so many a day", async (t) => {
  const { server, upstream, recording: young, change, began, database, ...ledger } = await startKeeping(t, {
    settings: { reconcile_interval: '1s' }, expectErrors: [/its file is not what it was: Twilio's copy stays/],
  });
  const [damaged, first, second, third, held] = [await began(12), await began(11), await began(10), await began(9), await began(13)];
  const longer = await began(14); // as Twilio tells, but only after it was stored
  const { status, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 5000', database, `UPDATE recordings SET duration_s = 60 WHERE recording_sid = '${longer.recordingSid}'`], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const names = namesOf({ damaged, first, second, third, held, longer, young });
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
    reply.writeHead(status).end(status === 404 ? NOT_FOUND : undefined);
    return true;
  };
  const copies = () => ledger.copies(names);

  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 1']);
  await server.line(/level=warn msg="account AC[0-9a-f]{32}: Twilio's copies are not deleted for a while: it answered 429 to a DELETE"/);
  assert.deepEqual(asked, ['first 429']);
  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 2']);
  await until('the day is over', () => copies().second === 2);
  assert.deepEqual(asked, ['first 429', 'first 204', 'second 404'], 'who was asked for counts, once, and what is gone there is good');
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

test('what cannot be deleted rests, and nothing that only looks like a deletion is one', async (t) => {
  const { upstream, recording: young, change, began, copies } = await startKeeping(t);
  const [failing, good, page, better, missing, best] = [await began(15), await began(14), await began(13), await began(12), await began(11), await began(10)];
  const names = namesOf({ failing, good, page, better, missing, best, young });
  const answers = { failing: [500], page: [200, '<html>Welcome</html>'], missing: [404, '<html>no such page</html>'] };
  const asked = [];
  upstream.answer = (message, reply, { path: of }) => {
    if (message.method !== 'DELETE') return false;
    const name = names.get(of.match(/Recordings\/(RE[0-9a-f]{32})\.json$/)[1]);
    const [status, body] = answers[name] ?? [204];
    asked.push(name);
    reply.writeHead(status).end(body);
    return true;
  };
  await change(['delete_upstream_after = 3d']);
  await until('all others are deleted', () => copies(names).best === 2);
  assert.deepEqual(asked, ['failing', 'good', 'page', 'better', 'missing', 'best'], 'each once, and none waits for another');
  assert.deepEqual(copies(names), { failing: 1, good: 2, page: 1, better: 2, missing: 1, best: 2, young: 0 });
});

test('while the store is away all waits, and a day is counted by what Twilio says', async (t) => {
  const { server, upstream, recording: young, change, began, rows, copies } = await startKeeping(t);
  const AHEAD = 2 * DAY_MS; // our clock is behind by that
  const twilio = () => new Date(Date.now() + AHEAD).toUTCString();
  upstream.answer = (message, reply) => {
    reply.setHeader('Date', twilio());
    if (message.method !== 'DELETE') return false;
    reply.writeHead(204).end();
    return true;
  };
  const [first, second] = [await began(12), await began(11)];
  const names = namesOf({ first, second, young });
  const folders = new Set(await Promise.all([first, second].map(async ({ callSid }) => dirname(await pathOf(server, callSid)))));
  for (const folder of folders) renameSync(folder, `${folder}.away`);
  await change(['delete_upstream_after = 3d']);
  await server.line(/level=warn msg="recording RE[0-9a-f]{32}: Twilio's copy is not deleted for a while: the folder of its file is not there"/);
  assert.deepEqual(copies(names), { first: 0, second: 0, young: 0 }, 'no file is taken for lost');
  for (const folder of folders) renameSync(`${folder}.away`, folder);
  await change(['delete_upstream_after = 4d']);
  await until('it is back', () => copies(names).second === 2);
  for (const [at] of rows('SELECT at_ms FROM upstream_deletions')) {
    assert.ok(Math.abs(Number(at) - Date.now() - AHEAD) < DAY_MS / 24, `counted at ${new Date(Number(at)).toISOString()}, by Twilio's clock`);
  }
});

test('Twilio tells of another length while ours is looked at: its copy stays', async (t) => {
  const { server, upstream, recording: young, began, database, file, copies } = await startKeeping(t);
  const [longer, next] = [await began(12), await began(11)];
  const names = namesOf({ longer, next, young });
  await server.finish();
  const asked = [];
  upstream.answer = (message, reply, { path: of }) => {
    if (!/Recordings\/RE[0-9a-f]{32}\.json$/.test(of)) return false;
    asked.push(`${message.method} ${names.get(of.match(/RE[0-9a-f]{32}/)[0])}`);
    if (message.method !== 'DELETE') { // what time it is there: the row was read before
      const { status, stderr } = spawnSync('sqlite3', ['-cmd', '.timeout 5000', database, `UPDATE recordings SET duration_s = 60 WHERE recording_sid = '${longer.recordingSid}'`], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      return false;
    }
    reply.writeHead(204).end();
    return true;
  };
  writeFileSync(file, 'retention = forever\ndelete_upstream_after = 3d\n');
  await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, args: ['--config', file] });
  await until('the next one is deleted', () => copies(names).next === 2);
  assert.deepEqual([copies(names).longer, asked], [3, ['GET longer', 'DELETE next']]);
});

test("a day's number is a day's, though Twilio's clock jumps, and through a restart", async (t) => {
  const { server, upstream, recording: young, change, began, file, copies } = await startKeeping(t, { settings: { reconcile_interval: '1s' } });
  const [first, second, third] = [await began(12), await began(11), await began(10)];
  const names = namesOf({ first, second, third, young });
  let ahead = 0;
  const asked = [];
  upstream.answer = (message, reply, { path: of }) => {
    reply.setHeader('Date', new Date(Date.now() + ahead).toUTCString());
    if (message.method !== 'DELETE') return false;
    asked.push(names.get(of.match(/Recordings\/(RE[0-9a-f]{32})\.json$/)[1]));
    reply.writeHead(204).end();
    return true;
  };
  const lists = () => upstream.requests.filter(({ path: of }) => /Recordings\.json$/.test(of)).length;
  const heard = async (what) => {
    const before = lists();
    await until(what, () => lists() > before + 2);
  };
  await change(['delete_upstream_after = 3d', 'delete_upstream_per_day = 1']);
  await until('one is deleted', () => copies(names).first === 2);
  ahead = 3 * DAY_MS;
  await heard('Twilio lies about the time');
  await change(['delete_upstream_after = 4d', 'delete_upstream_per_day = 1']);
  await heard('it had the time to be deleted');
  assert.deepEqual(asked, ['first'], 'its day is not over');

  await server.finish();
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, args: ['--config', file], settings: { reconcile_interval: '1s' } });
  await heard('it had the time to be deleted');
  assert.deepEqual(asked, ['first'], 'nor is it after a restart');
  ahead = -3 * DAY_MS;
  await heard('or that it is days ago');
  assert.deepEqual(asked, ['first']);
  ahead = 0;
  await heard('it is right again');
  writeFileSync(file, 'retention = forever\ndelete_upstream_after = 3d\ndelete_upstream_per_day = 2\n');
  again.child.kill('SIGHUP');
  await until('a larger number has room for one', () => copies(names).second === 2);
  assert.deepEqual(asked, ['first', 'second']);
});

/** Twilio's transfers are all taken, until `free()`; `asked` are the names of those whose DELETE came. */
async function busyTwilio(server, upstream, names) {
  const asked = [], stalled = [];
  const stalls = new Set();
  upstream.answer = (message, reply, { path: of }) => {
    const sid = of.match(/RE[0-9a-f]{32}/)?.[0];
    if (stalls.has(sid) && message.method === 'GET') {
      stalled.push(reply);
      return true;
    }
    if (message.method !== 'DELETE') return false;
    asked.push(names.get(sid));
    reply.writeHead(204).end();
    return true;
  };
  // So many downloads that, once less may be under way, no other request has its turn.
  for (let i = 0; i < 20; i += 1) {
    const fields = recordingCallback({ CallSid: newSid('CA'), RecordingSid: newSid('RE') });
    stalls.add(fields.RecordingSid);
    assert.equal((await postForm(server.url, RECORDING_STATUS, fields)).status, 200);
  }
  await until('all are under way', () => stalled.length === 20);
  const free = () => {
    for (const reply of stalled) reply.destroy();
    stalls.clear();
  };
  return { asked, free };
}

const FEW = ['fetch.concurrency = 1', 'fetch.player_slots = 0'];
const holding = async (server, { recordingSid }, method) => assert.equal((await requestJson(`${server.url}/api/recordings/${recordingSid}/hold`, { method, body: '{}', headers: { 'Content-Type': 'application/json' } })).status, 200);

test('what is held while its DELETE waits for its turn is not deleted', async (t) => {
  const { server, upstream, recording: young, change, began, copies } = await startKeeping(t, { settings: { reconcile_interval: 'forever' } });
  const [held, next] = [await began(12), await began(11)];
  const names = namesOf({ held, next, young });
  const { asked, free } = await busyTwilio(server, upstream, names);
  await change([...FEW, 'delete_upstream_after = 3d']);
  await until('its DELETE is to be sent', () => copies(names).held === 1);
  await holding(server, held, 'POST');
  free();
  await until('the next one is deleted', () => copies(names).next === 2);
  assert.deepEqual(asked, ['next']);
});

test('nor is what is kept there for longer by then', async (t) => {
  const { server, upstream, recording: young, change, began, copies } = await startKeeping(t, { settings: { reconcile_interval: 'forever' } });
  const [old, waits] = [await began(14), await began(12)];
  const names = namesOf({ old, waits, young });
  await holding(server, old, 'POST');
  const { asked, free } = await busyTwilio(server, upstream, names);
  await change([...FEW, 'delete_upstream_after = 3d']);
  await until('its DELETE is to be sent', () => copies(names).waits === 1);
  await change([...FEW, 'delete_upstream_after = 13d']);
  await holding(server, old, 'DELETE');
  free();
  await until('the old one is deleted', () => copies(names).old === 2);
  assert.deepEqual(asked, ['old']);
});
