// Signing in, and what strangers try: guessing, planting, spraying, locking out, pretending.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { lifetime } from './harness/lifetime.js';
import { until } from './harness/until.js';
import { RawConnection } from './harness/http.js';
import { Caller, SIGN_IN, addLink, addPerson, addToken, firstAdministrator, invite, newAddress, passwordOf, startWithPeople } from './harness/people.js';

const OWN = 'http://callspool.test';
const sql = (server, statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement], { encoding: 'utf8' }).trim();

let world;

before(async () => {
  const started = await startWithPeople(lifetime, { settings: { log_level: 'debug' } });
  world = { ...started, admin: await firstAdministrator(started.server) };
});

const audit = async (kind) => (await world.admin.asks(200, 'GET', `/api/audit?kind=${kind}`)).json.entries;

test('a cookie counts from our own page, and from nobody else', async () => {
  const { admin } = world;
  const rows = [ // Origin, Sec-Fetch-Site, more headers; GET, POST
    [OWN, 'same-origin', {}, 200, 200],
    [OWN, 'cross-site', {}, 200, 200],
    [undefined, undefined, {}, 200, 200],
    [undefined, 'same-origin', {}, 200, 200],
    [undefined, 'none', {}, 200, 200],
    [undefined, 'same-site', {}, 403, 403],
    [undefined, 'cross-site', {}, 403, 403],
    [undefined, 'cross-site', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' }, 200, 403],
    [undefined, 'cross-site', { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'iframe' }, 403, 403],
    ['null', 'same-origin', {}, 403, 403],
    ['https://elsewhere.test', 'same-origin', {}, 403, 403],
    ['http://sub.callspool.test', 'same-site', {}, 403, 403],
    ['https://callspool.test', 'same-origin', {}, 403, 403],
    ['http://callspool.test:81', 'same-site', {}, 403, 403],
  ];
  for (const [origin, site, more, get, post] of rows) {
    const headers = { ...(origin && { Origin: origin }), ...(site && { 'Sec-Fetch-Site': site }), ...more };
    const told = JSON.stringify(headers);
    assert.equal((await admin.ask('GET', '/api/calls', { headers })).status, get, `GET ${told}`);
    assert.equal((await admin.ask('POST', '/api/tokens', { headers, json: { rights: 'play' } })).status, post, `POST ${told}`);
  }
});

test('a header of a browser that comes twice admits nobody', async () => {
  const { server, admin } = world;
  const connection = await RawConnection.open(server.url);
  connection.send(`GET /api/calls HTTP/1.1\r\nHost: callspool.test\r\nCookie: callspool=${admin.cookies.callspool}\r\n`
    + 'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n');
  assert.match(await connection.untilClosed(), /^HTTP\/1\.1 403 [^]*foreign_origin/);
});

test("signing in ends the session that was shown, be it another's", async () => {
  const { server, admin } = world;
  const attacker = await addPerson(admin, 'mallory');
  await addPerson(admin, 'victoria');
  assert.equal((await attacker.ask('GET', '/api/calls')).status, 200, 'on some loop it is known');
  for (let i = 0; i < 8; i++) await attacker.ask('GET', '/api/calls'); // on each loop
  const planted = attacker.cookies.callspool;
  const victim = new Caller(server, { cookies: { callspool: planted } });
  assert.equal((await victim.signIn('victoria')).status, 200);
  assert.notEqual(victim.cookies.callspool, planted);
  for (let i = 0; i < 8; i++) assert.equal((await attacker.ask('GET', '/api/calls')).status, 401, 'the planted one is over on every loop');
  assert.equal((await victim.ask('GET', '/api/session')).json.user.name, 'victoria');
});

/** Processor time of the thread that hashes passwords, in nanoseconds: whatever else the machine does. */
function hashedFor({ pid }) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const hasher = tasks.find((task) => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8') === 'hasher\n');
  return Number(readFileSync(`/proc/${pid}/task/${hasher}/schedstat`, 'utf8').split(' ')[0]);
}

test('who is unknown, wrong, disabled or without a password gets one answer, for the same work', async () => {
  const { server, admin } = world;
  await addPerson(admin, 'there');
  await addPerson(admin, 'barred');
  await invite(admin, 'invited');
  await admin.asks(200, 'POST', '/api/users/barred', { json: { disabled: true } });
  const names = ['there', 'barred', 'invited', 'unknown.to.us', 'not a name <>'];
  const work = Object.fromEntries(names.map((name) => [name, 0]));
  const answers = new Set();
  for (let round = 0; round < 7; round++) {
    answers.clear();
    for (const name of names) {
      const before = hashedFor(server);
      const reply = await new Caller(server).signIn(name, name === 'barred' ? passwordOf('barred') : 'not the password at all');
      work[name] += hashedFor(server) - before;
      answers.add(`${reply.status} ${JSON.stringify({ ...reply.json, request_id: '' })}`);
    }
    assert.equal(answers.size, 1, [...answers].join('\n'));
    assert.match([...answers][0], new RegExp(`^401 .*"tries_left":${9 - round},`));
  }
  // A name that were answered without a hash would be far below half.
  const each = Object.values(work);
  assert.ok(Math.min(...each) > Math.max(...each) / 2, JSON.stringify(work));
  const reasons = new Set((await audit('sign_in_failed')).map(({ body }) => JSON.parse(body).reason));
  for (const reason of ['unknown name', 'disabled', 'no password', 'wrong password']) assert.ok(reasons.has(reason), `the audit knows: ${reason}`);
});

test('guessing one account from many addresses is throttled, and the browser that is known goes on', async () => {
  const { server, admin } = world;
  const victim = await addPerson(admin, 'tamar');
  const guess = () => new Caller(server).signIn('tamar', 'a guess of somebody else');
  const statuses = [];
  const left = [];
  for (let i = 0; i < 14; i++) {
    const { status, json } = await guess();
    statuses.push(status);
    left.push(json.tries_left);
  }
  assert.deepEqual(left, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, ...Array(4).fill(undefined)], 'and it was said how many tries are left');
  assert.deepEqual(statuses.slice(0, 10), Array(10).fill(401));
  assert.deepEqual(statuses.slice(10), Array(4).fill(429));
  const over = await guess();
  assert.ok(Number(over.headers['retry-after']) > 0);
  assert.equal((await new Caller(server).signIn('tamar')).status, 429, 'the right password, too, from a browser that is not known');
  const known = new Caller(server, { cookies: { 'callspool-device': victim.cookies['callspool-device'] } });
  assert.equal((await known.signIn('tamar')).status, 200);
});

