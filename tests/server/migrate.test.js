// The ledger moves from a file to PostgreSQL while the server serves.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, callspool, startDisk } from './harness/callspool.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { SETTINGS, SWITCH_MOST_MS, TWILIO_WAITS_MS, ask, begin, database, heads, listed, play, plays, refusedBy, requestAdmin, role, serve, session, startLarge, startMoving, startPlayers, startSenders, status, timeSwitch } from './harness/moving.js';
import { addLink, addToken, Caller, firstAdministrator, startWithPeople } from './harness/people.js';
import { run, temporaryFolder } from './harness/process.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

let postgres, upstream;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => { ({ postgres, upstream } = await startMoving()); });

const KILLS = Number(process.env.TEST_KILLS ?? 5);

/** What is said of a database that has gone, and not of a lock that was waited for: that ends each few seconds, too. */
const GONE = /PostgreSQL: .*connection/i;
/** The same of one that whoever moved is to be served from: it is said once a minute, and may have been said of a lock. */
const cannotServe = (server) => server.line(new RegExp(`cannot serve yet.*${GONE.source}`, 'i'), 90_000);

test('to PostgreSQL while webhooks come and recordings play: nothing is lost, all plays as before', async (t) => {
  const there = await database();
  const server = await serve(t);
  const recordings = [await store(server, upstream), await store(server, upstream, { format: 'wav' })];
  const before = await heads(server, recordings);
  const senders = startSenders(server);
  const players = startPlayers(server, recordings);
  await until('webhooks come in', () => senders.acknowledged.length > 20);

  const switched = timeSwitch(server, /the ledger was moved: the settings file/);
  const moved = await ask(server, ['--to', there.url]);
  assert.equal(moved.code, 0, moved.stderr);
  assert.match(moved.stdout, /^moved\./);
  assert.ok(moved.stdout.includes(`\ndatabase = ${there.url}\n`), moved.stdout);
  const tookMs = await switched;
  assert.ok(tookMs < SWITCH_MOST_MS, `${tookMs} ms`);
  const sofar = senders.acknowledged.length;
  await until('webhooks come in', () => senders.acknowledged.length > sofar + 20);
  await senders.stop();
  console.log(`| ${senders.acknowledged.length} webhooks acknowledged, ${senders.refused.length} refused, the longest ${senders.mostMs} ms; ${await players.stop()} plays`);
  assert.deepEqual(senders.refused, []);
  assert.ok(senders.mostMs < TWILIO_WAITS_MS, `${senders.mostMs} ms`);

  await plays(server, recordings, before);
  for (const sid of senders.acknowledged) await until(`${sid}, which was acknowledged, is there`, () => listed(server, sid));
  assert.equal(Number(await there.query(`SELECT COUNT(DISTINCT call_sid) FROM events WHERE call_sid IN (${senders.acknowledged.map((sid) => `'${sid}'`)})`)), senders.acknowledged.length);
  assert.equal((await status(server)).state, 'moved');
  assert.equal(server.child.exitCode, null, 'the same process');
});

