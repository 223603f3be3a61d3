// callspool rebuild: a damaged ledger, made anew from what is left of it, the store and Twilio's list.
import test from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, copyFileSync, existsSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, pathOf, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { Caller, SIGN_IN, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { run, temporaryFolder } from './harness/process.js';
import { SEED, seeded } from './harness/seeded.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';

const PAGE = 4096;
const of = (server) => ['--set', `data_dir=${server.dataDir}`];
const sql = async (dataDir, statement) => {
  const { code, stdout, stderr } = await run('sqlite3', [join(dataDir, 'ledger.db'), statement]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
};
async function rebuild(server, code = 0, ...args) {
  const ended = await callspool(['rebuild', '--json', ...args, ...of(server)]);
  assert.equal(ended.code, code, ended.stderr + ended.stdout);
  return code === 0 ? JSON.parse(ended.stdout) : ended.stderr;
}
function overwrite(path, pages, bytesOf) {
  const fd = openSync(path, 'r+');
  for (const page of pages) writeSync(fd, bytesOf(page), 0, PAGE, (page - 1) * PAGE);
  closeSync(fd);
}
async function assertPlays(server, { mediaPath, bytes }) {
  const { status, body, headers } = await request(`${server.url}${mediaPath}`);
  assert.equal(status, 200, body.toString());
  assert.ok(body.equals(bytes));
  return headers.etag;
}
const change = (server, method, path, body) => requestJson(`${server.url}${path}`, {
  method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
});

const ROUNDS = [
  { what: 'the first page', garbled: (page) => page === 1 },
  { what: 'a third of all', garbled: (page, below) => page === 2 || below(3) === 0, zeros: true },
  { what: 'all of it', garbled: () => true },
];

test('pages at random are overwritten: no recording is lost that the store or Twilio has', async (t) => {
  const below = seeded(41); // below(n): from 0 to n - 1
  t.diagnostic(`seed ${SEED}`);
  const { server, upstream, recording: held } = await startStored(t, { recording: { seconds: 1 } });
  const [deleted, listed, ...others] = await Promise.all(Array.from({ length: 5 }, () => store(server, upstream, { seconds: 1 })));
  assert.equal((await change(server, 'POST', `/api/recordings/${held.recordingSid}/hold`, { reason: 'a dispute' })).status, 200);
  assert.equal((await change(server, 'DELETE', `/api/recordings/${deleted.recordingSid}`)).status, 200);
  const kept = [held, listed, ...others];
  const etags = await Promise.all(kept.map((each) => assertPlays(server, each)));
  const lostPath = await pathOf(server, listed.callSid);
  await server.finish();
  await sql(server.dataDir, `UPDATE recordings SET upstream_copy = 3 WHERE recording_sid = '${others[0].recordingSid}'`); // Twilio's is the better one
  await sql(server.dataDir, 'PRAGMA wal_checkpoint(TRUNCATE)');
  const ledger = join(server.dataDir, 'ledger.db');
  const pristine = readFileSync(ledger);
  const attempts = Number(await sql(server.dataDir, 'SELECT MAX(id) FROM attempts'));
  assert.match(await rebuild(server, 4), /nothing is wrong with the ledger/);
  // It is in Twilio's list alone from here on.
  upstream.recordings.get(listed.recordingSid).listed = true;
  rmSync(lostPath);

  for (const { what, garbled, zeros } of ROUNDS) {
    for (const name of readdirSync(server.dataDir)) if (name.startsWith('ledger.db')) rmSync(join(server.dataDir, name));
    writeFileSync(ledger, pristine);
    const pages = Array.from({ length: pristine.length / PAGE }, (_, i) => i + 1).filter((page) => garbled(page, below));
    overwrite(ledger, pages, () => (zeros ? Buffer.alloc(PAGE) : Buffer.from(Array.from({ length: PAGE }, () => below(256)))));
    const damaged = readFileSync(ledger);
    const report = await rebuild(server);
    t.diagnostic(`${what}: ${JSON.stringify(report)}`);
    assert.ok(readFileSync(join(server.dataDir, report.set_aside)).equals(damaged), 'the old one is there, as it was');
    assert.equal(await sql(server.dataDir, 'PRAGMA integrity_check'), 'ok', what);
    assert.ok(Number(await sql(server.dataDir, "SELECT seq FROM sqlite_sequence WHERE name = 'attempts'")) > attempts, 'no generation is given twice');
    if (what === 'the first page') {
      assert.deepEqual([report.events_missing, report.stored, report.adopted, report.held, report.removed], [0, 4, 0, 1, 1], JSON.stringify(report));
      assert.equal(await sql(server.dataDir, 'SELECT recording_sid FROM recordings WHERE upstream_copy = 3'), others[0].recordingSid, "Twilio's copy is needed still");
    }
    const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: { reconcile_interval: '1h' } });
    for (const [i, each] of kept.entries()) {
      await untilState(again, each.callSid, 'stored');
      const etag = await assertPlays(again, each);
      if (each === listed) assert.notEqual(etag, etags[i], 'fetched anew, it has another');
      else if (what === 'the first page') assert.equal(etag, etags[i], 'the same file, the same ETag');
    }
    if (what === 'all of it') await until('the store is whole', async () => (await callspool(['verify', ...of(again)])).code === 0);
    rmSync(await pathOf(again, listed.callSid));
    await again.finish();
  }
});