test('a name that nobody has is throttled as one that somebody has', async () => {
  const { server } = world;
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await new Caller(server).signIn('nobody.at.all', 'a guess of somebody')).status);
  assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
});

test("a device's cookie is good for its own user, and opens nothing", async () => {
  const { server, admin } = world;
  const one = await addPerson(admin, 'device.one');
  const device = { 'callspool-device': one.cookies['callspool-device'] };
  for (const cookies of [device, { callspool: device['callspool-device'] }]) {
    assert.equal((await new Caller(server, { cookies }).ask('GET', '/api/calls')).status, 401);
  }
  await addPerson(admin, 'device.two');
  for (let i = 0; i < 11; i++) await new Caller(server).signIn('device.two', 'a guess of somebody else');
  assert.equal((await new Caller(server, { cookies: device }).signIn('device.two')).status, 429, "another's device");
});

test('one network that tries many names is throttled; others are not', async () => {
  const { server, admin } = world;
  await addPerson(admin, 'elsewhere');
  const address = newAddress();
  // At once: on a busy machine one after the other would take as long as the throttle forgives.  Some find the
  // passwords of their network waiting already (503), and count all the same.
  const statuses = await Promise.all(Array.from({ length: 24 }, async (_, i) => (await new Caller(server, { address }).signIn(`spray${i}`, 'Correct horse battery 1')).status));
  assert.ok(statuses.filter((status) => status !== 429).length >= 20, String(statuses));
  assert.ok(statuses.includes(429), String(statuses));
  assert.equal((await new Caller(server).signIn('elsewhere')).status, 200);
});

test('addresses of one IPv6 network count as one', async () => {
  const { server } = world;
  const statuses = await Promise.all(Array.from({ length: 24 }, async (_, i) => (await new Caller(server, { address: `2001:db8:7:8::${i + 1}` }).signIn(`six${i}`, 'Correct horse battery 1')).status));
  assert.ok(statuses.includes(429), String(statuses));
});

test('credentials that nobody knows are throttled by network; who is known is served there', async () => {
  const { server, admin } = world;
  const address = newAddress();
  const statuses = [];
  for (let i = 0; i < 40; i++) {
    const bearer = `csp_${String(i).padStart(8, 'x')}${'A'.repeat(24)}`;
    statuses.push((await new Caller(server, { bearer, address }).ask('GET', '/api/calls')).status);
  }
  assert.equal(statuses[0], 401);
  assert.ok(statuses.slice(30).includes(429), String(statuses));
  assert.equal((await new Caller(server, { cookies: admin.cookies, address }).ask('GET', '/api/calls')).status, 200);
});