test('killed again and again it goes on as it was, and asked again the move goes on where it was', async (t) => {
  const there = await database();
  const large = await startLarge(t);
  const { recordings, again, before } = large;
  let { server } = large;
  const acknowledged = [];
  const told = async (times) => {
    for (let i = 0; i < times; i += 1) {
      const CallSid = newSid('CA');
      assert.equal((await postForm(server.url, CALL_STATUS, callCallback({ CallSid }))).status, 200);
      acknowledged.push(CallSid);
    }
  };
  const copied = async () => Number(await there.query('SELECT tab FROM migration'));
  // Of what is copied when it is killed at a step one row is marked: written again it would lose that.  A number with the other sign is a mark.
  const marks = {
    call_numbers: ['events', 'received_at_ms', 'seq = 1'],
    number_parts: ['calls', 'started_at_ms', 'id = 1000007'],
    copied: ['calls', 'started_at_ms', 'id = 1000007'],
  };
  const turn = async ([table, column, row]) => Number(await there.query(`UPDATE ${table} SET ${column} = -${column} WHERE ${row} RETURNING ${column}`));
  const unmark = async (mark) => assert.ok(await turn(mark) > 0, `of ${mark[0]} what was copied is not copied again`);
  let done = 0, marked;
  for (const step of ['call_numbers', 'number_parts', 'copied']) {
    const held = await there.hold(t, step);
    const ended = begin(server, ['--to', there.url]);
    await told(3);
    await held.reached(ended);
    if (marked) await unmark(marked);
    let unlock;
    if (step === 'copied') { // and compared up to these
      unlock = await session(t, `BEGIN; LOCK TABLE ${there.schema}.recordings IN ACCESS EXCLUSIVE MODE`);
      await held.release();
      await until('it compares', async () => (await requestAdmin(server)).phase === 'compares');
    }
    assert.equal((await requestAdmin(server)).state, 'running');
    const now = await copied();
    assert.ok(now > done, 'further than before');
    done = now;
    await told(3);
    await server.kill();
    await (unlock ?? held.release)();
    await ended;
    marked = marks[step];
    assert.ok(await turn(marked) < 0);
    await refusedBy(['serve'], { data_dir: temporaryFolder(t), database: there.url, auth: 'none', listen: '127.0.0.1:0' }, 2, /has not come to its end/);
    server = await again();
    const begun = await status(server);
    assert.deepEqual([begun.state, begun.to, begun.store], ['paused', there.url, null], 'it says that a move has begun');
    await plays(server, recordings, before);
    for (const sid of acknowledged) await until(`${sid} is there`, () => listed(server, sid));
    await told(3);
  }
  const differs = await ask(server, ['--to', there.url]);
  assert.equal(differs.code, 4, differs.stderr);
  assert.match(differs.stderr, new RegExp(`table ${marked[0]} differs`)); // it is compared as it is
  await unmark(marked);
  const moved = await ask(server, ['--to', there.url]);
  assert.equal(moved.code, 0, moved.stderr);
  await plays(server, recordings, before);
  for (const sid of acknowledged) assert.ok(await listed(server, sid));
  await server.stop('SIGTERM');

  // Killed between the mark and the first look at the new ledger: whoever comes next opens it.
  const name = (await run('sqlite3', [join(server.dataDir, 'ledger.db'), 'SELECT name FROM departing'])).stdout.trim();
  await there.query(`INSERT INTO schema_version (version, program) VALUES (1073741825, 'x'); CREATE TABLE migration (name TEXT, is_complete BIGINT); INSERT INTO migration VALUES ('${name}', 1)`);
  await refusedBy(['status'], { data_dir: server.dataDir, database: there.url }, 2, /has not come to its end/);
  server = await serve(t, { dataDir: server.dataDir, settings: { database: there.url } });
  await plays(server, recordings, before);
});

