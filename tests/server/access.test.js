// Who may call what: every route of web/routes.c by every kind of caller.
//
// The walk is made from the route table itself: a route, or a kind of access, that is not known here fails.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { audio } from './harness/audio.js';
import { ACCOUNT, startServer } from './harness/callspool.js';
import { until } from './harness/until.js';
import { RawConnection } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';
import { Caller, addLink, addPerson, addToken, firstAdministrator, invite, newAddress, passwordOf, startWithPeople } from './harness/people.js';

const OWN = 'http://callspool.test';
const FOREIGN = 'https://elsewhere.test';

/** The rows of web_routes: { method, pattern, access }; of a row that takes GET, HEAD is not walked on its own. */
function routes() {
  const source = readFileSync(new URL('../../src/web/routes.c', import.meta.url), 'utf8');
  const table = source.slice(source.indexOf('web_routes[] = {'), source.indexOf('web_route_count'));
  const rows = [...table.matchAll(/\{\s*(GET|WATCH|POST|DELETE|CALLBACK),\s*"([^"]+)",([^}]*?)(WEB_[A-Z_]+)\s*\}/g)];
  const lines = [...table.matchAll(/\{\s*[A-Z]+,/g)];
  assert.equal(rows.length, lines.length, 'each row of the table was understood');
  return rows.flatMap(([, methods, pattern, , access]) => ({ CALLBACK: ['GET', 'POST'], WATCH: ['GET'] }[methods] ?? [methods])
    .map((method) => ({ method, pattern, access, row: `${method} ${pattern}` })));
}

/** What is asked of each row: made anew for each caller who may, because it is used up. */
const unused = () => randomBytes(6).toString('base64url').toLowerCase().replace(/[^a-z0-9]/g, 'x');
const user = async ({ admin }, name = `u${unused()}`) => {
  await admin.asks(200, 'POST', '/api/users', { json: { name } });
  return name;
};
/** A recording that Twilio does not have yet. */
const waiting = async ({ server, admin }) => {
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }))).status, 200);
  await until('a recording waits', async () => ['queued', 'waiting'].includes((await admin.asks(200, 'GET', `/api/calls/${callSid}`)).json.recordings?.[0]?.state));
  return { callSid, recordingSid };
};
const TARGETS = {
  'GET /api/recordings/{}/media': ({ recording }) => ({ path: recording.mediaPath }),
  'GET /api/recordings/{}/waveform': ({ recording }) => ({ path: `/api/recordings/${recording.recordingSid}/waveform` }),
  'GET /api/calls/{}/download': ({ recording }) => ({ path: recording.downloadPath }),
  'POST /api/recordings/{}/adopt': ({ server }) => {
    const sid = newSid('RE');
    writeFileSync(join(server.dataDir, 'arriving', `${sid}.${JSON.stringify(2 ** 61)}`), audio());
    return { path: `/api/recordings/${sid}/adopt`, json: { staged: 2 ** 61, recorded_at: '2026-03-04T05:06:07Z' } };
  },
  'POST /api/recordings/{}/retry': async (world) => ({ path: `/api/recordings/${(await waiting(world)).recordingSid}/retry` }),
  'POST /api/calls/{}/retry': async (world) => ({ path: `/api/calls/${(await waiting(world)).callSid}/retry` }),
  'POST /api/recordings/{}/hold': async (world) => ({ path: `/api/recordings/${(await waiting(world)).recordingSid}/hold`, json: { reason: 'a claim' } }),
  'DELETE /api/recordings/{}/hold': async (world) => ({ path: `/api/recordings/${(await waiting(world)).recordingSid}/hold` }),
  'DELETE /api/recordings/{}': async (world) => ({ path: `/api/recordings/${(await waiting(world)).recordingSid}` }),
  'POST /api/recordings/{}/heard': ({ recording }) => ({ path: `/api/recordings/${recording.recordingSid}/heard`, json: { ranges: [[0, 1]] } }),
  'GET /api/verifications': () => ({ path: '/api/verifications' }),
  'POST /api/verifications': () => ({ path: '/api/verifications', json: {} }),
  'POST /api/verifications/accept': () => ({ path: '/api/verifications/accept' }),
  'GET /api/imports': () => ({ path: '/api/imports' }),
  'GET /api/purge': () => ({ path: '/api/purge' }),
  'POST /api/purge': () => ({ path: '/api/purge', json: {} }),
  'POST /api/imports': () => ({ path: '/api/imports', json: { since: '2026-01-01' } }),
  'GET /api/keys': () => ({ path: '/api/keys' }),
  'POST /api/keys/reread': () => ({ path: '/api/keys/reread' }),
  'POST /api/notices/retry': () => ({ path: '/api/notices/retry', json: {} }),
  'GET /api/calls': () => ({ path: '/api/calls' }),
  'GET /api/calls/{}': ({ recording }) => ({ path: `/api/calls/${recording.callSid}` }),
  'GET /api/events': () => ({ path: '/api/events' }),
  'GET /api/health': () => ({ path: '/api/health' }),
  'POST /api/health/check': () => ({ path: '/api/health/check', json: { checks: ['disk'] } }),
  'GET /api/status': () => ({ path: '/api/status' }),
  'GET /api/processes': () => ({ path: '/api/processes' }),
  'GET /metrics': () => ({ path: '/metrics' }),
  'GET /api/users': () => ({ path: '/api/users' }),
  'POST /api/users': () => ({ path: '/api/users', json: { name: `u${unused()}` } }),
  'POST /api/users/{}': async (world) => ({ path: `/api/users/${await user(world)}`, json: { role: 'admin' } }),
  'DELETE /api/users/{}': async (world) => ({ path: `/api/users/${await user(world)}` }),
  'POST /api/users/{}/reset': async (world) => ({ path: `/api/users/${await user(world)}/reset`, json: {} }),
  'DELETE /api/users/{}/sessions': async (world) => ({ path: `/api/users/${await user(world)}/sessions` }),
  'GET /api/tokens': () => ({ path: '/api/tokens' }),
  'POST /api/tokens': () => ({ path: '/api/tokens', json: { rights: 'admin' } }),
  'DELETE /api/tokens/{}': async ({ admin }) => ({ path: `/api/tokens/${(await addToken(admin, 'play')).name}` }),
  'GET /api/sessions': () => ({ path: '/api/sessions' }),
  'DELETE /api/sessions/{}': async ({ server }) => {
    const person = new Caller(server);
    assert.equal((await person.signIn('session.owner')).status, 200);
    return { path: `/api/sessions/${person.cookies.callspool.slice(0, 8)}` };
  },
  'GET /api/audit': () => ({ path: '/api/audit' }),
  'GET /api/links': () => ({ path: '/api/links' }),
  'POST /api/links': ({ recording }) => ({ path: '/api/links', json: { recording_sid: recording.recordingSid } }),
  'DELETE /api/links/{}': async ({ recording }, who) => ({ path: `/api/links/${(await addLink(who, recording)).name}` }),
};

