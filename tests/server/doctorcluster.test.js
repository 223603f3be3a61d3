// callspool doctor cluster: what becomes of a ledger on PostgreSQL and of those who serve from it is found, named, and well again
// once it is mended.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { freePort, startLedger } from './harness/cluster.js';
import { requestJson } from './harness/http.js';
import { JumpingClock } from './harness/jumping.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { startLine } from './harness/line.js';
import { scrape } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { Program, freeze, temporaryFolder, thaw } from './harness/process.js';
import { preloaded } from './harness/shadow.js';
import { until } from './harness/until.js';

const CHECKS = ['durability', 'processes', 'duties', 'versions', 'process-clocks', 'listening', 'peers'];
let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

/** { code, findings, of(check) } of `callspool doctor cluster` beside that server. */
async function examine(server, ...args) {
  const { code, stdout, stderr } = await callspool(['doctor', '--json', ...(args.length ? args : ['cluster']), '--set', `data_dir=${server.dataDir}`]);
  assert.equal(stderr, '');
  const { checks } = JSON.parse(stdout);
  const findings = checks.filter(({ result }) => result === 'finding');
  for (const finding of findings) for (const key of ['says', 'looked_at', 'expected', 'consequence', 'remedy']) assert.ok(finding[key], `${finding.check} says ${key}`);
  return { code, findings, names: findings.map(({ check }) => check), of: (name) => checks.find(({ check }) => check === name) };
}

const isWell = async (server) => {
  const result = await examine(server);
  assert.deepEqual(result.names, [], JSON.stringify(result.findings));
  assert.equal(result.code, 0);
  for (const name of CHECKS) assert.equal(result.of(name).result, name === 'peers' ? 'left_out' : 'good', name); // nobody listens but in the test of it
  return result;
};

/** Of that check alone, and what it says. */
const finds = async (server, check, says, looked) => {
  const result = await examine(server);
  assert.deepEqual(result.names, [check], JSON.stringify(result.findings));
  assert.equal(result.code, 7);
  assert.match(result.findings[0].says, says);
  assert.match(result.findings[0].looked_at, looked);
  return result.findings[0];
};

/** Settings of the database's server, as its sessions have them from now on. */
async function set(settings) {
  for (const [name, value] of Object.entries(settings)) await postgres.query(`ALTER SYSTEM ${value === null ? `RESET ${name}` : `SET ${name} = '${value}'`}`);
  await postgres.query('SELECT pg_reload_conf()');
  for (const [name, value] of Object.entries(settings)) if (value !== null) await until(`${name} is ${value}`, async () => (await postgres.query(`SHOW ${name}`)) === value);
}

/** As the servers' own sessions have it, which hear of a change a moment later. */
const untilSeen = (server, key, wanted) => until(`${key} is ${wanted}`, async () => (await requestJson(`${server.url}/api/processes`)).json.database[key] === wanted);

test('a ledger in a file has nobody to look after', async (t) => {
  const server = await startServer(t);
  assert.deepEqual((await requestJson(`${server.url}/api/processes`)).json, { success: true, shared: false });
  const { code, of } = await examine(server);
  assert.equal(code, 0);
  for (const name of CHECKS) assert.deepEqual([of(name).result, of(name).because], ['left_out', 'the ledger is a file: nobody else serves from it']);
  const { stdout } = await callspool(['doctor', 'cluster', '--set', `data_dir=${server.dataDir}`]);
  assert.deepEqual(stdout.match(/^ {2}-- .*$/gm), ['  --  durability         the ledger is a file: nobody else serves from it'], 'for people in one line');
  assert.match(stdout, /, 7 left out\.$/m);
  await server.stop('SIGTERM').then((ended) => { server.finished = ended; });
  assert.equal((await examine(server, 'durability')).of('durability').result, 'unchecked');
});

test('two that are well: who they are, what each has, and what is told of it', async (t) => {
  const { serve } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  await until('each has measured its clock, and hears', async () => (await requestJson(`${a.url}/api/processes`)).json.processes
    .every(({ clock_ahead_ms: ahead, hears_by: by }) => ahead !== null && by === 'listen'));
  const { json } = await requestJson(`${b.url}/api/processes`);
  assert.equal(json.processes.length, 2);
  assert.deepEqual(json.processes.map(({ is_own: own, has_duties: duties }) => [own, duties]), [[false, true], [true, false]]);
  for (const process of json.processes) {
    assert.ok(process.beats > 0 && process.prepares && Math.abs(process.clock_ahead_ms) < 1000, JSON.stringify(process));
    assert.deepEqual([process.leases, process.events_waiting], [0, 0]);
    assert.ok(process.beats_missed < process.beats, 'on a machine that is busy one may have come late');
  }
  assert.deepEqual([json.database.fsync, json.database.synchronous_commit, json.database.standbys], [true, 'on', 0]);
  const { of } = await isWell(b);
  assert.match(of('processes').detail, /^2: \d+, \d+ \(this one\)$/);
  assert.match(of('duties').detail, /^process \d+ has them$/);
  assert.match(of('durability').detail, /no standby follows it/);
  const told = await Promise.all([a, b].map(scrape));
  assert.deepEqual(told.map(({ samples }) => ['callspool_processes', 'callspool_duties', 'callspool_listening', 'callspool_taken_for_dead_total'].map((name) => samples.get(name))), [[2, 1, 1, 0], [2, 0, 1, 0]]);
  for (const { samples } of told) {
    assert.ok(samples.get('callspool_beats_total') > 0);
    assert.ok(samples.get('callspool_turn_wait_seconds_count') > 0);
  }
});