test('the ledger that was moved is refused by everybody, with what it is served with', async (t) => {
  const there = await database();
  let server = await serve(t);
  const { dataDir } = server;
  const recordings = [await store(server, upstream)];
  const before = await heads(server, recordings);
  assert.equal((await ask(server, ['--to', there.url])).code, 0);

  // What it started anew with is what it goes on with: by SIGHUP, and in a successor.
  server.child.kill('SIGHUP');
  await server.line(/the settings were read anew/);
  const upgraded = await callspool(['upgrade', '--json', '--set', `data_dir=${dataDir}`]);
  assert.equal(upgraded.code, 0, upgraded.stderr);
  const { pid } = JSON.parse(upgraded.stdout);
  atEnd(t, () => { try { process.kill(pid, 'SIGKILL'); } catch (error) { assert.equal(error.code, 'ESRCH'); } }); // should something fail before it ends
  await plays(server, recordings, before);
  assert.equal((await callspool(['status', '--set', `data_dir=${dataDir}`])).code, 0, 'the server itself is asked');
  process.kill(pid, 'SIGTERM');
  await server.exited;
  await until('nobody serves there', async () => (await callspool(['status', '--set', `data_dir=${dataDir}`])).code === 2);

  const words = new RegExp(`served with database = ${there.url.replace(/[?.&%]/g, '\\$&')}`);
  await refusedBy(['serve'], { data_dir: dataDir, auth: 'none', listen: '127.0.0.1:0' }, 2, words);
  await refusedBy(['status'], { data_dir: dataDir }, 2, words);
  await refusedBy(['rebuild', '--though-whole'], { data_dir: dataDir }, 2, words);
  await refusedBy(['backup', join(temporaryFolder(t), 'backup')], { data_dir: dataDir }, 2, words);
  const other = await database();
  await refusedBy(['serve'], { data_dir: dataDir, database: other.url, auth: 'none', listen: '127.0.0.1:0' }, 4, words);

  server = await serve(t, { dataDir, settings: { database: there.url } });
  await plays(server, recordings, before);
  assert.match((await ask(server, ['--to', other.url])).stderr, /on a server already/);
});

test('an upgrade that is being prepared when the ledger is switched is given up, and its command told so', async (t) => {
  const there = await database();
  const server = await serve(t);
  const recordings = [await store(server, upstream)];
  const before = await heads(server, recordings);
  const folder = temporaryFolder(t);
  const [binary, word] = [join(folder, 'callspool'), join(folder, 'word')];
  assert.equal((await run('mkfifo', [word])).code, 0);
  const end = openSync(word, 'r+'); // with both ends open nobody waits for the other
  atEnd(t, () => closeSync(end));
  writeFileSync(binary, `#!/bin/sh\nread -r go <'${word}'\nexec '${BINARY}' "$@"\n`, { mode: 0o755 });
  const upgrading = callspool(['upgrade', '--binary', binary, '--set', `data_dir=${server.dataDir}`]);
  await server.line(/an upgrade: .* is started/);
  const moved = await ask(server, ['--to', there.url]);
  assert.equal(moved.code, 0, moved.stderr);
  writeSync(end, 'go\n'); // were it there yet, it would be prepared now
  const { code, stderr } = await upgrading;
  assert.equal(code, 5, stderr);
  assert.match(stderr, /the ledger is being moved/);
  await plays(server, recordings, before);
  const again = await callspool(['upgrade', '--json', '--set', `data_dir=${server.dataDir}`]);
  assert.equal(again.code, 0, again.stderr);
  const { pid } = JSON.parse(again.stdout);
  atEnd(t, () => { try { process.kill(pid, 'SIGTERM'); } catch (error) { assert.equal(error.code, 'ESRCH'); } });
  await plays(server, recordings, before);
});

test('who is signed in stays so, tokens and links are good, the audit is whole, and who follows is told', async (t) => {
  const there = await database();
  const { server, recording } = await startWithPeople(t, { settings: SETTINGS });
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'play,read');
  const link = await addLink(admin, recording, { plays_max: 5 });
  const opened = new Caller(server, { bearer: link.secret });
  assert.equal((await token.ask('GET', recording.mediaPath)).status, 200);
  await admin.asks(200, 'POST', `/api/recordings/${recording.recordingSid}/hold`, { json: {} });
  const { json: { seq } } = await admin.asks(200, 'GET', '/api/calls');
  const audited = async () => (await admin.asks(200, 'GET', '/api/audit')).json.entries.length;
  const before = await audited();

  const moved = await ask(server, ['--to', there.url]);
  assert.equal(moved.code, 0, moved.stderr);
  const { json: { user } } = await admin.asks(200, 'GET', '/api/session');
  assert.equal(user.name, 'ruth', 'the session goes on');
  assert.equal((await token.ask('GET', recording.mediaPath)).status, 200, 'the token');
  const played = await opened.ask('GET', link.mediaPath);
  assert.equal(played.status, 200, `the link: ${played.body}`);
  const { json: told } = await admin.asks(200, 'GET', `/api/events?after=${seq}`);
  assert.ok(told.seq >= seq && (told.reset === true || Array.isArray(told.calls)), JSON.stringify(told));
  const { json: call } = await admin.asks(200, 'GET', `/api/calls/${recording.callSid}`);
  assert.ok(call.recordings[0].hold, 'it is held');
  assert.ok(await audited() >= before, 'the audit goes on');
  await server.stop('SIGTERM');
  const whole = await callspool(['verify', '--audit', '--set', `data_dir=${server.dataDir}`, '--set', `database=${there.url}`]);
  assert.equal(whole.code, 0, whole.stdout + whole.stderr);
  assert.match(whole.stdout, /The audit is whole/);
});

