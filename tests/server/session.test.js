// Sessions, passwords and accounts over HTTP: what is answered, in words and in cookies, and what is refused.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { join } from 'node:path';
import { startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { Caller, SIGN_IN, addPerson, addToken, firstAdministrator, invite, newAddress, passwordOf } from './harness/people.js';
import { until } from './harness/until.js';

const DAY_S = 86_400;
const SIGN_IN_FAILED = 'The name or the password is wrong.';

let server;
let admin;

before(async () => {
  server = await startServer(lifetime, { settings: { ...SIGN_IN, public_url: 'https://callspool.test', 'session.max': '10d' } });
  admin = await firstAdministrator(server);
});

/** The cookies that a reply sets: { name: { value, attributes } }. */
const cookiesSet = (reply) => Object.fromEntries((reply.headers['set-cookie'] ?? []).map((line) => {
  const [, name, value, attributes] = line.match(/^([^=]+)=([^;]*); (.*)$/);
  return [name, { value, attributes }];
}));

/** [status, code] of a refusal, whose words are matched. */
function assertRefused(reply, status, code, says, what = '') {
  assert.deepEqual([reply.status, reply.json?.code, reply.json?.success], [status, code, false], `${what} ${reply.body}`);
  assert.match(reply.json.error, says, what);
  assert.equal(reply.json.request_id, reply.headers['x-request-id']);
}

/* ---- cookies ---- */

test('over TLS a session and its browser are cookies that no script reads and no other site sends', async () => {
  await addPerson(admin, 'dana');
  const first = cookiesSet(await new Caller(server).signIn('dana'));
  const secure = (maxAge) => `Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=${maxAge}`;
  assert.deepEqual(Object.keys(first).sort(), ['__Host-callspool', '__Host-callspool-device']);
  assert.equal(first['__Host-callspool'].attributes, secure(10 * DAY_S), 'as long as session.max');
  assert.equal(first['__Host-callspool-device'].attributes, secure(180 * DAY_S));
  const again = await new Caller(server, { cookies: { '__Host-callspool-device': first['__Host-callspool-device'].value } }).signIn('dana');
  assert.deepEqual(Object.keys(cookiesSet(again)), ['__Host-callspool'], 'the browser is known already');
  const plain = new Caller(server, { cookies: { callspool: first['__Host-callspool'].value } });
  assert.equal((await plain.ask('GET', '/api/calls')).status, 401, 'a cookie without its prefix may be of a sibling');
});

test('without TLS they have no prefix and are not Secure', async (t) => {
  const open = await startServer(t, { settings: SIGN_IN });
  const ruth = await firstAdministrator(open);
  const set = cookiesSet(await ruth.signIn('ruth'));
  assert.equal(set.callspool.attributes, `Path=/; HttpOnly; SameSite=Strict; Max-Age=${7 * DAY_S}`);
});

test('a cookie is found among others, by its whole name', async () => {
  const { cookies } = await addPerson(admin, 'noa');
  const session = cookies['__Host-callspool'];
  const rows = [
    [`__Host-callspool=${session}`, 200],
    [`a=b; __Host-callspool=${session}; c=d`, 200],
    [`a=b;__Host-callspool=${session}`, 200],
    [`__Host-callspool2=x; __Host-callspool=${session}`, 200],
    [`__Host-callspool; __Host-callspool=${session}`, 200],
    [`x__Host-callspool=${session}`, 401],
    [`__Host-callspool2=${session}`, 401],
    [`__Host-callspool=${session}x`, 401],
    ['__Host-callspool=', 401],
    ['__Host-callspool', 401],
  ];
  for (const [cookie, status] of rows) {
    const reply = await request(server.url, { path: '/api/calls', headers: { Cookie: cookie, 'X-Forwarded-For': newAddress() } });
    assert.equal(reply.status, status, cookie);
  }
});

test('on one connection each request is of whoever it shows itself', async () => {
  const [first, second, over] = await Promise.all(['one', 'two', 'over'].map((name) => addPerson(admin, name)));
  const cookieOf = ({ cookies }) => `__Host-callspool=${cookies['__Host-callspool']}`;
  const token = await addToken(admin, 'read');
  const ended = cookieOf(over);
  await over.asks(200, 'DELETE', '/api/session');
  const rows = [
    [{ Cookie: cookieOf(first) }, 'one'],
    [{ Cookie: cookieOf(second) }, 'two'],
    [{}, undefined],
    [{ Cookie: cookieOf(first) }, 'one'],
    [{ Cookie: ended }, undefined],
    [{ Cookie: `${cookieOf(second)}; ${cookieOf(first)}` }, 'two', 'the first of a name'],
    [{ Cookie: [cookieOf(first), cookieOf(second)] }, 'one', 'the first of two lines'],
    [{ Cookie: `callspool=${second.cookies['__Host-callspool']}` }, undefined],
    [{ Cookie: cookieOf(first), Authorization: 'Bearer csp_nobody' }, undefined, 'a wrong token is not made good by a cookie'],
    [{ Cookie: cookieOf(first), Authorization: `Bearer ${token.bearer}` }, 'ruth'],
    [{ Cookie: cookieOf(second), Authorization: 'Basic b25lOnR3bw==' }, 'two', 'of a proxy in front'],
  ];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (const path of ['/api/session', '/api/nothing', '/join']) { // what is answered in between asks for nobody, or for nobody's right
    for (const [headers, name, why] of rows) {
      await new Caller(server).ask('GET', path, { headers, agent });
      const reply = await new Caller(server).ask('GET', '/api/session', { headers, agent });
      assert.equal(reply.json.user?.name, name, `${why ?? ''} ${JSON.stringify(headers)}: ${reply.body}`);
    }
  }
  agent.destroy();
});

test('signing out ends the session and takes its cookie; who is nobody may, too', async () => {
  const person = await addPerson(admin, 'gil');
  const shown = { ...person.cookies };
  const out = await person.asks(200, 'DELETE', '/api/session');
  assert.deepEqual(out.json, { success: true });
  assert.deepEqual(cookiesSet(out)['__Host-callspool'], { value: '', attributes: 'Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0' });
  assert.equal((await new Caller(server, { cookies: shown }).ask('GET', '/api/calls')).status, 401);
  const nobody = await new Caller(server).asks(200, 'DELETE', '/api/session');
  assert.match(cookiesSet(nobody)['__Host-callspool'].attributes, /Max-Age=0$/);
  const token = await addToken(admin, 'play');
  await token.asks(200, 'DELETE', '/api/session');
  await until('a token goes on', async () => (await token.ask('GET', '/api/session')).json.signed_in);
});

test('a ledger that cannot say who one is makes nobody a stranger', async (t) => {
  const failing = await startServer(t, { settings: SIGN_IN, expectErrors: [/cannot answer \/api\/session: /] });
  const sql = (statement) => execFileSync('sqlite3', [join(failing.dataDir, 'ledger.db'), '.timeout 5000', statement]);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 }); // the loop that knows the session
  const person = await firstAdministrator(failing);
  const whoAmI = () => person.ask('GET', '/api/session', { agent });
  assert.equal((await whoAmI()).json.signed_in, true);
  sql('ALTER TABLE users RENAME TO elsewhere');
  assertRefused(await whoAmI(), 500, 'internal', /on our side/);
  sql('ALTER TABLE elsewhere RENAME TO users');
  assert.equal((await whoAmI()).json.user.name, 'ruth', 'the session is what it was');
  sql('DELETE FROM users');
  assert.equal((await whoAmI()).json.signed_in, false, 'who was deleted is known no more');
  agent.destroy();
});

