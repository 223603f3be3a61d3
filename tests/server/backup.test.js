// callspool backup and restore: under load, interrupted at any point, on a full disk.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { BINARY, CREDENTIALS, callspool, pathOf, startDisk, startServer, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { request, requestJson } from './harness/http.js';
import { Program, run, temporaryFolder } from './harness/process.js';
import { seeded } from './harness/seeded.js';
import { startStored, store } from './harness/stored.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const of = (server) => ['--set', `data_dir=${server.dataDir ?? server}`];
const backup = (server, folder, ...args) => callspool(['backup', folder, ...args, ...of(server)]);
const restore = (folder, dataDir, ...args) => callspool(['restore', folder, ...args, ...of(dataDir)]);
const told = ({ code, stdout, stderr }) => {
  assert.equal(code, 0, stderr + stdout);
  return JSON.parse(stdout);
};
const assertSound = async (folder) => {
  const { code, stdout, stderr } = await run('sha256sum', ['--strict', '--quiet', '-c', 'digests'], { cwd: folder });
  assert.equal(code, 0, stdout + stderr);
};
/** All below a folder that somebody works in. */
function filesOf(folder) {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return entries.flatMap((entry) => (entry.isDirectory() ? filesOf(join(folder, entry.name)).map((name) => `${entry.name}/${name}`) : [entry.name]));
}

/** The sound under another ID3 tag each time. */
const SOUND = audio({ seconds: 3 });
const ownSound = () => Buffer.concat([Buffer.from('ID3'), Buffer.from([3, 0, 0, 0, 0, 0, 32]), randomBytes(32), SOUND]);

async function announce(server, upstream) {
  const recording = { recordingSid: newSid('RE'), callSid: newSid('CA'), bytes: ownSound() };
  upstream.recordings.set(recording.recordingSid, { media: recording.bytes, callSid: recording.callSid, duration: 3 });
  const { status } = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: recording.callSid, RecordingSid: recording.recordingSid, RecordingDuration: '3',
  }));
  assert.equal(status, 200);
  return recording;
}
const assertPlays = async (server, { callSid, bytes }) => {
  const { status, body } = await request(`${server.url}/api/calls/${callSid}/download`);
  assert.equal(status, 200, body.toString().slice(0, 200));
  assert.ok(body.equals(bytes), callSid);
};

/** Webhooks by several at once, until it is stopped. */
function startLoad(server, upstream, senders = 4) {
  const acknowledged = [];
  let isStopped = false;
  const send = async () => {
    while (!isStopped) acknowledged.push(await announce(server, upstream));
  };
  const done = Promise.all(Array.from({ length: senders }, send));
  done.catch(() => {}); // told by stop()
  return { acknowledged, stop: () => { isStopped = true; return done; } };
}

test('taken under load and brought back on another path, it plays everything that was acknowledged before it began', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const folder = join(temporaryFolder(t), 'backup');
  const early = [];
  for (let i = 0; i < 5; i++) early.push(await store(server, upstream, { media: ownSound(), seconds: 3 }));
  const load = startLoad(server, upstream);
  await until('there is load', () => load.acknowledged.length >= 20);
  const acknowledged = [...load.acknowledged];
  const first = told(await backup(server, folder, '--json'));
  const sent = load.acknowledged.length;
  await until('it goes on', () => load.acknowledged.length > sent + 5);
  await load.stop();
  assert.ok(first.recordings >= early.length && first.linked === first.recordings - first.gone, JSON.stringify(first));
  await assertSound(folder);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'ledger.db')).mode & 0o777, 0o600);
  // What signs in, what seals the audit and what is configured is not in it.
  assert.deepEqual(readdirSync(folder).sort(), ['arriving', 'digests', 'ledger.db', 'lock', 'recordings']);
  assert.deepEqual(readdirSync(join(folder, 'arriving')), []);
  await server.kill();
  const key = readFileSync(join(server.dataDir, 'audit.key'));
  rmSync(server.dataDir, { recursive: true });

  const dataDir = join(temporaryFolder(t), 'somewhere', 'else');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'audit.key'), key, { mode: 0o600 });
  assert.equal(told(await restore(folder, dataDir, '--json')).recordings, first.recordings - first.gone);
  const fetched = upstream.requests.length;
  const again = await startServer(t, { upstream: upstream.url, dataDir });
  for (const recording of early) await assertPlays(again, recording);
  for (const recording of acknowledged) {
    await untilState(again, recording.callSid, 'stored');
    await assertPlays(again, recording);
  }
  const asked = new Set(upstream.requests.slice(fetched).map(({ path }) => path.match(/RE[0-9a-f]{32}/)?.[0]));
  for (const { recordingSid } of early) assert.ok(!asked.has(recordingSid), 'what was stored is not fetched again');

  // What comes now is called nothing that was ever called so, and the next backup goes into the same folder.
  const later = await store(again, upstream, { media: ownSound(), seconds: 3 });
  assert.ok(Number((await pathOf(again, later.callSid)).match(/\.(\d+)\.mp3$/)[1]) > 2 ** 30);
  const second = told(await backup(again, folder, '--json'));
  assert.ok(second.here >= early.length && second.missing === 0 && second.damaged === 0, JSON.stringify(second));
  await assertSound(folder);
  const audit = await callspool(['verify', '--audit', '--json', ...of(again)]);
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
  assert.ok(JSON.parse(audit.stdout).chains >= 2, 'the audit goes on in a chain of its own');
});