test('killed about the switch it is the one ledger or the other, with all that was acknowledged', async (t) => {
  const ways = { old: 0, new: 0 };
  for (let i = 0; i < KILLS; i += 1) {
    const there = await database();
    let server = await serve(t);
    const recordings = [await store(server, upstream)];
    const before = await heads(server, recordings);
    const senders = startSenders(server, 1);
    const held = i === 0 ? await there.hold(t, 'marks') : undefined;
    const ended = begin(server, ['--to', there.url]);
    await until('it is about to switch', async () => /follows|moved/.test(JSON.stringify(await requestAdmin(server).catch(() => 'moved'))));
    // Right behind the mark, right before it, and at any moment.
    if (i % 2 === 1) await server.line(/the ledger was moved: the settings file/);
    else if (held) await held.reached(ended);
    else await new Promise((resolve) => setTimeout(resolve, i * 100));
    await server.kill();
    await held?.release();
    await senders.stop();
    await ended;
    const settings = { data_dir: server.dataDir, auth: 'none' };
    const status = await callspool(['status', ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])]);
    const isMoved = /served with/.test(status.stderr);
    if (held) assert.ok(!isMoved, 'before the mark it is the old one');
    if (i % 2 === 1) assert.ok(isMoved, 'behind the mark it is the new one');
    ways[isMoved ? 'new' : 'old'] += 1;
    server = await serve(t, { dataDir: server.dataDir, settings: isMoved ? { database: there.url } : {} });
    for (const sid of senders.acknowledged) await until(`${sid}, which was acknowledged, is there`, () => listed(server, sid));
    await plays(server, recordings, before);
    if (!isMoved) assert.equal((await ask(server, ['--to', there.url])).code, 0, 'asked again');
    for (const sid of senders.acknowledged) assert.ok(await listed(server, sid));
    await plays(server, recordings, before);
    await server.stop('SIGTERM');
  }
  console.log(`| killed about the switch: ${ways.old} times on the old ledger, ${ways.new} times on the new one`);
});

test('a database that cannot be served from any more is found before the old ledger is left', async (t) => {
  const there = await role('later');
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'call_numbers');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  await postgres.query('ALTER ROLE later SET synchronous_commit = off');
  await held.release();
  const { code, stderr } = await ended;
  assert.equal(code, 2, stderr);
  assert.match(stderr, /synchronous_commit is off/);
  await plays(server, recordings, before);
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
  await postgres.query('ALTER ROLE later RESET synchronous_commit');
  assert.equal((await ask(server, ['--to', there.url])).code, 0);
  await plays(server, recordings, before);
});