test('stopped between the names: no server starts, and called again it comes to its end; where the ledger is gone the store makes one', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  await server.finish();
  const ledger = join(server.dataDir, 'ledger.db');
  copyFileSync(ledger, `${ledger}.whole`);
  overwrite(ledger, [1, 3], () => Buffer.alloc(PAGE, 7));
  const damaged = readFileSync(ledger);
  writeFileSync(`${ledger}.rebuilding`, 'of one that was killed');
  const refused = await callspool(['serve', ...of(server), '--set', 'listen=127.0.0.1:0', '--set', 'auth=none']);
  assert.deepEqual([refused.code, /run callspool rebuild again/.test(refused.stderr)], [4, true], refused.stderr);
  // As it is once all but the names is done.
  rmSync(`${ledger}.rebuilding`);
  renameSync(`${ledger}.whole`, `${ledger}.rebuilt`);
  writeFileSync(`${ledger}-wal`, 'a log of the old one');
  const { set_aside: aside } = await rebuild(server);
  assert.ok(readFileSync(join(server.dataDir, aside)).equals(damaged));
  assert.equal(readFileSync(join(server.dataDir, `${aside}-wal`), 'utf8'), 'a log of the old one');
  assert.ok(!existsSync(`${ledger}-wal`) && !existsSync(`${ledger}.rebuilt`));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await assertPlays(again, recording);
  assert.match(await rebuild(server, 4), /another process|in use|runs/);
  await again.finish();

  rmSync(ledger);
  assert.deepEqual([(await rebuild(server)).adopted], [1]);
  const last = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await assertPlays(last, recording);
  assert.match(await rebuild({ dataDir: join(server.dataDir, 'nothing') }, 3), /there is no folder/);
});

test('who may use it: users, tokens and links go on, sessions end, what was revoked stays so', async (t) => {
  const { server, upstream, recording } = await startWithPeople(t);
  const ruth = await firstAdministrator(server);
  const token = await addToken(ruth, 'read');
  const revoked = await addToken(ruth, 'read');
  const link = await addLink(ruth, recording);
  await ruth.asks(200, 'DELETE', `/api/tokens/${revoked.name}`);
  await server.finish();
  overwrite(join(server.dataDir, 'ledger.db'), [2], () => Buffer.alloc(PAGE, 0xff)); // no page of theirs
  const report = await rebuild(server, 0, '--though-whole');
  assert.deepEqual([report.users, report.tokens, report.links], [1, 1, 1], JSON.stringify(report));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: SIGN_IN });
  const bearer = ({ bearer: secret }) => requestJson(`${again.url}/api/calls`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await bearer(token)).status, 200);
  assert.equal((await bearer(revoked)).status, 401);
  const ruthAgain = new Caller(again);
  assert.equal((await ruthAgain.signIn('ruth')).status, 200);
  assert.equal((await ruthAgain.asks(200, 'GET', '/api/links')).json.links[0].name, link.name);
});