const RIGHTS = { WEB_PLAY: 'play', WEB_READ: 'read', WEB_MAKE_LINK: 'link', WEB_CHANGE: 'change', WEB_STATUS: 'status', WEB_ADMIN: 'admin' };
/** Of Twilio's form: a token by Basic or by Bearer, and nothing else. */
const BASIC = { WEB_BASIC_PLAY: 'play', WEB_BASIC_READ: 'read' };
const LISTENERS = ['WEB_PLAY', 'WEB_READ', 'WEB_MAKE_LINK'];
const WALKED_ELSEWHERE = ['WEB_ANYONE', 'WEB_PROVIDER', 'WEB_VISITOR', 'WEB_SIGNED_IN', 'WEB_LINK', 'WEB_LOCAL'];

/** What is not walked by its right: each row is asked by the tests that follow, too. */
const askedOf = new Map(routes().map(({ row }) => [row, 0]));
const shapes = routes().map(({ row, method, pattern }) => ({ row, method, shape: new RegExp(`^${pattern.replace(/[.]/g, '\\.').replaceAll('{}', '[^/]+')}$`) }));
const ask = Caller.prototype.ask;
Caller.prototype.ask = function counted(method, path, options) {
  const target = path.split('?')[0];
  const found = shapes.find((one) => one.method === method && one.shape.test(target));
  if (found) askedOf.set(found.row, askedOf.get(found.row) + 1);
  return ask.call(this, method, path, options);
};