test('an account that failed a hundred times is opened again by a reset', async () => {
  const { server, admin } = world;
  const failHundredTimes = async (name) => {
    await new Caller(server).signIn(name, 'not the password at all');
    const keys = sql(server, 'SELECT name_hash FROM sign_in_failures ORDER BY at_ms DESC LIMIT 1');
    sql(server, `UPDATE sign_in_failures SET failures = 100, at_ms = 1 WHERE name_hash = '${keys}'`);
  };
  const { cookies } = await addPerson(admin, 'locked');
  await failHundredTimes('locked');
  const late = await new Caller(server).signIn('locked');
  assert.deepEqual([late.status, late.json.code], [429, 'account_locked'], 'however long ago it was');
  assert.match(late.json.error, /locked .* browser that you used before, .* administrator/);
  assert.equal(late.headers['retry-after'], undefined, 'waiting does not help');
  await failHundredTimes('locked.of.nobody');
  const nobodys = await new Caller(server).signIn('locked.of.nobody');
  const told = ({ status, headers, json }) => [status, Object.keys(headers), { ...json, request_id: '' }];
  assert.deepEqual(told(nobodys), told(late), 'nothing tells whether there is such an account');
  await until('the audit says of which account', async () => (await audit('throttled')).some(({ body }) => JSON.parse(body).name === 'locked'));
  assert.equal((await new Caller(server, { cookies: { 'callspool-device': cookies['callspool-device'] } }).signIn('locked')).status, 200, 'from a browser that is known');
  await failHundredTimes('locked');
  const { json } = await admin.asks(200, 'POST', '/api/users/locked/reset', { json: {} });
  const guest = new Caller(server);
  await guest.asks(200, 'POST', '/join', { json: { invitation: json.url.split('#')[1], password: 'another good password 7' } });
  assert.equal((await guest.signIn('locked', 'another good password 7')).status, 200, 'after the reset');
});

test('a hash that was planted to take all memory is refused, not tried', async (t) => {
  const server = await startServer(t, { settings: SIGN_IN, expectErrors: [/stored hash of the password is malformed or asks for too much/] });
  const admin = await firstAdministrator(server);
  await addPerson(admin, 'planted');
  const hash = sql(server, "SELECT password_hash FROM users WHERE name = 'planted'").replace(/m=\d+,t=\d+/, 'm=4194304,t=3');
  sql(server, `UPDATE users SET password_hash = '${hash}' WHERE name = 'planted'`);
  const rss = () => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1]);
  const before_ = rss();
  const reply = await new Caller(server).signIn('planted');
  assert.ok(reply.status === 401 || reply.status === 500, String(reply.status));
  assert.ok(rss() < before_ + 300 * 1024, 'no 4 GiB were taken');
});

test('the last administrator stays; another may go', async () => {
  const { admin } = world;
  for (const [method, json] of [['POST', { role: 'listener' }], ['POST', { disabled: true }], ['DELETE']]) {
    const reply = await admin.ask(method, '/api/users/ruth', { json });
    assert.equal(reply.status, 409, method);
    assert.equal(reply.json.code, 'last_admin');
  }
  const second = await addPerson(admin, 'second', 'admin');
  const outcomes = await Promise.all([
    admin.ask('POST', '/api/users/second', { json: { disabled: true } }),
    second.ask('POST', '/api/users/ruth', { json: { disabled: true } }),
  ]);
  assert.ok(outcomes.filter(({ status }) => status === 200).length === 1, outcomes.map(({ status }) => status).join());
  const left = outcomes[0].status === 200 ? 'ruth' : 'second';
  if (left === 'second') {
    await second.asks(200, 'POST', '/api/users/ruth', { json: { disabled: false } });
    await admin.signIn('ruth');
  }
});

test('who is disabled is out at once, and their tokens come back with them', async () => {
  const { server, admin } = world;
  const person = await addPerson(admin, 'shira', 'admin');
  const token = await addToken(person, 'play');
  const { mediaPath } = world.recording;
  for (let i = 0; i < 6; i++) await token.asks(200, 'GET', mediaPath);
  await admin.asks(200, 'POST', '/api/users/shira', { json: { disabled: true } });
  for (let i = 0; i < 6; i++) {
    assert.equal((await token.ask('GET', mediaPath)).status, 401);
    assert.equal((await person.ask('GET', '/api/calls')).status, 401);
  }
  await admin.asks(200, 'POST', '/api/users/shira', { json: { disabled: false } });
  assert.equal((await person.ask('GET', '/api/calls')).status, 401, 'a session that ended is over');
  const again = new Caller(server, { bearer: token.bearer });
  await until('the token is known again', async () => (await again.ask('GET', mediaPath)).status === 200);
});