test('a server that is to stop does not wait for what the move is at', async (t) => {
  const there = await database();
  const { server, again, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'number_parts');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  assert.equal((await ask(server, ['--pause'])).code, 0);
  await ended;
  await held.release();
  await there.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION slow()`);
  const changed = await run('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', 'UPDATE calls SET ended_at_ms = 1 WHERE id BETWEEN 1000001 AND 1010000']);
  assert.equal(changed.code, 0, changed.stderr);
  const slow = begin(server, ['--to', there.url]);
  await until('it writes what has changed', async () => Number(await postgres.query("SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO calls%' AND state = 'active'")) > 0);
  const began = Date.now();
  await server.stop('SIGTERM');
  const took = Date.now() - began;
  console.log(`| stopped in the middle of a turn of some 50 s: ${took} ms`);
  assert.ok(took < 15_000, `${took} ms`);
  await slow;
  await there.query('DROP TRIGGER slow ON calls');
  const next = await again();
  const moved = await ask(next, ['--to', there.url]);
  assert.equal(moved.code, 0, moved.stderr);
  await plays(next, recordings, before);
});

test('what differs is found, and nothing is switched', async (t) => {
  const there = await database();
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'number_parts');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  await there.query("UPDATE calls SET from_address = '+1999' WHERE id = 1000007");
  await held.release();
  const { code, stderr } = await ended;
  assert.equal(code, 4, stderr);
  assert.match(stderr, /table calls differs/);
  assert.equal((await status(server)).state, 'failed');
  await plays(server, recordings, before);
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
  await there.query("UPDATE calls SET from_address = '+15557' WHERE id = 1000007");
  assert.equal((await ask(server, ['--to', there.url])).code, 0);
  await plays(server, recordings, before);
});

test('it pauses, goes on, and can be given up: then the ledger is as before', async (t) => {
  const [there, other] = [await database(), await database()];
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'calls');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  const paused = await ask(server, ['--pause']);
  assert.equal(paused.code, 0, paused.stderr);
  assert.match(paused.stdout, /^paused: \d+ of \d+ rows/);
  assert.equal((await ended).code, 0);
  await held.release();
  const tab = await there.query('SELECT tab, k1 FROM migration');
  assert.match((await ask(server, ['--to', other.url])).stderr, /another move has begun/);
  const further = await there.hold(t, 'number_parts');
  const resumed = begin(server, ['--to', there.url]);
  await further.reached(resumed);
  assert.notEqual(await there.query('SELECT tab, k1 FROM migration'), tab, 'it goes on');
  assert.match((await ask(server, ['--pause'])).stdout, /^paused/);
  await resumed;
  await further.release();
  const cancelled = await ask(server, ['--cancel']);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  const { stdout } = await run('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"]);
  assert.equal(stdout.trim(), '0');
  assert.match((await ask(server, ['--to', there.url])).stderr, /another move has begun: give it an empty one/);
  const moved = await ask(server, ['--to', other.url]);
  assert.equal(moved.code, 0, moved.stderr);
  await plays(server, recordings, before);
});

test('it is given up while it runs, by one command; what a stop left of it goes with the next start', async (t) => {
  const there = await database();
  const { server, again, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'calls');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  const cancelled = await ask(server, ['--cancel']);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.match(cancelled.stdout, /nothing is being moved/);
  assert.equal((await ended).code, 0);
  await held.release();
  const { stdout } = await run('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"]);
  assert.equal(stdout.trim(), '0');
  await plays(server, recordings, before);
  await server.stop('SIGTERM');

  // As it is between two of the pieces in which notes are removed; while the trigger is there no piece removes any.
  const ledger = join(server.dataDir, 'ledger.db');
  const left = await run('sqlite3', [ledger, `CREATE TABLE departing_notes (id INTEGER PRIMARY KEY AUTOINCREMENT, tab TEXT NOT NULL, k1, k2, k3);
    INSERT INTO departing_notes (tab, k1, k2, k3) VALUES ('calls', 1000001, 0, 0), ('calls', 1000002, 0, 0);
    CREATE TRIGGER held BEFORE DELETE ON departing_notes BEGIN SELECT RAISE(IGNORE); END`]);
  assert.equal(left.code, 0, left.stderr);
  const removes = await again();
  assert.equal((await status(removes)).state, 'running');
  for (const args of [['--pause'], ['--to', there.url]]) {
    const refused = await ask(removes, args);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /what a move that was given up has noted is being removed/);
  }
  assert.equal((await status(removes)).state, 'running', 'nor is it paused');
  await removes.stop('SIGTERM');
  assert.equal((await run('sqlite3', [ledger, 'DROP TRIGGER held'])).code, 0);
  const next = await again();
  await until('nothing is left', async () => (await run('sqlite3', ['-readonly', ledger, "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"])).stdout.trim() === '0');
  await until('nothing is being moved', async () => (await status(next)).state === 'none');
  await plays(next, recordings, before);
});

test('one that an older callspool has begun is given up, and not gone on with', async (t) => {
  const { server, again, recordings, before } = await startLarge(t);
  await server.stop('SIGTERM');
  const nowhere = 'postgresql://callspool@127.0.0.1:1/callspool';
  const made = await run('sqlite3', [join(server.dataDir, 'ledger.db'), `
    CREATE TABLE migrating (name TEXT PRIMARY KEY, destination TEXT NOT NULL, began_at_ms BIGINT NOT NULL, has_arrived INTEGER NOT NULL DEFAULT 0, media BIGINT NOT NULL DEFAULT 0);
    INSERT INTO migrating (name, destination, began_at_ms) VALUES ('older', 'database = ${nowhere}', 1);
    CREATE TABLE migrating_notes (id INTEGER PRIMARY KEY AUTOINCREMENT, tab TEXT NOT NULL, k1, k2, k3)`]);
  assert.equal(made.code, 0, made.stderr);
  const next = await again();
  await next.line(/has begun: .*by an older callspool: --cancel it, and begin anew/);
  const refused = await ask(next, ['--to', nowhere]);
  assert.equal(refused.code, 4, refused.stderr); // before the database is looked for
  assert.match(refused.stderr, /by an older callspool: --cancel it, and begin anew/);
  assert.equal((await ask(next, ['--cancel'])).code, 0);
  const { stdout } = await run('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'migrating%'"]);
  assert.equal(stdout.trim(), '0');
  await plays(next, recordings, before);
});

describe('where it cannot go', () => {
  let server;
  before(async () => { server = await serve(lifetime); });
  const refused = async (t, url, code, pattern) => {
    const ended = await ask(server, ['--to', url]);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, pattern);
    assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
    const { stdout } = await run('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"]);
    assert.equal(stdout.trim(), '0', 'nothing was begun');
  };

  test('a database that has something', async (t) => {
    const there = await database();
    await there.query('CREATE TABLE calls (id BIGINT)');
    await refused(t, there.url, 4, /empty/);
  });
  test('one with a ledger, of this version and of an older one', async (t) => {
    const there = await database();
    await (await serve(t, { settings: { database: there.url } })).stop('SIGTERM');
    await refused(t, there.url, 4, /has a ledger of its own/);
    await there.query('DELETE FROM schema_version WHERE version > 22');
    await refused(t, there.url, 4, /another callspool/);
  });
  test('a role that may make no tables there, or sees no schema', async (t) => {
    const weak = await role('weak', (schema) => `GRANT USAGE ON SCHEMA ${schema} TO weak`);
    await refused(t, weak.url, 2, /weak may make no tables in the schema m\d+: GRANT CREATE ON SCHEMA m\d+ TO weak/);
    const blind = await role('blind', () => '');
    await refused(t, blind.url, 2, /no schema of search_path \(m\d+\) is there, or is open to blind/);
    await refused(t, `${postgres.url}&options=-csearch_path%3Dnowhere`, 2, /no schema of search_path \(nowhere\) is there/);
  });
  test('what lies there and cannot be read is not called a ledger', async (t) => {
    const other = await role('other', (schema) => `GRANT USAGE, CREATE ON SCHEMA ${schema} TO other`);
    await (await serve(t, { settings: { database: other.url.replace('other@', 'callspool@') } })).stop('SIGTERM');
    await refused(t, other.url, 2, /belong to another role than other/);
    const there = await database();
    await there.query("CREATE VIEW schema_version AS SELECT CAST(current_setting('server_version') AS BIGINT) AS version; CREATE TABLE calls (id BIGINT)");
    await refused(t, there.url, 4, /of something else \(it is no ledger of callspool \(PostgreSQL: invalid input syntax/);
  });
  test('a database in another encoding, one that does not keep what it commits, one with too few connections', async (t) => {
    await postgres.query("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    await refused(t, postgres.url.replace('/postgres?', '/latin?'), 2, /the database is in LATIN1: CREATE DATABASE/);
    await postgres.query('CREATE DATABASE careless TEMPLATE template0');
    await postgres.query('ALTER DATABASE careless SET synchronous_commit = off');
    await refused(t, postgres.url.replace('/postgres?', '/careless?'), 2, /synchronous_commit is off/);
    const few = await role('few', (schema) => `GRANT USAGE, CREATE ON SCHEMA ${schema} TO few; ALTER ROLE few CONNECTION LIMIT 3`);
    await refused(t, few.url, 5, /5 connections are needed: PostgreSQL: .*too many connections/);
  });
  test('a server that is not there', (t) => refused(t, 'postgresql://callspool@127.0.0.1:1/callspool', 5, /PostgreSQL/));
  test('a password that is wrong', async (t) => {
    const there = await database();
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'pass'), '*:*:*:*:wrong\n', { mode: 0o600 });
    const hba = join(postgres.folder, 'data', 'pg_hba.conf');
    await there.query("CREATE ROLE locked LOGIN SUPERUSER PASSWORD 'right'");
    writeFileSync(hba, `local all locked scram-sha-256\n${readFileSync(hba)}`);
    await postgres.query('SELECT pg_reload_conf()');
    const url = there.url.replace('callspool@', 'locked@') + `&passfile=${folder}/pass`;
    await until('it asks for a password', async () => (await run('psql', ['-w', '-c', 'SELECT 1', url])).code !== 0);
    await refused(t, url, 5, /password authentication failed/);
  });
  test('an address with a password, or of nothing that we know', async (t) => {
    await refused(t, 'postgresql://callspool:secret@db/callspool', 2, /password/);
    await refused(t, 'mysql://callspool@db/callspool', 2, /postgresql:/);
  });
  test('a server that does not run', async (t) => {
    const ended = await callspool(['migrate', '--status', '--set', `data_dir=${temporaryFolder(t)}`]);
    assert.equal(ended.code, 3, ended.stderr);
  });
});

test('a database that is away in the middle of it is waited for', async (t) => {
  const there = await database();
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'call_numbers');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  await postgres.stop('SIGQUIT'); // and with it who holds it
  await until('it waits', async () => GONE.test((await requestAdmin(server)).failed?.error));
  await plays(server, recordings, before);
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
  await ended.says(new RegExp(`${GONE.source}.*; it is tried again`, 'i'));
  await postgres.start();
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  await plays(server, recordings, before);
});

test('a database that is away right after the switch is waited for, however long', async (t) => {
  const there = await database();
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'opens');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  await server.line(/the ledger was moved: the settings file/);
  await postgres.stop('SIGQUIT'); // and with it who holds it
  await cannotServe(server);
  const since = Date.now();
  await until('it was away for longer than anything else waits', () => server.child.exitCode !== null || Date.now() - since > 13_000);
  const { exitCode } = server.child;
  await postgres.start();
  assert.equal(exitCode, null, 'it is tried on');
  await server.line(/serving again/);
  await plays(server, recordings, before);
  await ended;
  assert.equal((await status(server)).state, 'moved');
});

test('moved, and killed before the database answers: the next start goes on, with the settings of before', async (t) => {
  const there = await database();
  const { server, again, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'opens');
  const ended = begin(server, ['--to', there.url]);
  await held.reached(ended);
  await server.line(/the ledger was moved: the settings file/);
  await postgres.stop('SIGQUIT'); // and with it who holds it
  await cannotServe(server);
  await server.kill();
  await ended;
  // Not 2, with which no service manager would start it again.
  await refusedBy(['serve'], { data_dir: server.dataDir, auth: 'none', listen: '127.0.0.1:0' }, 5, /PostgreSQL/);
  await postgres.start();
  // Neither a command that looks at the new ledger, nor a server that does not come to serve, is one.
  const looks = await callspool(['user', 'list', '--set', `data_dir=${server.dataDir}`, '--set', `database=${there.url}`]);
  assert.equal(looks.code, 0, looks.stderr);
  await refusedBy(['serve'], { data_dir: server.dataDir, database: there.url, auth: 'none', listen: '127.0.0.1:0', access_log: '/nowhere/access.log' }, 2, /nowhere/);
  const next = await again();
  await next.line(/the ledger was moved: the settings file has to say, before the next start: database=/);
  await plays(next, recordings, before);
  await next.stop('SIGTERM');
  await refusedBy(['serve'], { data_dir: server.dataDir, auth: 'none', listen: '127.0.0.1:0' }, 2, /served with database = /);
});

test('a switch that does not come about in time: the old ledger serves on, and it is tried again later', async (t) => {
  const there = await database();
  const { server, recordings, before } = await startLarge(t);
  const held = await there.hold(t, 'marks');
  const ended = begin(server, ['--to', there.url]);
  const senders = startSenders(server, 1);
  const tookMs = await timeSwitch(server, /the ledger is not moved/);
  assert.ok(tookMs < SWITCH_MOST_MS, `${tookMs} ms`);
  await until('it waits to be tried again', async () => {
    const now = await requestAdmin(server);
    return now.state === 'running' && now.failed?.code === 'overloaded';
  });
  const sofar = senders.acknowledged.length;
  await until('webhooks come in', () => senders.acknowledged.length > sofar);
  await plays(server, recordings, before);
  await ended.says(/it is tried again/);
  await held.release();
  const { code, stderr } = await ended;
  assert.equal(code, 0, stderr);
  await senders.stop();
  assert.deepEqual(senders.refused, []);
  assert.ok(senders.mostMs < TWILIO_WAITS_MS, `${senders.mostMs} ms`);
  for (const sid of senders.acknowledged) await until(`${sid}, which was acknowledged, is there`, () => listed(server, sid));
  await plays(server, recordings, before);
});

test('a full disk: nothing is begun, or it waits; with room again it goes on', async (t) => {
  const there = await database();
  const folder = temporaryFolder(t);
  const disk = await startDisk(t, folder, 96);
  const server = await serve(t, { dataDir: join(folder, 'data'), disk, settings: { min_free: '1M' } });
  const recordings = [await store(server, upstream)];
  const before = await heads(server, recordings);
  const filler = disk.seenFrom(join(folder, 'filler'));
  assert.notEqual((await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'])).code, 0);
  const full = await callspool(['migrate', '--to', there.url, '--set', `data_dir=${disk.seenFrom(server.dataDir)}`]);
  // 0: what the server keeps back for itself was enough, perhaps at another try.
  assert.ok([0, 1, 5].includes(full.code), `${full.code} ${full.stderr}`);
  if (full.code !== 0) assert.match(full.stderr, /full/);
  await plays(server, recordings, before);
  rmSync(filler);
  const moved = await until('there is room', async () => {
    const ended = await callspool(['migrate', '--to', there.url, '--set', `data_dir=${disk.seenFrom(server.dataDir)}`]);
    return ended.code === 0 ? ended : undefined;
  });
  assert.match(moved.stdout, /^moved/);
  await plays(server, recordings, before);
});