test('a call with two recordings: its address goes on to mean the one that it meant', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  const second = await store(server, upstream, { seconds: 2, callSid: recording.callSid });
  const meant = async (where) => (await request(`${where.url}${recording.downloadPath}`)).headers['content-location'];
  const before = await meant(server);
  assert.match(before, new RegExp(recording.recordingSid));
  await server.finish();
  // The events that told of the first are lost.
  await sql(server.dataDir, `DELETE FROM events WHERE recording_sid = '${recording.recordingSid}'`);
  overwrite(join(server.dataDir, 'ledger.db'), [1], () => Buffer.alloc(PAGE, 1));
  await rebuild(server);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  assert.equal(await meant(again), before);
  await assertPlays(again, recording);
  await assertPlays(again, second);
});

const DAY_MS = 86_400_000;
const BACK = {
  async rebuilt(server) {
    await server.finish();
    // As if the row had been on a damaged page, and is told by its events alone.
    await sql(server.dataDir, 'UPDATE recordings SET is_held = 0, hold_by = NULL, hold_since_ms = NULL, hold_reason = NULL');
    await rebuild(server, 0, '--though-whole');
    return server.dataDir;
  },
  async restored(server, folder) {
    await server.finish();
    const dataDir = `${server.dataDir}.restored`;
    const { code, stderr } = await callspool(['restore', folder, '--set', `data_dir=${dataDir}`]);
    assert.equal(code, 0, stderr);
    return dataDir;
  },
};
for (const [word, bringBack] of Object.entries(BACK)) {
  test(`a hold that the ledger lost, which was ${word}: nothing is removed until a person says so`, async (t) => {
    const { server, upstream } = await startStored(t, { recording: { seconds: 1 }, settings: { retention: 'forever' } });
    const RecordingStartTime = new Date(Date.now() - 10 * DAY_MS).toUTCString().replace('GMT', '+0000');
    const held = await store(server, upstream, { seconds: 1, fields: { RecordingStartTime } });
    const folder = join(temporaryFolder(t), 'backup');
    assert.equal((await callspool(['backup', folder, ...of(server)])).code, 0);
    assert.equal((await change(server, 'POST', `/api/recordings/${held.recordingSid}/hold`, { reason: 'a dispute' })).status, 200);
    const dataDir = await bringBack(server, folder);
    const again = await startServer(t, { upstream: upstream.url, dataDir, settings: { retention: '3d', purge_grace: '1d', reconcile_interval: '1h' } });
    await again.line(new RegExp(`level=warn msg="what is older than it is kept is not removed now: the ledger was ${word}, and holds may be lost`));
    const { json: health } = await requestJson(`${again.url}/api/health`);
    assert.ok(health.causes.some((cause) => cause.startsWith(`Removal waits: the ledger was ${word}`)), JSON.stringify(health.causes));
    assert.equal((await requestJson(`${again.url}/health`)).json.degraded, true);
    const dry = await callspool(['purge', '--dry-run', ...of(again)]);
    assert.match(dry.stdout, new RegExp(`^1 recordings are older [^]*not now: the ledger was ${word}, .*callspool purge --resume`), dry.stderr);
    const refused = await callspool(['purge', ...of(again)]);
    assert.deepEqual([refused.code, /holds may be lost/.test(refused.stderr)], [5, true], refused.stderr);
    assert.ok(existsSync(await pathOf(again, held.callSid)));
    const over = await until('a day is counted by a clock that is believed', async () => (await requestJson(`${again.url}/api/purge`)).json.pause?.match(/removed before (\S+);/)?.[1]);
    assert.ok(Math.abs(Date.parse(over) - Date.now() - DAY_MS) < 120_000, over);
    assert.match((await callspool(['purge', '--resume', ...of(again)])).stdout, /^1 recordings were older than they are kept, and are removed/);
    assert.deepEqual((await requestJson(`${again.url}/api/health`)).json.causes.filter((cause) => /Removal/.test(cause)), []);
    const { json: { entries } } = await requestJson(`${again.url}/api/audit?kind=purge_resumed`);
    assert.equal(entries.length, 1);
    assert.equal((await callspool(['purge', '--dry-run', '--resume', ...of(again)])).code, 2);
  });
}