/** Answers that were compared with what a row says of a kind of caller. */
let cells = 0;

let world;

before(async () => {
  const started = await startWithPeople(lifetime, { count: 2 });
  const admin = await firstAdministrator(started.server);
  const listener = await addPerson(admin, 'dana');
  await addPerson(admin, 'session.owner');
  const tokens = {};
  for (const right of Object.values(RIGHTS)) tokens[right] = await addToken(admin, right);
  const expired = await addToken(admin, 'play,read,link,status,admin', { expires_in: '1s' });
  const revoked = await addToken(admin, 'play,read,link,status,admin');
  await revoked.asks(200, 'GET', '/api/status');
  await admin.asks(200, 'DELETE', `/api/tokens/${revoked.name}`);
  const over = await addPerson(admin, 'noa');
  const overCookies = { ...over.cookies };
  await over.asks(200, 'DELETE', '/api/session');
  await until('a token is over', async () => (await expired.ask('GET', '/api/status')).status === 401);
  await until('there is a waveform', async () => (await admin.ask('GET', `/api/recordings/${started.recording.recordingSid}/waveform`)).status === 200);
  const link = await addLink(admin, started.recording);
  world = { ...started, admin, listener, tokens, expired, revoked, link, signedOut: new Caller(started.server, { cookies: overCookies }) };
});

const isGood = (reply) => reply.status >= 200 && reply.status < 300;

async function refused(row, who, caller, status, code, options = {}) {
  cells += 1;
  const target = { path: row.pattern.replace('{}', 'AAAAAAAA'), ...(row.method === 'POST' && { json: {} }) };
  const { status: got, json } = await caller.ask(row.method, target.path, { json: target.json, ...options, keeps: false });
  assert.equal(got, status, `${row.row} by ${who}`);
  if (row.method !== 'HEAD') assert.equal(json.code, code, `${row.row} by ${who}`);
}

async function taken(row, who, caller, options = {}) {
  cells += 1;
  const target = await TARGETS[row.row](world, caller);
  const reply = await caller.ask(row.method, target.path, { json: target.json, ...options, keeps: false });
  assert.ok(isGood(reply), `${row.row} by ${who}: ${reply.status} ${reply.body.toString().slice(0, 200)}`);
}

/** Another caller with the same credential, at another address: what is refused counts against networks. */
const elsewhere = (caller) => new Caller(caller.server, { ...caller, address: newAddress() });

for (const row of routes()) {
  if (WALKED_ELSEWHERE.includes(row.access) || BASIC[row.access]) continue;
  test(`${row.row} needs the right that its row names`, async () => {
    const right = RIGHTS[row.access];
    assert.ok(right, `${row.access} is a kind of access that this walk knows`);
    assert.ok(TARGETS[row.row], 'the walk knows what to ask of this route');
    const { server, admin, listener, tokens, expired, revoked, signedOut, link } = world;
    await refused(row, 'nobody', new Caller(server), 401, 'unauthenticated');
    if (LISTENERS.includes(row.access)) await taken(row, 'a listener', listener);
    else await refused(row, 'a listener', listener, 403, 'forbidden');
    await taken(row, 'an administrator', admin);
    for (const [name, token] of Object.entries(tokens)) {
      if (name === right) await taken(row, `a token of ${name}`, token);
      else await refused(row, `a token of ${name}`, token, 403, 'forbidden');
    }
    const whole = link.name + link.secret;
    for (const shown of [{ bearer: `csp_${whole}` }, { cookies: { callspool: whole } }, { cookies: { 'callspool-link': whole } }]) {
      await refused(row, `a link as ${Object.keys(shown)}`, new Caller(server, shown), 401, 'unauthenticated');
    }
    await refused(row, 'a token that is over', elsewhere(expired), 401, 'unauthenticated');
    await refused(row, 'a revoked token', elsewhere(revoked), 401, 'unauthenticated');
    await refused(row, 'a session that was ended', elsewhere(signedOut), 401, 'unauthenticated');
    await refused(row, 'a session shown as a token', new Caller(server, { bearer: `csp_${admin.cookies.callspool}` }), 401, 'unauthenticated');
    await refused(row, 'a token shown as a session', new Caller(server, { cookies: { callspool: tokens[right].bearer.slice(4) } }), 401, 'unauthenticated');
    await refused(row, 'a wrong token beside a good cookie', new Caller(server, { cookies: admin.cookies, bearer: `csp_${'A'.repeat(32)}` }), 401, 'unauthenticated');
    await refused(row, "a stranger's user header", new Caller(server, { headers: { 'Remote-User': 'ruth' } }), 401, 'unauthenticated');
    await refused(row, 'a cookie from a foreign page', admin, 403, 'foreign_origin', { headers: { Origin: FOREIGN } });
    await refused(row, 'a cookie from a sibling', admin, 403, 'foreign_origin', { headers: { 'Sec-Fetch-Site': 'same-site' } });
    await taken(row, 'a cookie from our page', admin, { headers: { Origin: OWN, 'Sec-Fetch-Site': 'same-origin' } });
    await taken(row, 'a token from a foreign page', tokens[right], { headers: { Origin: FOREIGN } });
  });
}

