// The commands of an administrator: user, token, session, link, verify; beside a server that runs, and without one.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { CREDENTIALS, callspool, startDemo, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { SIGN_IN } from './harness/people.js';
import { temporaryFolder } from './harness/process.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

const PASSWORD = 'a long walk by the sea';
const TO_THE_PAGE = { 'Content-Type': 'application/json' };

/** The command on the data folder of a server; core dumps are allowed, which LeakSanitizer needs. */
const ask = ({ dataDir }, ...args) => callspool([...args, '--set', `data_dir=${dataDir}`, '--set', 'core_dumps=on']);

/** The same, which must succeed: what it printed on standard output, without the line's end. */
async function done(server, ...args) {
  const { code, stdout, stderr } = await ask(server, ...args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** The list that a command gives with --json. */
const list = async (server, ...args) => Object.values(JSON.parse(await done(server, ...args, '--json')))[0];

const startWithSignIn = (t, options = {}) =>
  startServer(t, { ...options, settings: { ...SIGN_IN, trusted_proxies: undefined, public_url: undefined, ...options.settings } });

const post = (server, path, body, headers = {}) => requestJson(`${server.url}${path}`, { method: 'POST', headers: { ...TO_THE_PAGE, ...headers }, body: JSON.stringify(body) });

const sql = ({ dataDir }, statement) => execFileSync('sqlite3', [join(dataDir, 'ledger.db'), statement], { encoding: 'utf8' }).trim();

/** Takes the invitation in a link, and signs in: the cookie. */
async function accept(server, url, name) {
  const taken = await post(server, '/join', { invitation: new URL(url).hash.slice(1), password: PASSWORD });
  assert.equal(taken.status, 200, taken.body.toString());
  const signedIn = await post(server, '/api/session', { name, password: PASSWORD });
  assert.equal(signedIn.status, 200, signedIn.body.toString());
  return signedIn.headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ');
}

/** The two ways in which a command finds what it asks about. */
const ways = [
  ['a server that runs', (t) => startWithSignIn(t)],
  ['the ledger of one that is stopped', async (t) => {
    const server = await startWithSignIn(t);
    await server.finish();
    return server;
  }],
];

for (const [name, start] of ways) describe(name, () => {
  let server; // one test after the other, each leaves it without what it made
  before(async () => { server = await start(lifetime); });

  test('user: added, listed, renamed, of another role, disabled, enabled, reset, deleted', async () => {
    const { code, stdout, stderr } = await ask(server, 'user', 'add', 'dana', '--admin', '--full-name', 'Dana Levi');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/join#[\w-]{32}\n$/, 'the link alone, where the server listens');
    assert.match(stderr, /24 hours/);
    const { hash } = new URL(stdout.trim());
    assert.ok(!stderr.includes(hash.slice(1)), 'the words hold no secret');

    assert.match(await done(server, 'user', 'list'), /^NAME +ROLE .*\ndana +admin +own +no +no +-$/);
    await done(server, 'user', 'rename', 'dana', 'dalia');
    await done(server, 'user', 'role', 'dalia', 'listener');
    await done(server, 'user', 'disable', 'dalia');
    assert.deepEqual((await list(server, 'user', 'list')).map((user) => [user.name, user.full_name, user.role, user.disabled]), [['dalia', 'Dana Levi', 'listener', true]]);
    await done(server, 'user', 'enable', 'dalia');
    assert.equal((await list(server, 'user', 'list'))[0].disabled, false);
    assert.notEqual(await done(server, 'user', 'reset', 'dalia'), stdout.trim(), 'another link');
    await done(server, 'user', 'delete', 'dalia');
    assert.deepEqual(await list(server, 'user', 'list'), []);
  });

  test('token and link: made, listed, revoked', async () => {
    const token = await done(server, 'token', 'add', 'crm', '--rights', 'play,link', '--expires', '90d');
    assert.match(token, /^csp_[\w-]{32}$/);
    const [row] = await list(server, 'token', 'list');
    assert.deepEqual([row.name, row.rights, row.note], [token.slice(4, 12), 'play,link', 'crm']);
    assert.match(await done(server, 'token', 'list'), /^NAME +RIGHTS +LAST USED +EXPIRES +NOTE\n[\w-]{8} +play,link +- +\d{4}-.* +crm$/);
    await done(server, 'token', 'revoke', row.name);
    assert.deepEqual(await list(server, 'token', 'list'), []);
    assert.equal((await ask(server, 'token', 'revoke', row.name)).code, 3);
    assert.equal((await ask(server, 'link', 'make', newSid('CA'))).code, 3, 'of a recording that is not known');
    assert.deepEqual(await list(server, 'link', 'list'), []);
  });

  test('the exit status says what went wrong', async () => {
    await done(server, 'user', 'add', 'dana');
    const cases = [
      [4, 'a name that is taken', 'user', 'add', 'Dana'],
      [3, 'a user that is not there', 'user', 'disable', 'avi'],
      [3, 'a session that is not there', 'session', 'end', 'Zk3_x81Q'],
      [3, 'sessions of nobody', 'session', 'list', '--user', 'avi'],
      [3, 'a link that is not there', 'link', 'revoke', 'Zk3_x81Q'],
      [2, 'a name that is none', 'user', 'add', 'dana levi'],
      [2, 'a path in place of a name', 'user', 'delete', '../tokens'],
      [2, 'a role that is none', 'user', 'role', 'dana', 'boss'],
      [2, 'a right that is none', 'token', 'add', 'crm', '--rights', 'fly'],
      [2, 'a token without rights', 'token', 'add', 'crm'],
      [2, 'a duration that is none', 'token', 'add', 'crm', '--rights', 'play', '--expires', 'soon'],
      [2, 'a link to no SID', 'link', 'make', 'dana'],
      [2, 'a session or whose', 'session', 'end'],
      [2, 'a verb that is none', 'user', 'frobnicate'],
      [2, 'no verb', 'user'],
      [2, 'no name', 'user', 'delete'],
      [2, 'a name too many', 'user', 'delete', 'dana', 'avi'],
    ];
    for (const [status, why, ...args] of cases) {
      const { code, stdout, stderr } = await ask(server, ...args);
      assert.deepEqual([code, stdout], [status, ''], `${why}: ${stderr}`);
      assert.match(stderr, /^callspool/, why);
    }
  });
});

test('a listener who joins first leaves the first administrator their invitation', async (t) => {
  const told = ({ dataDir }) => readFileSync(join(dataDir, 'first-administrator'), 'utf8').trim();
  const joinBy = (server, url, name) => post(server, '/join', { invitation: new URL(url).hash.slice(1), name, password: PASSWORD });
  let server = await startWithSignIn(t);
  await accept(server, await done(server, 'user', 'add', 'dana'), 'dana');
  const early = told(server);
  await server.finish();
  server = await startWithSignIn(t, { dataDir: server.dataDir });
  assert.notEqual(told(server), early, 'a start without an administrator makes a new one');
  assert.equal((await joinBy(server, early, 'eve')).status, 404, 'and the one before is over');
  assert.equal((await joinBy(server, told(server), 'dana')).json.code, 'name_taken');
  const joined = await joinBy(server, told(server), 'ruth');
  assert.deepEqual([joined.status, joined.json.user?.role], [200, 'admin'], joined.body.toString());
  assert.ok(!existsSync(join(server.dataDir, 'first-administrator')), 'the file goes');
});

test('an invitation for the first administrator is over once a listener with a password becomes one', async (t) => {
  const server = await startWithSignIn(t);
  const first = readFileSync(join(server.dataDir, 'first-administrator'), 'utf8').trim();
  await accept(server, await done(server, 'user', 'add', 'dana'), 'dana');
  await done(server, 'user', 'role', 'dana', 'admin');
  const late = await post(server, '/join', { invitation: new URL(first).hash.slice(1), name: 'eve', password: PASSWORD });
  assert.equal(late.status, 404, late.body.toString());
});

test('the last administrator who can sign in stays', async (t) => {
  const server = await startWithSignIn(t);
  await accept(server, await done(server, 'user', 'add', 'dana', '--admin'), 'dana');
  for (const args of [['disable', 'dana'], ['delete', 'dana'], ['role', 'dana', 'listener']]) {
    const { code, stderr } = await ask(server, 'user', ...args);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /last administrator/);
  }
});

test('session: listed with whose it is and of what browser, and ended alone or all of one user', async (t) => {
  const server = await startWithSignIn(t);
  const url = await done(server, 'user', 'add', 'dana');
  const cookie = await accept(server, url, 'dana');
  const other = await post(server, '/api/session', { name: 'dana', password: PASSWORD }, { 'User-Agent': 'Lynx/2.9' });
  assert.equal(other.status, 200);
  await accept(server, await done(server, 'user', 'add', 'avi'), 'avi');
  const whoAmI = async (shown) => (await requestJson(`${server.url}/api/session`, { headers: { Cookie: shown } })).json.signed_in;
  assert.equal(await whoAmI(cookie), true);

  assert.equal((await list(server, 'session', 'list')).filter(({ user }) => user === 'avi').length >= 1, true);
  const sessions = await list(server, 'session', 'list', '--user', 'dana');
  assert.ok(sessions.length >= 2 && sessions.every(({ user }) => user === 'dana'), JSON.stringify(sessions));
  assert.match(await done(server, 'session', 'list'), /^[\w-]{8} +dana +127\.0\.0\.\S+ .* Lynx\/2\.9$/m);

  const own = sessions.find(({ name }) => cookie.includes(name));
  assert.ok(own, 'the name of a session is what its cookie begins with');
  await done(server, 'session', 'end', own.name);
  assert.equal(await whoAmI(cookie), false);
  await done(server, 'session', 'end', '--user', 'dana');
  assert.deepEqual(await list(server, 'session', 'list', '--user', 'dana'), []);
  assert.notEqual((await list(server, 'session', 'list')).length, 0, "avi's goes on");
});

test('lists go on behind a page', async (t) => {
  const server = await startWithSignIn(t);
  await done(server, 'token', 'add', 'the last', '--rights', 'play');
  await server.finish();
  // 450 more than a page holds, older by their numbers.
  sql(server, `UPDATE credentials SET id = 100000 WHERE kind = 3; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
    INSERT INTO credentials (id, kind, name, hash, rights, plays, plays_max, options, note, made_at_ms, seen_at_ms, changed_seq)
    SELECT 1000 + i, kind, printf('%08d', i), hash, rights, 0, 0, 0, 'old ' || i, made_at_ms, seen_at_ms, changed_seq FROM n, credentials WHERE kind = 3`);
  const tokens = await list(server, 'token', 'list');
  assert.equal(tokens.length, 451);
  assert.equal(new Set(tokens.map(({ name }) => name)).size, 451);
});

test('a terminal is told no control character', async (t) => {
  const server = await startWithSignIn(t);
  await done(server, 'token', 'add', 'red \u001b[31m', '--rights', 'play');
  assert.match(await done(server, 'token', 'list'), /red \?\[31m$/);
});

test('a link opens its recording until it is revoked; its list knows of which call it is', async (t) => {
  const { server, recording } = await startStored(t);
  const { url, media_url: mediaUrl, name } = JSON.parse(await done(server, 'link', 'make', recording.callSid, '--plays', '2', '--numbers', '--note', 'for Dana', '--json'));
  assert.equal(url.split('#')[0], `http://callspool.test/l/${name}`);
  const media = () => request(`${server.url}${new URL(mediaUrl).pathname}`);
  assert.equal((await media()).status, 200);
  await done(server, 'link', 'make', recording.recordingSid, '--whole-call');

  const ofCall = await list(server, 'link', 'list', '--call', recording.callSid);
  assert.equal(ofCall.length, 2);
  assert.deepEqual(ofCall.map((link) => [link.note, link.plays_max, link.show_numbers]), [['', undefined, false], ['for Dana', 2, true]]);
  assert.deepEqual(ofCall.map((link) => link.whole_call), [true, false]);
  assert.equal((await ask(server, 'link', 'list', '--call', newSid('CA'))).code, 3);
  await done(server, 'link', 'revoke', name);
  assert.equal((await media()).status, 404);
});

test('without a ledger nothing is made, and the folder stays away', async (t) => {
  const dataDir = join(temporaryFolder(t), 'misspelt');
  const { code, stderr } = await ask({ dataDir }, 'user', 'add', 'dana');
  assert.equal(code, 3, stderr);
  assert.equal(existsSync(dataDir), false);
});

/* ---- verify --audit ---- */

/** The folder of a server that was stopped, whose audit has entries of two starts, and what it logged meanwhile: made once. */
let audited;
async function makeAudited() {
  const server = await startWithSignIn(lifetime);
  for (const name of ['dana', 'avi', 'noa']) await done(server, 'user', 'add', name);
  await server.finish();
  const second = await startWithSignIn(lifetime, { dataDir: server.dataDir });
  await done(second, 'user', 'delete', 'avi');
  await second.finish();
  return { dataDir: server.dataDir, log: [...server.err, ...second.err] };
}

/** A copy of it. */
async function startAudited(t) {
  audited ??= makeAudited();
  const { dataDir, log } = await audited;
  const copy = join(temporaryFolder(t), 'data');
  cpSync(dataDir, copy, { recursive: true });
  return { dataDir: copy, log };
}

test('verify --audit: what nobody touched is whole, beside a server that runs as well', async (t) => {
  const server = await startAudited(t);
  assert.match(await done(server, 'verify', '--audit'), /^The audit is whole: \d+ entries in 2 chains\.$/);
  await startWithSignIn(t, { dataDir: server.dataDir });
  assert.equal(JSON.parse(await done(server, 'verify', '--audit', '--json')).chains, 3);
});

const FIRST = '(SELECT MIN(chain) FROM audit_chains)';
const tamperings = [
  ['an entry that was edited', `UPDATE audit SET user_name = 'nobody' WHERE chain = ${FIRST} AND seq = 3`],
  ['one that was deleted', `DELETE FROM audit WHERE chain = ${FIRST} AND seq = 3`],
  ['one that was moved to another chain', `UPDATE audit SET chain = (SELECT MAX(chain) FROM audit_chains), seq = 9000 WHERE chain = ${FIRST} AND seq = 3`],
  ['a tail that was cut off', `DELETE FROM audit WHERE chain = ${FIRST} AND seq >= 4`],
  ['a beginning that was pruned by hand', `DELETE FROM audit WHERE chain = ${FIRST} AND seq <= 2`],
];
test('verify --audit finds what was tampered with, and tells the first place', async (t) => {
  const server = await startAudited(t);
  for (const [index, [name, statement]] of tamperings.entries()) {
    const dataDir = join(temporaryFolder(t), String(index));
    cpSync(server.dataDir, dataDir, { recursive: true });
    sql({ dataDir }, statement);
    const { code, stdout, stderr } = await ask({ dataDir }, 'verify', '--audit');
    assert.equal(code, 7, `${name}: ${stdout}${stderr}`);
    assert.match(stdout, /^The audit is broken at chain=\d+ seq=\d+: .+\.$/m, name);
    const told = JSON.parse((await ask({ dataDir }, 'verify', '--audit', '--json')).stdout);
    assert.deepEqual([told.whole, typeof told.chain, typeof told.seq], [false, 'number', 'number'], name);
  }
});

test('verify --audit without its key decides nothing', async (t) => {
  const server = await startAudited(t);
  const other = join(temporaryFolder(t), 'key');
  writeFileSync(other, `${'0'.repeat(64)}\n`, { mode: 0o600 });
  for (const args of [['--set', `audit.key_file=${other}`], ['--set', 'audit.key_file=/nowhere']]) {
    const { code, stdout } = await ask(server, 'verify', '--audit', ...args);
    assert.deepEqual([code, stdout], [8, '']);
  }
});

test('the head of the audit is logged at the end, and finds a tail that was cut off', async (t) => {
  const server = await startAudited(t);
  const heads = server.log.filter((line) => /audit head chain=\d+ seq=\d+ mac=[0-9a-f]{64}\b/.test(line));
  assert.equal(heads.length, 2, 'one each stop');
  const log = join(temporaryFolder(t), 'log');
  writeFileSync(log, `${server.log.join('\n')}\n`);
  assert.match(await done(server, 'verify', '--audit', '--heads', log), /whole/);
  sql(server, `DELETE FROM audit WHERE chain = (SELECT MAX(chain) FROM audit_chains) AND seq >= 3`);
  assert.match(await done(server, 'verify', '--audit'), /whole/, 'the last chain names its own end to nobody');
  const { code, stdout } = await ask(server, 'verify', '--audit', '--heads', log);
  assert.equal(code, 7, stdout);
});

test('a start forgets old credentials and addresses, and prunes the audit so that it stays whole', async (t) => {
  const server = await startWithSignIn(t);
  await accept(server, await done(server, 'user', 'add', 'dana'), 'dana');
  for (const note of ['long over', 'just over']) await done(server, 'token', 'add', note, '--rights', 'play', '--expires', '1d');
  await server.finish();
  const day = 86_400_000;
  sql(server, `UPDATE credentials SET expires_at_ms = ${Date.now()} - ${31 * day} WHERE note = 'long over'`);
  sql(server, `UPDATE credentials SET expires_at_ms = ${Date.now()} - ${29 * day} WHERE note = 'just over'`);
  const addresses = "SELECT COUNT(*) FROM audit WHERE address IS NOT NULL AND address <> ''";
  assert.notEqual(sql(server, addresses), '0');
  // So short that all of it is too old at once.
  const second = await startWithSignIn(t, { dataDir: server.dataDir, settings: { 'audit.address_retention': '0s' } });
  await until('the addresses are forgotten', () => sql(server, addresses) === '0');
  assert.deepEqual((await list(second, 'token', 'list')).map(({ note }) => note), ['just over']);
  assert.match(await done(second, 'verify', '--audit'), /whole/);
});

test('neither the environment nor the command line of a server holds a secret', async (t) => {
  const secret = 'ffeeddccbbaa99887766554433221100';
  const server = await startServer(t, { env: { ...CREDENTIALS, CALLSPOOL_TWILIO_AUTH_TOKEN_SECONDARY: secret, TWILIO_API_KEY: `SK${'1'.repeat(32)}`, TWILIO_API_SECRET: `${secret}5` } });
  for (const file of ['environ', 'cmdline']) {
    const text = readFileSync(`/proc/${server.pid}/${file}`, 'latin1');
    assert.notEqual(text, '', 'it can be read at all');
    for (const kept of [secret, CREDENTIALS.TWILIO_AUTH_TOKEN]) assert.ok(!text.includes(kept), file);
  }
});

test('the demo asks nobody to sign in and says why, or asks when it is told to', async (t) => {
  // Where temporary files lie is as long a name as it is: some systems have one of a hundred characters.
  const far = join(temporaryFolder(t), 'x'.repeat(100));
  mkdirSync(far);
  const open = await startDemo(t, { env: { TMPDIR: far } });
  assert.equal((await request(`${open.url}/api/calls`)).status, 200);
  await open.line(/nobody needs to sign in: /);
  const closed = await startDemo(t, { settings: { auth: 'password', core_dumps: 'on' } });
  assert.equal((await request(`${closed.url}/api/calls`)).status, 401);
  const [, file] = await closed.line(/the link for the first administrator is in (\S+?)"?$/);
  assert.match(readFileSync(file, 'utf8'), new RegExp(`^${closed.url}/join#[\\w-]{32}\n$`));
});