test('the ledger and what is beside it hold nothing that signs in, plays or opens', async () => {
  const { server, admin, recording } = world;
  const person = await addPerson(admin, 'yael');
  const token = await addToken(admin, 'play,read,admin');
  const link = await addLink(admin, recording);
  const invitation = await invite(admin, 'later');
  const visitor = new Caller(server);
  await visitor.asks(200, 'POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
  const secrets = [passwordOf('yael'), person.cookies.callspool, person.cookies['callspool-device'], token.bearer.slice(4),
    link.name + link.secret, link.secret, invitation, visitor.cookies['callspool-link']];
  const files = readdirSync(server.dataDir).filter((name) => statSync(join(server.dataDir, name)).isFile());
  assert.ok(files.includes('ledger.db'));
  for (const file of files) {
    const bytes = readFileSync(join(server.dataDir, file));
    for (const [i, secret] of secrets.entries()) {
      for (const form of ['utf8', 'hex', 'base64']) assert.ok(!bytes.includes(Buffer.from(secret).toString(form).replace(/=+$/, '')), `secret ${i} is in ${file}, as ${form}`);
    }
  }
  const said = server.said + server.err.join('\n') + server.out.join('\n');
  const proc = ['cmdline', 'environ'].map((name) => {
    try { return readFileSync(`/proc/${server.pid}/${name}`, 'latin1'); } catch { return ''; }
  }).join('\n');
  for (const [i, secret] of secrets.entries()) {
    assert.ok(!said.includes(secret), `secret ${i} is in the log`);
    assert.ok(!proc.includes(secret), `secret ${i} is in the process's arguments or environment`);
  }
  const texts = sql(server, 'SELECT hash FROM credentials UNION SELECT name FROM credentials UNION SELECT password_hash FROM users WHERE password_hash IS NOT NULL').split('\n');
  assert.ok(texts.length > 20);
  const shapes = (text) => [text, text.slice(0, 32), ...['base64url', 'latin1'].map((form) => Buffer.from(text, 'hex').toString(form).slice(0, 32))].filter((shape) => /^[\w-]{32}$/.test(shape));
  for (const shape of texts.flatMap(shapes)) {
    for (const shown of [{ bearer: `csp_${shape}` }, { cookies: { callspool: shape } }]) {
      assert.equal((await new Caller(server, shown).ask('GET', '/api/calls')).status, 401);
    }
    assert.equal((await new Caller(server).ask('GET', `/l/${shape}/media`)).status, 404);
  }
});

test('the first invitation is over once somebody can sign in', async (t) => {
  const server = await startServer(t, { settings: SIGN_IN });
  const first = readFileSync(join(server.dataDir, 'first-administrator'), 'utf8').trim().split('#')[1];
  assert.equal(statSync(join(server.dataDir, 'first-administrator')).mode & 0o777, 0o600);
  await firstAdministrator(server);
  assert.ok(!readdirSync(server.dataDir).includes('first-administrator'), 'the file goes when it is used');
  const again = await new Caller(server).ask('POST', '/join', { json: { invitation: first, name: 'eve', password: passwordOf('eve') } });
  assert.equal(again.status, 404);
});

test('the first invitation is over once a command made an administrator', async (t) => {
  const server = await startServer(t, { settings: SIGN_IN });
  const [, first] = readFileSync(join(server.dataDir, 'first-administrator'), 'utf8').trim().split('#');
  sql(server, "INSERT INTO users (id, source, name, role, password_hash, is_disabled, made_at_ms, changed_seq) VALUES (90001, 0, 'made', 2, '$argon2id$', 0, 1, 1)");
  const late = await new Caller(server).ask('POST', '/join', { json: { invitation: first, name: 'eve', password: passwordOf('eve') } });
  assert.equal(late.status, 404);
  assert.equal(sql(server, 'SELECT group_concat(name) FROM users'), 'made');
});

test('auth = none does not start where somebody could sign in', async (t) => {
  const server = await startServer(t, { settings: SIGN_IN });
  await firstAdministrator(server);
  await server.finish();
  server.finished = { code: 0, signal: null };
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${server.dataDir}`, '--set', 'auth=none', '--set', 'listen=127.0.0.1:0']);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /auth = none/);
});

test('passwords are taken over TLS, on loopback, and nowhere else', async () => {
  const { server } = world;
  const guest = new Caller(server);
  const there = { headers: { Host: 'callspool.test' } };
  assert.equal((await guest.signIn('ruth', passwordOf('ruth'), there)).json.code, 'https_required');
  assert.equal((await guest.ask('POST', '/join', { json: { invitation: 'x', password: 'y' }, ...there })).json.code, 'https_required');
});