const basicOf = (user, password) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });

for (const row of routes().filter(({ access }) => BASIC[access])) {
  test(`${row.row} needs a token with the right that its row names, by Basic or by Bearer`, async () => {
    const { server, admin, listener, tokens, expired, revoked, link, recording } = world;
    const right = BASIC[row.access];
    const good = row.pattern.endsWith('.wav') ? 404 : 200; // it is kept as MP3
    const sids = { Accounts: ACCOUNT, Recordings: recording.recordingSid, Calls: recording.callSid };
    const path = row.pattern.replace(/(\w+)\/\{\}/g, (_, name) => `${name}/${sids[name]}`);
    const asks = async (who, status, headers, from = new Caller(server)) => {
      cells += 1;
      const reply = await from.ask(row.method, path, { headers, keeps: false });
      assert.equal(reply.status, status, `${row.row} by ${who}: ${reply.body.toString().slice(0, 200)}`);
      if (status === 401) assert.equal(reply.headers['www-authenticate'], 'Basic realm="callspool"', who);
    };
    const shown = (caller, user = ACCOUNT) => basicOf(user, caller.bearer);
    await asks('nobody', 401);
    await asks("a listener's cookie", 401, {}, listener);
    await asks("an administrator's cookie", 401, {}, admin);
    await asks('a cookie from our page', 401, { Origin: OWN, 'Sec-Fetch-Site': 'same-origin' }, admin);
    for (const [name, token] of Object.entries(tokens)) {
      const status = name === right ? good : 403;
      await asks(`a token of ${name}`, status, {}, token);
      await asks(`a token of ${name} by Basic`, status, shown(token));
      await asks(`a token of ${name} by Basic, by its name`, status, shown(token, token.name));
      await asks(`a token of ${name} by Basic, beside a cookie`, status, shown(token), listener);
    }
    await asks('a token under a name that is not its own', 401, shown(tokens[right], tokens.admin.name));
    await asks('a token as nobody', 401, shown(tokens[right], ''));
    for (const caller of [expired, revoked]) {
      await asks('a token that is over', 401, {}, elsewhere(caller));
      await asks('a token that is over, by Basic', 401, shown(caller));
    }
    await asks('a link as a token', 401, basicOf(ACCOUNT, `csp_${link.name}${link.secret}`));
    await asks('a session as a token', 401, basicOf(ACCOUNT, `csp_${admin.cookies.callspool}`));
    await asks('a password', 401, basicOf('ruth', passwordOf('ruth')));
    await asks("a stranger's user header", 401, { 'Remote-User': 'ruth' });
    await asks('Basic from a foreign page', 403, { ...shown(tokens[right]), Origin: FOREIGN });
    await asks('Basic from a sibling', 403, { ...shown(tokens[right]), 'Sec-Fetch-Site': 'same-site' });
    await asks('a token from a foreign page', good, { Origin: FOREIGN }, tokens[right]);
  });
}