test('without a server, again and again: only what is new is copied', async (t) => {
  const { server, upstream } = await startStored(t);
  const folder = join(temporaryFolder(t), 'backup');
  assert.equal(told(await backup(server, folder, '--copy', '--json')).copied, 1);
  await store(server, upstream, { media: ownSound() });
  await server.finish();
  const second = told(await backup(server, folder, '--copy', '--json'));
  assert.deepEqual([second.here, second.copied, second.findings], [1, 1, []]);
  await assertSound(folder);
  assert.match((await backup(server, folder)).stdout, /^as of \S+: 2 recordings, 0 linked, 0 copied, 2 here already; 0 gone since, 0 missing, 0 damaged, 0 pruned$/m);
});

test('kill -9 of a backup leaves the last one as it was, and the next goes on', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const folder = join(temporaryFolder(t), 'backup');
  const below = seeded();
  const recordings = [];
  const more = async (count) => {
    const added = await Promise.all(Array.from({ length: count }, () => announce(server, upstream)));
    for (const { callSid } of added) await untilState(server, callSid, 'stored');
    recordings.push(...added);
  };
  await more(10);
  told(await backup(server, folder, '--copy', '--json'));
  let kept = 0;
  for (let round = 0; round < 8; round++) {
    await more(8);
    const before = readFileSync(join(folder, 'digests'), 'utf8');
    const old = new Set(filesOf(folder));
    const program = new Program(BINARY, ['backup', folder, '--copy', ...of(server)], { env: CREDENTIALS });
    // By what it has done, not by the clock: as many new names as chance says, or its end.
    const steps = 1 + below(16);
    const seen = new Set();
    await until('it is far enough', () => {
      if (program.status) return true;
      for (const name of filesOf(folder)) if (!old.has(name)) seen.add(name);
      return seen.size >= steps;
    });
    await program.stop('SIGKILL');
    const isKept = before === readFileSync(join(folder, 'digests'), 'utf8');
    kept += isKept;
    // Between the last two renames the list's ledger has not got its name: restore knows, sha256sum does not.
    if (isKept || !existsSync(join(folder, 'ledger.db.new'))) await assertSound(folder);
    const dataDir = join(temporaryFolder(t), 'data');
    const { queued, missing, damaged } = told(await restore(folder, dataDir, '--json'));
    assert.deepEqual([queued, missing, damaged], [0, 0, 0]);
  }
  const last = told(await backup(server, folder, '--copy', '--json'));
  assert.equal(last.recordings, recordings.length);
  t.diagnostic(`${kept} of 8 were killed before they were the backup`);
  await assertSound(folder);
  const dataDir = join(temporaryFolder(t), 'data');
  told(await restore(folder, dataDir, '--json'));
  const again = await startServer(t, { upstream: upstream.url, dataDir });
  for (const recording of recordings) await assertPlays(again, recording);
});

test('kill -9 of a restore: no server begins an empty ledger there, and it goes on where it was', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const folder = join(temporaryFolder(t), 'backup');
  const recordings = await Promise.all(Array.from({ length: 40 }, () => announce(server, upstream)));
  for (const { callSid } of recordings) await untilState(server, callSid, 'stored');
  told(await backup(server, folder, '--json'));
  const dataDir = join(temporaryFolder(t), 'data');
  const unfinished = join(dataDir, 'ledger.db.restoring');
  const below = seeded(1);
  let begun = 0;
  for (let round = 0; round < 5 && !existsSync(join(dataDir, 'ledger.db')); round++) {
    const steps = 1 + below(12);
    const seen = new Set();
    const program = new Program(BINARY, ['restore', folder, ...of(dataDir)], { env: CREDENTIALS });
    await until('it is far enough', () => {
      if (program.status) return true;
      for (const name of filesOf(dataDir)) seen.add(name);
      return seen.size >= steps;
    });
    await program.stop('SIGKILL');
    if (program.status.signal === null) assert.equal(program.status.code, 0, program.said);
    if (!existsSync(unfinished)) continue;
    begun += 1;
    const refused = await callspool(['serve', '--set', 'listen=127.0.0.1:0', ...of(dataDir)]);
    assert.deepEqual([refused.code, /run callspool restore again/.test(refused.stderr)], [4, true], refused.stderr);
  }
  t.diagnostic(`killed ${begun} times on its way`);
  if (!existsSync(join(dataDir, 'ledger.db'))) {
    const { recordings: count, queued } = told(await restore(folder, dataDir, '--json'));
    assert.deepEqual([count, queued], [40, 0]);
  }
  const again = await startServer(t, { upstream: upstream.url, dataDir });
  for (const recording of recordings) await assertPlays(again, recording);
  assert.deepEqual(filesOf(dataDir).filter((name) => name.includes('restoring')), []);
});