test('who one is: name, role and rights, of a session and of a token', async () => {
  assert.deepEqual((await new Caller(server).asks(200, 'GET', '/api/session')).json, { auth: 'password', signed_in: false });
  const all = 'play,read,link,change,status,admin';
  assert.deepEqual((await admin.asks(200, 'GET', '/api/session')).json,
    { auth: 'password', signed_in: true, user: { name: 'ruth', full_name: '', role: 'admin', rights: all } });
  const token = await addToken(admin, 'play,status');
  assert.equal((await token.asks(200, 'GET', '/api/session')).json.user.rights, 'play,status');
  const { json } = await new Caller(server).signIn('ruth');
  assert.deepEqual(json, { success: true, user: { name: 'ruth', full_name: '', role: 'admin', rights: all } });
});

test('where nobody signs in with a password that is said', async (t) => {
  const open = await startServer(t, {});
  const guest = new Caller(open);
  for (const path of ['/api/session', '/join']) {
    assertRefused(await guest.ask('POST', path, { json: { name: 'a', invitation: 'b', password: 'c' } }), 403, 'forbidden', /Nobody signs in here/, path);
  }
  const me = (await guest.asks(200, 'GET', '/api/session')).json;
  assert.deepEqual([me.auth, me.signed_in, me.user.role], ['none', true, 'admin']);
});

/* ---- signing in, passwords ---- */