for (const row of routes().filter(({ access }) => access === 'WEB_LINK')) {
  test(`${row.row} needs the link that it names`, async () => {
    const { server, admin, listener, tokens, recordings: [recording, second] } = world;
    const [own, other] = [await addLink(admin, recording), await addLink(admin, second)];
    const json = row.method === 'POST' ? { ranges: [[0, 1]] } : undefined;
    const guest = (more) => new Caller(server, more);
    const visitor = async () => {
      const caller = guest();
      await caller.asks(200, 'POST', `/l/${own.name}/open`, { json: { secret: own.secret } });
      return caller;
    };
    const asks = async (who, status, from, name, headers = {}) => {
      cells += 1;
      const reply = await from.ask(row.method, row.pattern.replace('{}', name), { json, headers, keeps: false });
      assert.equal(reply.status < 300 ? 200 : reply.status, status, `${row.row} by ${who}: ${reply.status} ${reply.body.toString().slice(0, 200)}`);
      if (status === 404) assert.equal(reply.json.code, 'link_not_found', who);
    };
    const whole = own.name + own.secret;
    for (const [who, caller] of Object.entries({ nobody: guest(), 'a listener': elsewhere(listener), 'an administrator': elsewhere(admin), 'a token of play': elsewhere(tokens.play),
      "a stranger's user header": guest({ headers: { 'Remote-User': 'ruth' } }) })) await asks(who, 404, caller, own.name);
    await asks('a wrong secret', 404, guest(), own.name + 'A'.repeat(24));
    await asks("another link's secret", 404, guest(), own.name + other.secret);
    await asks('a link as a session', 404, guest({ cookies: { callspool: whole } }), own.name);
    await asks('whoever has it', 200, guest(), whole);
    await asks('whoever has it, from a foreign page', 200, guest(), whole, { Origin: FOREIGN });
    const opened = await visitor();
    await asks('a visitor', 200, opened, own.name);
    await asks('a visitor, from a foreign page', 403, opened, own.name, { Origin: FOREIGN });
    await asks('a visitor, from a sibling', 403, opened, own.name, { 'Sec-Fetch-Site': 'same-site' });
    await asks('a visitor of another link', 404, opened, other.name);
    await admin.asks(200, 'DELETE', `/api/links/${own.name}`);
    await asks('a visitor of a revoked link', 404, opened, own.name);
    await asks('whoever has a revoked link', 404, guest(), whole);
  });
}

test('every row of the table is one that is walked', () => {
  for (const { row, access } of routes()) {
    assert.ok(RIGHTS[access] ? TARGETS[row] : BASIC[access] || WALKED_ELSEWHERE.includes(access), `${row} (${access})`);
  }
});

test('what anyone may call is the same for all', async () => {
  const { server, admin, listener } = world;
  const open = routes().filter(({ access }) => access === 'WEB_ANYONE');
  assert.ok(open.length > 0);
  for (const { method, pattern } of open) {
    const statuses = [];
    for (const caller of [new Caller(server), listener, admin, new Caller(server, { bearer: 'csp_wrong' })]) {
      statuses.push((await caller.ask(method, pattern.replace('{}', world.link.name), { headers: { Origin: FOREIGN } })).status);
    }
    assert.deepEqual(new Set(statuses).size, 1, `${method} ${pattern}: ${statuses}`);
    assert.ok(statuses[0] < 400 || statuses[0] === 404, `${method} ${pattern}: ${statuses[0]}`);
  }
  for (const caller of [new Caller(server), admin]) {
    assert.equal((await caller.ask('GET', '/no/such/thing')).status, 404);
    assert.equal((await caller.ask('PUT', '/api/users')).status, 405);
    assert.equal((await caller.ask('OPTIONS', '/api/users')).status, 204);
  }
});

test('what is for the administrator of the machine is refused to all who come by the network', async () => {
  const { server, admin, tokens } = world;
  const rows = routes().filter(({ access }) => access === 'WEB_LOCAL');
  assert.ok(rows.length > 0);
  for (const row of rows) {
    for (const [who, caller] of Object.entries({ nobody: new Caller(server), admin, token: tokens.admin })) await refused(row, who, caller, 403, 'forbidden');
  }
});