test('a full disk: the last backup stays whole', async (t) => {
  const { server, upstream } = await startStored(t, { recording: { media: ownSound() } });
  const folder = temporaryFolder(t);
  const disk = await startDisk(t, folder, 3);
  const [command, ...enter] = disk.enter;
  const inside = (args) => run(command, [...enter, BINARY, ...args], { env: CREDENTIALS });
  const first = await inside(['backup', folder, ...of(server)]);
  assert.equal(first.code, 0, first.stderr);
  for (let i = 0; i < 3; i++) await store(server, upstream, { media: audio({ seconds: 60 + i, format: 'wav' }), format: 'wav', seconds: 60 + i });
  const full = await inside(['backup', folder, ...of(server)]);
  assert.equal(full.code, 5, full.stderr);
  assert.match(full.stderr, /No space left|full/);
  await assertSound(disk.seenFrom(folder));
  assert.deepEqual(readdirSync(disk.seenFrom(join(folder, 'arriving'))), []);
  const dataDir = join(temporaryFolder(t), 'data');
  const { recordings, queued } = told(await restore(disk.seenFrom(folder), dataDir, '--json'));
  assert.deepEqual([recordings, queued], [1, 0]);
});

test('what is lost in the store is told, and what the backup lacks is fetched again', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const other = await store(server, upstream, { media: ownSound() });
  const folder = join(temporaryFolder(t), 'backup');
  rmSync(await pathOf(server, recording.callSid));
  const { code, stdout } = await backup(server, folder, '--json');
  const report = JSON.parse(stdout);
  assert.deepEqual([code, report.missing, report.linked], [7, 1, 1]);
  assert.deepEqual(report.findings.map(({ what }) => what), ['missing']);
  const dataDir = join(temporaryFolder(t), 'data');
  assert.deepEqual([told(await restore(folder, dataDir, '--json')).queued], [1]);
  const again = await startServer(t, { upstream: upstream.url, dataDir });
  await untilState(again, recording.callSid, 'stored');
  for (const one of [recording, other]) await assertPlays(again, one);
});

test('what cannot be done is refused in words', async (t) => {
  const { server } = await startStored(t);
  const folder = join(temporaryFolder(t), 'backup');
  told(await backup(server, folder, '--json'));
  const mine = temporaryFolder(t);
  writeFileSync(join(mine, 'holiday.jpg'), '');
  const empty = temporaryFolder(t);
  for (const [expected, args] of [
    [2, ['verify', '--backup', folder, '--audit']], [8, ['verify', '--backup', empty]], [0, ['verify', '--backup', folder]],
    [2, ['backup']], [2, ['restore']], [2, ['backup', folder, mine]],
    [3, ['backup', join(empty, 'x'), ...of(empty)]], [3, ['restore', empty, ...of(join(empty, 'x'))]],
    [4, ['backup', mine, ...of(server)]], [4, ['backup', server.dataDir, ...of(server)]],
    [4, ['restore', folder, ...of(server)]], [4, ['restore', folder, ...of(mine)]],
  ]) {
    const { code, stderr } = await callspool(args);
    assert.equal(code, expected, `${args.join(' ')}: ${stderr}`);
    assert.equal(stderr === '', expected === 0);
  }
  assert.deepEqual([readdirSync(mine), readdirSync(empty)], [['holiday.jpg'], []]);
  const obeyed = await callspool(['verify', '--backup', join(empty, '\x1b[2J')]);
  assert.match(obeyed.stderr, /\?\[2J/, 'no word of an error is obeyed by a terminal');
  assert.ok(!obeyed.stderr.includes('\x1b'));
  mkdirSync(join(empty, 'data'));
  writeFileSync(join(empty, 'data', 'audit.key'), 'x');
  assert.equal((await restore(folder, join(empty, 'data'))).code, 0);
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, false);
});