test('a sign-in without a name or a password is malformed; one that is wrong says no more than that', async () => {
  const wrong = [{}, { name: 'dana' }, { password: 'x' }, { name: 7, password: 'x' }, { name: 'dana', password: ['x'] }];
  for (const json of wrong) assertRefused(await new Caller(server).ask('POST', '/api/session', { json }), 400, 'bad_request', /Give name and password/, JSON.stringify(json));
  const long = (length) => new Caller(server).ask('POST', '/api/session', { json: { name: 'nobody', password: 'x'.repeat(length) } });
  assert.equal((await long(1024)).status, 401, 'as long as a password may be');
  assert.equal((await long(1025)).status, 400);
  const reply = await new Caller(server).signIn('nobody', 'not a password');
  assertRefused(reply, 401, 'sign_in_failed', new RegExp(`^${SIGN_IN_FAILED}$`));
  assert.equal(reply.headers['www-authenticate'], 'Bearer');
  assert.deepEqual(cookiesSet(reply), {});
  assert.equal((await new Caller(server).signIn('RUTH', passwordOf('ruth'))).status, 200, 'names are no matter of case');
});

test('a body is one JSON object, or nothing', async () => {
  const token = (body) => admin.ask('POST', '/api/tokens', { body, headers: { 'Content-Type': 'application/json' } });
  for (const body of ['[]', '"x"', '7', '{', '{} {}', '{"rights":"play","rights":"admin"}']) {
    assertRefused(await token(body), 400, 'bad_request', /not a JSON object/, body);
  }
  assertRefused(await token(''), 400, 'bad_request', /a token without a right/);
});

test('a password is changed in a session, by one that is good enough; the answer is a session anew', async () => {
  const path = '/api/session/password';
  const person = await addPerson(admin, 'avi');
  const ask = (json) => person.ask('POST', path, { json });
  for (const json of [{}, { current: passwordOf('avi') }, { password: 'a new one, and a long one' }]) {
    assertRefused(await ask(json), 400, 'bad_request', /Give current and password/);
  }
  assertRefused(await (await addToken(admin, 'admin')).ask('POST', path, { json: {} }), 403, 'forbidden', /in a session/);
  assertRefused(await ask({ current: 'not this one', password: 'a new one, and a long one' }), 401, 'sign_in_failed', /current password is wrong/);
  const poor = await ask({ current: passwordOf('avi'), password: 'short' });
  assertRefused(poor, 422, 'password_refused', /too short/);
  assert.deepEqual([poor.json.reason, poor.json.min], ['too_short', 15]);
  const named = await ask({ current: passwordOf('avi'), password: 'aviaviaviaviaviavi' });
  assert.deepEqual([named.status, named.json.reason], [422, 'name']);
  assert.equal(named.json.min, undefined, 'of what is too short alone');
  const ours = await ask({ current: passwordOf('avi'), password: 'callspool.testcallspool.test' });
  assert.deepEqual([ours.status, ours.json.reason], [422, 'name'], 'the name of the server in place of a password');
  const before_ = person.cookies['__Host-callspool'];
  const good = await ask({ current: passwordOf('avi'), password: 'a new one, and a long one' });
  assert.equal(good.status, 200);
  assert.equal(good.json.user.name, 'avi');
  const set = cookiesSet(good);
  assert.deepEqual(Object.keys(set), ['__Host-callspool']);
  assert.notEqual(set['__Host-callspool'].value, before_);
  assert.match(set['__Host-callspool'].attributes, new RegExp(`Max-Age=${10 * DAY_S}$`));
  const { sessions } = (await admin.asks(200, 'GET', '/api/sessions?user=avi')).json;
  assert.deepEqual(sessions.map(({ name, network }) => [name, network]), [[set['__Host-callspool'].value.slice(0, 8), person.address]], 'it alone is left');
});