test('webhooks are for whoever signs them, whoever else they are', async () => {
  const { server, admin } = world;
  const rows = routes().filter(({ access }) => access === 'WEB_PROVIDER');
  assert.ok(rows.length > 0);
  for (const { method, pattern } of rows) {
    for (const caller of [new Caller(server), admin]) {
      const reply = await caller.ask(method, pattern, method === 'POST' ? { json: {} } : {});
      assert.ok([400, 403].includes(reply.status), `${method} ${pattern}: ${reply.status}`);
    }
  }
});

test('a session is shown, begun and ended by anyone, from our page alone', async () => {
  const { server, listener } = world;
  const guest = new Caller(server);
  assert.equal((await guest.asks(200, 'GET', '/api/session')).json.signed_in, false);
  assert.equal((await listener.asks(200, 'GET', '/api/session')).json.user.name, 'dana');
  assert.equal((await guest.signIn('dana', 'something else altogether')).json.code, 'sign_in_failed');
  const wrong = await new Caller(server).signIn('dana', passwordOf('dana'), { headers: { Origin: FOREIGN } });
  assert.equal(wrong.status, 403);
  assert.equal(wrong.json.code, 'foreign_origin');
  assert.equal((await listener.ask('DELETE', '/api/session', { headers: { Origin: FOREIGN } })).status, 403);
  assert.equal((await listener.ask('POST', '/api/session/password', { json: {}, headers: { Origin: FOREIGN } })).status, 403);
  const before_ = listener.cookies.callspool;
  assert.equal((await listener.signIn('dana')).status, 200);
  assert.notEqual(listener.cookies.callspool, before_, 'a new token');
  assert.equal((await new Caller(server, { cookies: { callspool: before_ } }).ask('GET', '/api/calls')).status, 401, 'and the old one is over');
});

test('a password is changed by whoever is signed in and knows it', async () => {
  const { server, admin, tokens } = world;
  const path = '/api/session/password';
  assert.equal((await new Caller(server).ask('POST', path, { json: {} })).status, 401);
  assert.equal((await tokens.admin.ask('POST', path, { json: { current: 'x', password: 'y' } })).status, 403);
  const person = await addPerson(admin, 'avi');
  const second = new Caller(server);
  assert.equal((await second.signIn('avi')).status, 200);
  const token = await addToken(admin, 'play');
  const wrong = await person.ask('POST', path, { json: { current: 'not this at all', password: 'a new one, and a long one' } });
  assert.equal(wrong.status, 401);
  const poor = await person.ask('POST', path, { json: { current: passwordOf('avi'), password: 'short' } });
  assert.equal(poor.status, 422);
  assert.equal(typeof poor.json.reason, 'string');
  await person.asks(200, 'POST', path, { json: { current: passwordOf('avi'), password: 'a new one, and a long one' } });
  assert.equal((await person.ask('GET', '/api/calls')).status, 200, 'who changed it goes on');
  assert.equal((await second.ask('GET', '/api/calls')).status, 401, 'all other sessions are over');
  assert.equal((await token.ask('GET', world.recording.mediaPath)).status, 200);
  assert.equal((await new Caller(server).signIn('avi')).status, 401);
  assert.equal((await new Caller(server).signIn('avi', 'a new one, and a long one')).status, 200);
});

test('all other sessions are ended by whoever is signed in and knows the password', async () => {
  const { server, admin, tokens } = world;
  const path = '/api/session/others';
  assert.equal((await new Caller(server).ask('DELETE', path, { json: {} })).status, 401);
  assert.equal((await tokens.admin.ask('DELETE', path, { json: { current: 'x' } })).status, 403);
  const person = await addPerson(admin, 'tal');
  const others = [new Caller(server), new Caller(server)];
  for (const other of others) await other.signIn('tal');
  for (let i = 0; i < 4; i++) for (const other of others) await other.asks(200, 'GET', '/api/calls'); // every loop knows them
  assert.equal((await person.ask('DELETE', path, { json: { current: passwordOf('tal') }, headers: { Origin: FOREIGN } })).status, 403);
  assert.equal((await person.ask('DELETE', path, { json: {} })).status, 400);
  assert.equal((await person.ask('DELETE', path, { json: { current: 'not this at all' } })).status, 401);
  for (const other of others) await other.asks(200, 'GET', '/api/calls');
  await person.asks(200, 'DELETE', path, { json: { current: passwordOf('tal') } });
  await person.asks(200, 'GET', '/api/calls');
  for (let i = 0; i < 4; i++) for (const other of others) await other.asks(401, 'GET', '/api/calls');
  await new Caller(server).signIn('tal');
  assert.equal((await admin.asks(200, 'GET', '/api/sessions?user=tal')).json.sessions.length, 2, 'the one that asked, and one since');
  await admin.asks(200, 'GET', '/api/calls');
  const [entry] = (await admin.asks(200, 'GET', '/api/audit?kind=sessions_revoked')).json.entries;
  assert.equal(entry.user, 'tal');
});

