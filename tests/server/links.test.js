// Links: whose they are, what opening one tells, for how long, and what the log has of them.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { lifetime } from './harness/lifetime.js';
import { Caller, addLink, addToken, firstAdministrator, newAddress, startWithPeople } from './harness/people.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

const sql = (server, statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement], { encoding: 'utf8' }).trim();

test('a token that no user stands behind sees and revokes the links of such tokens alone', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'link,play');
  const another = await addLink(admin, recording);
  sql(server, `UPDATE credentials SET user_id = NULL, made_by = NULL WHERE name = '${token.name}'`); // as a command makes it
  assert.deepEqual((await token.asks(200, 'GET', '/api/links')).json.links, []);
  const own = await addLink(token, recording);
  assert.deepEqual((await token.asks(200, 'GET', '/api/links')).json.links.map(({ name }) => name), [own.name]);
  assert.equal((await token.asks(404, 'DELETE', `/api/links/${another.name}`)).json.code, 'link_not_found');
  await token.asks(200, 'DELETE', `/api/links/${own.name}`);
  assert.deepEqual((await admin.asks(200, 'GET', '/api/links')).json.links.map(({ name }) => name), [another.name]);
});

test('the log has the name of a link, never its secret, whatever goes wrong', async (t) => {
  const { server, recording } = await startWithPeople(t, { settings: { log_level: 'debug' }, expectErrors: [/cannot change what \/l\//, /cannot answer/] });
  const admin = await firstAdministrator(server);
  const link = await addLink(admin, recording);
  sql(server, 'ALTER TABLE recordings RENAME TO elsewhere');
  const spelt = [link.mediaPath, link.mediaPath.replace('/l/', '/%6c/')];
  for (const path of spelt) await new Caller(server).ask('GET', path);
  await server.line(/cannot change what/);
  const said = server.err.join('\n');
  assert.ok(said.includes(link.name), said.slice(-600));
  assert.ok(!said.includes(link.secret), 'the secret is in the log');
  sql(server, 'ALTER TABLE elsewhere RENAME TO recordings');
});

test('a link that is over is refused to HEAD as to GET, and HEAD uses no play up', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const guest = () => new Caller(server);
  const plays = async (link) => (await admin.asks(200, 'GET', '/api/links')).json.links.find(({ name }) => name === link.name).plays;
  const once = await addLink(admin, recording, { plays: 1 });
  for (let i = 0; i < 3; i++) await guest().asks(200, 'HEAD', once.mediaPath);
  assert.equal(await plays(once), 0, 'HEAD is no play');
  const visitors = [guest(), guest()];
  for (const visitor of visitors) await visitor.asks(200, 'POST', `/l/${once.name}/open`, { json: { secret: once.secret } });
  await visitors[0].asks(200, 'GET', `/l/${once.name}/media`);
  for (let i = 0; i < 4; i++) await visitors[0].asks(200, 'HEAD', `/l/${once.name}/media`); // on each loop: what was begun goes on
  for (const method of ['HEAD', 'GET', 'HEAD']) await visitors[1].asks(410, method, `/l/${once.name}/media`);
  const late = await addLink(admin, recording);
  sql(server, `UPDATE credentials SET expires_at_ms = 1 WHERE name = '${late.name}'`);
  for (const method of ['HEAD', 'GET', 'HEAD']) await guest().asks(410, method, late.mediaPath);
  const revoked = await addLink(admin, recording);
  await admin.asks(200, 'DELETE', `/api/links/${revoked.name}`);
  await guest().asks(404, 'HEAD', revoked.mediaPath);
});

test('without public_url no address is made of a Host that the caller picked', async (t) => {
  const { server, recording } = await startWithPeople(t, { settings: { public_url: undefined } });
  const admin = await firstAdministrator(server);
  const users = async () => (await admin.asks(200, 'GET', '/api/users')).json.users.length;
  const link = { recording_sid: recording.recordingSid };
  for (const headers of [{ Host: 'elsewhere.test' }, { Host: 'localhost.elsewhere.test' }, { Host: 'localhost', 'X-Forwarded-Host': 'elsewhere.test' }, { Host: '203.0.113.7' }]) {
    for (const [path, json] of [['/api/links', link], ['/api/users', { name: 'dana' }]]) {
      const reply = await admin.ask('POST', path, { json, headers });
      assert.equal(reply.status, 503, `${path} ${JSON.stringify(headers)}`);
      assert.equal(reply.json.code, 'not_configured');
      assert.match(reply.json.error, /public_url/);
    }
  }
  assert.equal((await admin.asks(200, 'GET', '/api/links')).json.links.length, 0, 'none was made');
  assert.equal(await users(), 1, 'nobody was added');
  const { port } = new URL(server.url);
  for (const host of ['localhost', `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
    const { json } = await admin.asks(200, 'POST', '/api/links', { json: link, headers: { Host: host } });
    assert.ok(json.url.startsWith(`http://${host}/l/`), json.url);
  }
  const { json } = await admin.asks(200, 'POST', '/api/users', { json: { name: 'dana' }, headers: { Host: 'localhost:7' } });
  assert.ok(json.url.startsWith('http://localhost:7/join#'), json.url);
  await admin.asks(503, 'POST', '/api/users/dana/reset', { json: {}, headers: { Host: 'elsewhere.test' } });
});

/* ---- what opening one tells ---- */

const DAY_S = 86_400;
const isWithin = (got, wanted, by, what) => assert.ok(Math.abs(got - wanted) <= by, `${what}: ${got}, not ${wanted}`);

let world;

before(async () => {
  const started = await startWithPeople(lifetime, { count: 3 });
  const admin = await firstAdministrator(started.server);
  const { callSid, recordingSid } = started.recording;
  const told = await postForm(started.server.url, CALL_STATUS, callCallback({ CallSid: callSid, Direction: 'inbound', From: '+15550001111', To: '+15550002222' }));
  assert.equal(told.status, 200);
  await until('the call is known', async () => (await admin.ask('GET', `/api/calls/${callSid}`)).json.from);
  world = { ...started, admin, callSid, recordingSid };
});

const open = async ({ server }, { name, secret }, visitor = new Caller(server)) =>
  Object.assign(await visitor.asks(200, 'POST', `/l/${name}/open`, { json: { secret } }), { visitor });

test('opening a link tells when the call was and how long, which way, and its numbers when the link shows them', async () => {
  const { admin, recording, callSid } = world;
  const call = (await admin.asks(200, 'GET', `/api/calls/${callSid}`)).json;
  const plain = await open(world, await addLink(admin, recording));
  const { started_at: startedAt, duration, direction, expires_at: expiresAt, ...others } = plain.json;
  assert.equal(startedAt, call.recordings[0].started_at);
  isWithin(duration, 1, 0.2, 'seconds');
  assert.equal(direction, 'inbound');
  isWithin((Date.parse(expiresAt) - Date.now()) / 1000, 7 * DAY_S, 60, 'a link lasts a week unless it is said');
  assert.deepEqual(others, { success: true });
  const showing = await open(world, await addLink(admin, recording, { show_numbers: true }));
  assert.deepEqual([showing.json.from, showing.json.to], ['+15550001111', '+15550002222']);
});

test('numbers as long as they are kept, all of what JSON spells out, are told whole', async () => {
  const { server, admin, recordings: [, , recording] } = world, long = '<'.repeat(300);
  const told = await postForm(server.url, CALL_STATUS, callCallback({ CallSid: recording.callSid, Direction: 'inbound', From: long, To: long }));
  assert.equal(told.status, 200);
  await until('the call is known', async () => (await admin.ask('GET', `/api/calls/${recording.callSid}`)).json.from);
  const { json } = await open(world, await addLink(admin, recording, { show_numbers: true }));
  assert.deepEqual([json.from, json.to], [long, long]);
});

test('a visit lasts as long as its link, and an hour and the recording at least', async () => {
  const { admin, recording } = world;
  const maxAge = async (terms) => Number((await open(world, await addLink(admin, recording, terms))).headers['set-cookie'][0].match(/Max-Age=(\d+)/)[1]);
  isWithin(await maxAge({}), 7 * DAY_S, 60, 'of a link of a week');
  isWithin(await maxAge({ expires_in: '1m' }), 3600 + 1, 5, 'of a link of a minute');
});

test('a visit admits the request that shows it, and not the next one on the same connection', async () => {
  const { server, admin, recording } = world;
  const link = await addLink(admin, recording);
  const { visitor } = await open(world, link);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  lifetime.after(() => agent.destroy());
  for (let i = 0; i < 3; i++) {
    assert.equal((await visitor.ask('GET', `/l/${link.name}/media`, { agent })).status, 200);
    const stranger = await new Caller(server).ask('GET', `/l/${link.name}/media`, { agent });
    assert.deepEqual([stranger.status, stranger.json.code], [404, 'link_not_found']);
  }
});

test('what is wrong with the terms of a link is told', async () => {
  const { admin, recordingSid, callSid } = world;
  const rows = [
    ['neither SID', {}, 400, 'bad_request', /recording_sid or call_sid/],
    ['both', { recording_sid: recordingSid, call_sid: callSid }, 400, 'bad_request', /recording_sid or call_sid/],
    ['a call SID in place of a recording SID', { recording_sid: callSid }, 400, 'bad_request', /recording_sid or call_sid/],
    ['a recording SID in place of a call SID', { call_sid: recordingSid }, 400, 'bad_request', /recording_sid or call_sid/],
    ['a recording that nobody knows', { recording_sid: newSid('RE') }, 404, 'recording_not_found', /./],
    ['a call that nobody knows', { call_sid: newSid('CA') }, 404, 'recording_not_found', /./],
    ['plays below none', { recording_sid: recordingSid, plays: -1 }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['no play at all', { recording_sid: recordingSid, plays: 0 }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['plays as a text', { recording_sid: recordingSid, plays: '1' }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['plays with a fraction', { recording_sid: recordingSid, plays: 1.5 }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['plays as true', { recording_sid: recordingSid, plays: true }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['plays as a list', { recording_sid: recordingSid, plays: [1] }, 400, 'bad_request', /plays is a whole number, 1 or more/],
    ['numbers shown by a word', { recording_sid: recordingSid, show_numbers: 'yes' }, 400, 'bad_request', /show_numbers is true or false/],
    ['a whole call by a number', { recording_sid: recordingSid, whole_call: 1 }, 400, 'bad_request', /whole_call is true or false/],
    ['a note that is a number', { recording_sid: recordingSid, note: 5 }, 400, 'bad_request', /note is a text/],
    ['a SID that is a number beside one that is good', { recording_sid: recordingSid, call_sid: 5 }, 400, 'bad_request', /call_sid is a text/],
    ['longer than link.max', { recording_sid: recordingSid, expires_in: '3650d' }, 400, 'bad_request', /link\.max/],
    ['a duration that is none', { recording_sid: recordingSid, expires_in: 'soon' }, 400, 'bad_request', /30m, 12h or 7d/],
    ['a duration that is a number', { recording_sid: recordingSid, expires_in: 60 }, 400, 'bad_request', /30m, 12h or 7d/],
    ['a duration of nothing', { recording_sid: recordingSid, expires_in: '0s' }, 400, 'bad_request', /30m, 12h or 7d/],
  ];
  const links = async () => (await admin.asks(200, 'GET', '/api/links')).json.links;
  const before = (await links()).length;
  for (const [name, json, status, code, says] of rows) {
    const reply = await admin.ask('POST', '/api/links', { json });
    assert.deepEqual([reply.status, reply.json.code], [status, code], name);
    assert.match(reply.json.error, says, name);
  }
  assert.equal((await admin.ask('POST', '/api/links', { body: `{"recording_sid":"${recordingSid}","plays":1.0}`, headers: { 'Content-Type': 'application/json' } })).status, 400, 'plays with a point');
  assert.equal((await links()).length, before, 'none was made');
  const unsaid = await admin.asks(200, 'POST', '/api/links', { json: { recording_sid: recordingSid, call_sid: null, plays: null, show_numbers: null, whole_call: null, note: null } });
  const row = (await links()).find(({ name }) => name === unsaid.json.name);
  assert.deepEqual([row.plays_max, row.show_numbers, row.whole_call, row.note], [undefined, false, false, ''], 'what is null is not said');
  const ofCall = await admin.asks(200, 'POST', '/api/links', { json: { call_sid: callSid } });
  assert.equal(ofCall.json.recording_sid, recordingSid);
  assert.match(ofCall.json.url, new RegExp(`^http://callspool\\.test/l/${ofCall.json.name}#[\\w-]{24}$`));
  assert.match(ofCall.json.media_url, new RegExp(`^http://callspool\\.test/l/${ofCall.json.name}[\\w-]{24}/media$`));
});

test('wrong secrets are counted against their network, which is told how long to wait', async () => {
  const { server, admin, recording } = world;
  const link = await addLink(admin, recording);
  const address = newAddress();
  const guess = (secret) => new Caller(server, { address }).ask('POST', `/l/${link.name}/open`, { json: { secret } });
  const statuses = [];
  let over;
  for (let i = 0; i < 40 && !over; i++) {
    const reply = await guess(i % 2 ? 'A'.repeat(24) : 'malformed');
    statuses.push(reply.status);
    if (reply.status !== 404) over = reply;
  }
  assert.ok(statuses.length >= 30, `${statuses.length} tries`);
  assert.deepEqual([over?.status, over?.json.code], [429, 'rate_limited']);
  assert.ok(Number(over.headers['retry-after']) >= 1 && Number(over.headers['retry-after']) <= 2, over.headers['retry-after']);
  assert.equal((await guess(link.secret)).status, 429, 'the right one, too, from there');
  assert.equal((await open(world, link)).status, 200, 'and not from elsewhere');
});

test('a link is opened as often as people of one network may want, and then they wait', async () => {
  const { server, admin, recording } = world;
  const link = await addLink(admin, recording), other = await addLink(admin, recording);
  const from = (address) => new Caller(server, { address });
  const openFrom = (address, { name, secret } = link) => from(address).ask('POST', `/l/${name}/open`, { json: { secret } });
  const untilRefused = async (most, address) => {
    for (let i = 0; i < most; i++) {
      const reply = await openFrom(address(i));
      if (reply.status !== 200) return { opened: i, reply };
    }
    return { opened: most };
  };
  const address = newAddress();
  const { opened, reply } = await untilRefused(300, () => address);
  assert.ok(opened >= 60, `${opened} times`);
  assert.deepEqual([reply?.status, reply?.json.code], [429, 'rate_limited']);
  assert.ok(Number(reply.headers['retry-after']) >= 1 && Number(reply.headers['retry-after']) <= 5, reply.headers['retry-after']);
  const visits = () => Number(sql(server, `SELECT COUNT(*) FROM credentials WHERE parent_id = (SELECT id FROM credentials WHERE name = '${link.name}')`));
  assert.equal(visits(), opened, 'a refused one leaves no visit');
  assert.equal((await openFrom(address, other)).status, 200, 'another link, from there');
  await from(address).asks(200, 'GET', link.mediaPath); // what is played is no opening
  assert.equal((await openFrom(newAddress())).status, 200, 'that link, from elsewhere');
  const wide = await untilRefused(900, (i) => `2001:db8:7:${i.toString(16)}::1`);
  assert.ok(wide.opened >= 480, `${wide.opened} times`);
  assert.equal(wide.reply?.status, 429, 'an IPv6 network of many');
  const [entry] = await until('the audit has it', async () => {
    const { entries } = (await admin.asks(200, 'GET', '/api/audit?kind=throttled')).json;
    const found = entries.filter(({ body }) => body.includes('openings of a link'));
    return found.length > 0 && found;
  });
  assert.match(entry.body, /"route":"\/l\/\{\}\/open"/);
});

test('plays are counted once a play: a HEAD is none, and ranges of one that is on are none', async () => {
  const { server, admin, recording } = world;
  const link = await addLink(admin, recording, { plays: 1 });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  lifetime.after(() => agent.destroy());
  const { visitor } = await open(world, link);
  const plays = async () => (await admin.asks(200, 'GET', '/api/links')).json.links.find(({ name }) => name === link.name).plays;
  const media = (method, headers = {}) => visitor.ask(method, `/l/${link.name}/media`, { headers, agent });
  assert.equal((await media('HEAD')).status, 200);
  assert.equal(await plays(), 0);
  assert.equal((await media('GET', { Range: 'bytes=0-99' })).status, 206);
  assert.equal((await media('GET', { Range: 'bytes=100-' })).status, 206);
  assert.equal(await plays(), 1);
  for (let i = 0; i < 4; i++) { // on connections of their own, that fall to all loops
    assert.equal((await visitor.ask('GET', `/l/${link.name}/media`)).status, 200, 'its window is open');
  }
  assert.equal(await plays(), 1);
  const late = await new Caller(server).ask('POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
  assert.deepEqual([late.status, late.json.code], [410, 'link_used_up'], 'for anybody else it is over');
});

/* ---- a link to a whole call ---- */

test('a link to a whole call tells of its recordings, plays each of them as one play, and no other', async (t) => {
  const { server, recordings: [first, elsewhere, second] } = await startWithPeople(t, { count: 2, others: 1 });
  const admin = await firstAdministrator(server);
  const link = await addLink(admin, first, { call_sid: first.callSid, recording_sid: undefined, whole_call: true, plays: 1 });
  const row = async () => (await admin.asks(200, 'GET', '/api/links')).json.links.find(({ name }) => name === link.name);
  assert.equal((await row()).whole_call, true);
  const [made] = (await admin.asks(200, 'GET', '/api/audit?kind=link_made')).json.entries;
  assert.equal(JSON.parse(made.body).whole_call, true, made.body);

  const { json, visitor } = await open({ server }, link);
  assert.deepEqual(json.recordings.map(({ recording_sid: sid }) => sid).sort(), [first.recordingSid, second.recordingSid].sort());
  isWithin(json.recordings.find(({ recording_sid: sid }) => sid === second.recordingSid).duration, 2, 0.2, 'seconds');
  const path = (what, sid) => `/l/${link.name}/${what}?recording=${sid}`;
  const refused = async (method, address, options) => {
    const reply = await visitor.ask(method, address, options);
    assert.deepEqual([reply.status, reply.json?.code], [404, 'link_not_found'], `${method} ${address}`);
  };
  const heard = { json: { ranges: [[0, 1]] } };
  await refused('GET', path('media', elsewhere.recordingSid));
  await refused('GET', path('waveform', elsewhere.recordingSid));
  await refused('POST', path('heard', elsewhere.recordingSid), heard);
  await refused('GET', path('media', elsewhere.recordingSid)); // what was reported as heard is not begun by that
  await refused('GET', path('media', newSid('RE')));
  assert.equal((await visitor.ask('GET', path('media', 'RE12'))).status, 400);
  assert.equal((await row()).plays, 0, 'none of these is a play');

  assert.deepEqual((await visitor.asks(200, 'GET', path('media', second.recordingSid))).body, second.bytes);
  await visitor.asks(200, 'GET', `/l/${link.name}/media`);
  for (let i = 0; i < 4; i++) await visitor.asks(200, 'GET', path('media', second.recordingSid)); // on all loops
  assert.equal((await row()).plays, 1, 'both are one play');
  await refused('GET', path('media', elsewhere.recordingSid));
  await visitor.asks(204, 'POST', path('heard', second.recordingSid), heard);
  await until('the waveform is there', async () => (await visitor.ask('GET', `${path('waveform', second.recordingSid)}&points=10`)).status === 200);
});

test('a link to one recording opens no other one of its call', async (t) => {
  const { server, recordings: [first, second] } = await startWithPeople(t, { others: 1 });
  const admin = await firstAdministrator(server);
  const link = await addLink(admin, first);
  const { json, visitor } = await open({ server }, link);
  assert.equal(json.recordings, undefined);
  for (const asked of [`/l/${link.name}/media`, link.mediaPath]) {
    const reply = await visitor.ask('GET', `${asked}?recording=${second.recordingSid}`);
    assert.deepEqual([reply.status, reply.json.code], [404, 'link_not_found']);
    await visitor.asks(200, 'GET', `${asked}?recording=${first.recordingSid}`);
  }
  const whole = await addLink(admin, first, { whole_call: true });
  assert.deepEqual((await new Caller(server).asks(200, 'GET', `${whole.mediaPath}?recording=${second.recordingSid}`)).body, second.bytes, 'by the secret in the path, too');
});