test('durability: what the database does not keep, and what a failover loses', async (t) => {
  const { serve } = await startLedger(t, postgres);
  const a = await serve('a');
  atEnd(t, () => set({ full_page_writes: null, synchronous_commit: null, synchronous_standby_names: null }));
  await until('it hears', async () => (await examine(a, 'listening')).code === 0);
  await isWell(a);

  await set({ full_page_writes: 'off' });
  await untilSeen(a, 'full_page_writes', false);
  const { write } = await finds(a, 'durability', /may lose what it has said it keeps/, /full_page_writes = off/);
  await postgres.query(write.split(';')[0]);
  await postgres.query('SELECT pg_reload_conf()');
  await untilSeen(a, 'full_page_writes', true);
  await isWell(a);

  await set({ synchronous_commit: 'off' });
  await untilSeen(a, 'synchronous_commit', 'off');
  await finds(a, 'durability', /answered before the database has them/, /synchronous_commit = off/);
  await set({ synchronous_commit: 'local' });
  await untilSeen(a, 'synchronous_commit', 'local');
  await isWell(a); // no standby is named, which it could wait for
  await set({ synchronous_standby_names: 'nobody' });
  await untilSeen(a, 'synchronous_standby_names', 'nobody');
  await finds(a, 'durability', /does not wait until a standby/, /synchronous_commit = local/);
  await set({ synchronous_standby_names: '', synchronous_commit: 'on' });
  await untilSeen(a, 'synchronous_standby_names', '');

  // Who follows it.
  const folder = join(temporaryFolder(t), 'wal');
  mkdirSync(folder);
  const standby = new Program('pg_receivewal', ['-D', folder, '--synchronous', '-d', postgres.url.replace(/^postgresql:\/\/callspool@\/postgres\?host=/, 'user=callspool host=')]);
  atEnd(t, () => standby.stop('SIGINT'));
  await untilSeen(a, 'standbys', 1);
  const finding = await finds(a, 'durability', /a failover to a standby loses/, /is empty; 1 follow the server/);
  for (const statement of finding.write.split(';').filter(Boolean)) await postgres.query(statement);
  await untilSeen(a, 'synchronous_standby_names', 'ANY 1 (*)');
  assert.match((await isWell(a)).of('durability').detail, /on a standby's \(ANY 1 \(\*\)\)$/);
  await set({ synchronous_standby_names: '' });
});

test('processes and duties: one that stands still, until it goes on', async (t) => {
  const { serve } = await startLedger(t, postgres);
  const a = await serve('a', { expectErrors: [/the ledger:/, /cannot commit/] }), b = await serve('b', { expectErrors: [/the ledger:/, /cannot commit/] });
  await until('both are known and well', async () => (await Promise.all([a, b].map((server) => examine(server)))).every(({ code }) => code === 0));
  for (const [still, other, check, says] of [[b, a, 'processes', /^process \d+ stands still$/], [a, b, 'duties', /which has the duties$/]]) {
    await freeze(t, still);
    try {
      await until('it is missed', async () => (await examine(other)).code === 7);
      await finds(other, check, says, /did not move in \d beats of 2 s/);
    } finally {
      thaw(still);
    }
    await until('it beats again', async () => (await examine(other)).code === 0);
  }
});

test('versions: one that was left behind', async (t) => {
  const { serve, query } = await startLedger(t, postgres);
  const a = await serve('a');
  await serve('b');
  await until('both are well', async () => (await examine(a)).code === 0);
  await query("UPDATE processes SET version = '0.0.1' WHERE id = (SELECT MAX(id) FROM processes)");
  await finds(a, 'versions', /different versions/, /\d+ \(this one\): [\d.]+.*, \d+: 0\.0\.1/);
  await query('UPDATE processes SET version = (SELECT version FROM processes ORDER BY id LIMIT 1)');
  await isWell(a);
});

test('process-clocks: one that is an hour ahead', async (t) => {
  const { serve } = await startLedger(t, postgres);
  const a = await serve('a');
  const clock = new JumpingClock(join(temporaryFolder(t), 'ahead'));
  const b = await serve('b', { env: { ...preloaded([clock.library]), ...clock.env } });
  await until('both are well', async () => (await examine(a)).code === 0);
  clock.set(3_600_000);
  await until('it is seen', async () => (await examine(a)).code === 7);
  await finds(a, 'process-clocks', /the clock of a process is not the database's/, /process \d+ is 3(599|600)\.\d s ahead of/);
  await until('and told', async () => (await scrape(b)).samples.get('callspool_clock_ahead_seconds') > 3590);
  clock.set(1000);
  await until('a second is none', async () => (await examine(a)).code === 0);
});

test('peers: one that cannot be reached, one that others have no address of', async (t) => {
  const { serve } = await startLedger(t, postgres);
  const [port, other] = [await freePort(), await freePort()];
  const line = await startLine(t, other);
  const a = await serve('a', { settings: { cluster_listen: `127.0.0.1:${port}` } });
  await serve('b', { settings: { cluster_listen: `127.0.0.1:${other}`, cluster_address: `127.0.0.1:${line.port}` } });
  await until('both are well', async () => (await examine(a)).code === 0);
  const { of } = await examine(a);
  assert.deepEqual([of('peers').result, of('peers').detail], ['good', 'each of the others answers at its address']);
  line.isDown = true;
  await finds(a, 'peers', /^process \d+ cannot be asked/, new RegExp(`GET http://127\\.0\\.0\\.1:${line.port}/internal/media/RE0+: `));
  line.isDown = false;
  await until('it is well again', async () => (await examine(a)).code === 0);
  await serve('c');
  await until('the third is seen, and beats', async () => (await examine(a)).names.join() === 'peers');
  await finds(a, 'peers', /^not every process can be asked/, /^\d+$/);
});