test('an invitation is taken once, and seeing its page takes nothing', async () => {
  const { server, admin } = world;
  const invitation = await invite(admin, 'gil');
  const guest = new Caller(server);
  const take = (password) => guest.ask('POST', '/join', { json: { invitation, password } });
  await guest.ask('GET', '/join');
  assert.equal((await take('short')).status, 422, 'a poor password does not use it up');
  assert.equal((await take(passwordOf('gil'))).status, 200);
  assert.equal((await take(passwordOf('gil'))).status, 404);
  assert.equal((await guest.signIn('gil')).status, 200);
});

test('a link opens its one recording, and nothing else does', async () => {
  const { server, admin, recordings: [recording, other] } = world;
  const link = await addLink(admin, recording);
  const otherLink = await addLink(admin, other);
  const guest = () => new Caller(server);
  assert.equal(Buffer.compare((await guest().asks(200, 'GET', link.mediaPath)).body, recording.bytes), 0);
  assert.equal((await guest().asks(206, 'GET', link.mediaPath, { headers: { Range: 'bytes=0-9', Origin: FOREIGN } })).body.length, 10);
  for (const path of [`/l/${link.name}/media`, `/l/${link.name}${otherLink.secret}/media`, `/l/${link.name}${'A'.repeat(24)}/media`]) {
    for (const caller of [guest(), elsewhere(admin)]) assert.equal((await caller.ask('GET', path)).json?.code, 'link_not_found', path);
  }
  const opened = guest();
  const open = (name, secret, options = {}) => opened.ask('POST', `/l/${name}/open`, { json: { secret }, ...options });
  assert.equal((await open(link.name, otherLink.secret)).status, 404);
  assert.equal((await open(link.name, link.secret, { headers: { Origin: FOREIGN } })).status, 403);
  const reply = await open(link.name, link.secret);
  assert.equal(reply.status, 200);
  assert.match(reply.headers['set-cookie'].join(), /callspool-link=.*; Path=\/l\/[^;]+\/; HttpOnly; SameSite=Strict/);
  assert.equal(reply.json.from, undefined, 'no numbers unless the link shows them');
  assert.equal(Buffer.compare((await opened.asks(200, 'GET', `/l/${link.name}/media`)).body, recording.bytes), 0);
  assert.equal((await opened.ask('GET', `/l/${link.name}/media`, { headers: { Origin: FOREIGN } })).status, 403, 'the cookie from a foreign page');
  assert.equal((await opened.ask('GET', `/l/${otherLink.name}/media`)).status, 404, 'a visit of one link opens no other');
  await admin.asks(200, 'DELETE', `/api/links/${link.name}`);
  assert.equal((await opened.ask('GET', `/l/${link.name}/media`)).status, 404, 'revoked: the visit is over');
  assert.equal((await guest().ask('GET', link.mediaPath)).status, 404, 'and the address');
});