test('an invitation that is none is told from one that is malformed, and one sets no session', async () => {
  const join = (json) => new Caller(server).ask('POST', '/join', { json });
  for (const json of [{}, { invitation: 'x' }, { password: 'x' }, { invitation: '', password: 'x' }, { invitation: 'x', password: 7 }]) {
    assertRefused(await join(json), 400, 'bad_request', /Give invitation and password/, JSON.stringify(json));
  }
  assertRefused(await join({ invitation: 'A'.repeat(32), password: 'a long one that is good' }), 404, 'link_not_found', /invitation was used/);
  const invitation = await invite(admin, 'tal');
  const taken = await join({ invitation, password: passwordOf('tal') });
  assert.equal(taken.status, 200);
  assert.deepEqual(cookiesSet(taken), {}, 'one signs in with it');
  assert.deepEqual(taken.json, { success: true, user: { name: 'tal', full_name: '', role: 'listener', rights: 'play,read,link' } });
  const reset = (await admin.asks(200, 'POST', '/api/users/tal/reset', { json: {} })).json.url;
  assert.match(reset, /^https:\/\/callspool\.test\/join#[\w-]{32}$/);
  const [first, second] = [reset, (await admin.asks(200, 'POST', '/api/users/tal/reset', { json: {} })).json.url].map((url) => url.split('#')[1]);
  assert.equal((await join({ invitation: first, password: passwordOf('tal') })).status, 404, 'the newest invitation alone is good');
  assert.equal((await join({ invitation: second, password: passwordOf('tal') })).status, 200);
});

/* ---- accounts ---- */

test('a user is added with what is told of them; what is wrong with it is told, and nobody is added', async () => {
  const add = (json) => admin.ask('POST', '/api/users', { json });
  const rows = [
    [{}, 400, 'bad_request', /needs a name/],
    [{ name: 'two words' }, 400, 'bad_request', /letters, digits/],
    [{ name: 'n'.repeat(65) }, 400, 'bad_request', /longer than 64/],
    [{ name: 'bad.role', role: 'boss' }, 400, 'bad_request', /listener or admin/],
    [{ name: 'Dana' }, 409, 'name_taken', /./],
  ];
  for (const [json, status, code, says] of rows) assertRefused(await add(json), status, code, says, JSON.stringify(json));
  const added = await add({ name: 'Yael', role: 'admin', full_name: 'Yael Cohen' });
  assert.equal(added.json.name, 'yael');
  assert.match(added.json.url, /^https:\/\/callspool\.test\/join#[\w-]{32}$/);
  assert.equal((await add({ name: 'n'.repeat(64) })).status, 200, 'as long as a name may be');
  const { users } = (await admin.asks(200, 'GET', '/api/users')).json;
  assert.ok(!users.some(({ name }) => name === 'bad.role'));
  const { made_at: madeAt, ...yael } = users.find(({ name }) => name === 'yael');
  assert.deepEqual(yael, { name: 'yael', full_name: 'Yael Cohen', role: 'admin', source: 'own', disabled: false, has_password: false, signed_in_at: null });
  assert.ok(Math.abs(Date.parse(madeAt) - Date.now()) < 60_000, madeAt);
  const ruth = users.find(({ name }) => name === 'ruth');
  assert.equal(ruth.has_password, true);
  assert.ok(Math.abs(Date.parse(ruth.signed_in_at) - Date.now()) < 60_000, ruth.signed_in_at);
});

test('one thing of a user is changed at a time', async () => {
  const change = (json, name = 'shir') => admin.ask('POST', `/api/users/${name}`, { json });
  await invite(admin, 'shir');
  const one = /Give one of name, role and disabled/;
  const rows = [
    [{}, 400, 'bad_request', one],
    [{ name: 'lior', role: 'admin' }, 400, 'bad_request', one],
    [{ role: 'admin', disabled: true }, 400, 'bad_request', one],
    [{ name: 'lior', disabled: false }, 400, 'bad_request', one],
    [{ disabled: 'yes' }, 400, 'bad_request', /disabled is true or false/],
    [{ name: 'two words' }, 400, 'bad_request', /letters, digits/],
    [{ role: 'boss' }, 400, 'bad_request', /listener or admin/],
    [{ name: 'ruth' }, 409, 'name_taken', /./],
  ];
  for (const [json, status, code, says] of rows) assertRefused(await change(json), status, code, says, JSON.stringify(json));
  assertRefused(await change({ role: 'admin' }, 'no.such.one'), 404, 'not_found', /./);
  assert.deepEqual((await change({ name: 'Lior' })).json, { success: true, name: 'lior' });
  for (const json of [{ role: 'admin' }, { disabled: true }, { disabled: false }]) assert.deepEqual((await change(json, 'lior')).json, { success: true, name: 'lior' });
  const row = async () => (await admin.asks(200, 'GET', '/api/users')).json.users.find(({ name }) => name === 'lior');
  assert.deepEqual([(await row()).role, (await row()).disabled], ['admin', false]);
  const gone = await admin.asks(200, 'DELETE', '/api/users/lior');
  assert.deepEqual(gone.json, { success: true, name: 'lior' });
  assertRefused(await admin.ask('DELETE', '/api/users/lior'), 404, 'not_found', /./);
});