test('a link that is over says so to who has it', async () => {
  const { server, admin, recording } = world;
  const short = await addLink(admin, recording, { expires_in: '1s' });
  const once = await addLink(admin, recording, { plays: 1 });
  const openShort = () => new Caller(server).ask('POST', `/l/${short.name}/open`, { json: { secret: short.secret } });
  await until('a link is over', async () => (await openShort()).json?.code === 'link_expired');
  assert.equal((await new Caller(server).ask('GET', short.mediaPath)).json.code, 'link_expired');
  const visitors = [new Caller(server), new Caller(server)];
  for (const visitor of visitors) await visitor.asks(200, 'POST', `/l/${once.name}/open`, { json: { secret: once.secret } });
  const codes = await Promise.all(visitors.map(async (visitor) => (await visitor.ask('GET', `/l/${once.name}/media`)).status));
  assert.deepEqual(codes.sort(), [200, 410], 'one play is one play, by two browsers at once');
});

test("another's link is not there for a listener, nor for a token of nobody", async () => {
  const { admin, listener, recording, tokens } = world;
  const link = await addLink(admin, recording);
  assert.equal((await listener.ask('DELETE', `/api/links/${link.name}`)).json.code, 'link_not_found');
  const own = await addLink(listener, recording);
  const { links } = (await listener.asks(200, 'GET', '/api/links')).json;
  assert.ok(links.some(({ name }) => name === own.name));
  assert.ok(!links.some(({ name }) => name === link.name));
  assert.ok((await tokens.admin.ask('GET', '/api/links')).status === 403);
});

test('without sign-in all but webhooks and links are for everybody on this machine', async (t) => {
  const { recordings: [recording], server } = world;
  const open = await startServer(t, {});
  const guest = new Caller(open);
  for (const row of routes().filter(({ access, method }) => method === 'GET' && RIGHTS[access])) {
    const path = row.pattern.replace('{}', row.pattern.includes('recordings') ? newSid('RE') : newSid('CA'));
    const good = await guest.ask('GET', path);
    assert.ok(![401, 403].includes(good.status), `${row.row}: ${good.status}`);
    assert.equal((await guest.ask('GET', path, { headers: { Origin: FOREIGN } })).json.code, 'foreign_origin', row.row);
    assert.equal((await guest.ask('GET', path, { headers: { Host: 'elsewhere.test' } })).status, 403, row.row);
  }
  assert.equal((await guest.ask('GET', '/l/AAAAAAAA/media')).status, 404);
  assert.ok(recording && server);
});

test('each row was asked, those without a right of their own, too', (t) => {
  const left = [...askedOf].filter(([, count]) => count === 0).map(([row]) => row);
  assert.deepEqual(left, []);
  t.diagnostic(`${routes().length} rows, ${cells} cells of a row and a caller, ${[...askedOf.values()].reduce((sum, count) => sum + count)} requests`);
});

test('forever has no end: neither a session that is idle nor a token', async (t) => {
  const { server } = await startWithPeople(t, { settings: { 'session.idle': 'forever' } });
  const admin = await firstAdministrator(server);
  for (const lasts of ['forever', '99999999999d', '106751991167d']) {
    const program = await addToken(admin, 'read', { expires_in: lasts });
    await program.asks(200, 'GET', '/api/calls');
    const { tokens } = (await admin.asks(200, 'GET', '/api/tokens')).json;
    assert.equal(tokens.find(({ name }) => name === program.name).expires_at, null, lasts);
  }
});

test('a right that is taken away while a body comes is none when it is here', async (t) => {
  const { server, admin, recording } = world;
  const [kept, lost] = [await addToken(admin, 'change'), await addToken(admin, 'change')];
  const connections = await Promise.all([kept, lost].map(async ({ bearer }) => {
    const connection = await RawConnection.open(server.url);
    atEnd(t, () => connection.close());
    connection.send(`POST /api/recordings/${recording.recordingSid}/hold HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nAuthorization: Bearer ${bearer}\r\n`
      + 'Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n');
    await connection.receives(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    return connection;
  }));
  const from = performance.now();
  await admin.asks(200, 'DELETE', `/api/tokens/${lost.name}`);
  await until('more than a second is over', () => performance.now() - from > 1500);
  for (const connection of connections) connection.send('{}');
  const answers = await Promise.all(connections.map((connection) => connection.receives(/\r\n\r\nHTTP\/1\.1 (\d{3}) /)));
  assert.deepEqual(answers.map(([, status]) => status), ['200', '401']);
  await admin.asks(200, 'DELETE', `/api/recordings/${recording.recordingSid}/hold`);
});
