// The lists of an administrator: what a row has, whose rows one sees, and how a list goes on behind a page.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { lifetime } from './harness/lifetime.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';
import { Caller, addLink, addPerson, addToken, firstAdministrator, startWithPeople } from './harness/people.js';

const PAGE = 200; // of tokens, links and sessions
const USERS_PAGE = 100;
const AUDIT_PAGE = 100;

let server, recording, admin;

before(async () => {
  ({ server, recording } = await startWithPeople());
  admin = await firstAdministrator(server);
});

const sql = (statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement], { encoding: 'utf8' }).trim();
const aboutNow = (text, what) => assert.ok(Math.abs(Date.parse(text) - Date.now()) < 60_000, `${what}: ${text}`);
const list = async (path, who = admin) => (await who.asks(200, 'GET', path)).json;

/** All rows behind each other, and how many each page had. */
async function pages(path, name, next) {
  const rows = [], sizes = [];
  for (let from = ''; ;) {
    const page = await list(`${path}${from}`);
    rows.push(...page[name]);
    sizes.push(page[name].length);
    assert.ok(sizes.length < 20, 'it ends');
    if (page.next === null) return { rows, sizes };
    from = `${path.includes('?') ? '&' : '?'}${next}=${encodeURIComponent(page.next)}`;
  }
}

/** Copies the newest credential of a kind until there are `count` more, which are older by their numbers. */
const copy = (kind, count) => sql(`UPDATE credentials SET id = id + 1000000 WHERE kind = ${kind};
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
  INSERT INTO credentials (id, kind, name, hash, user_id, made_by, rights, recording_sid, plays, plays_max, options, note, made_at_ms, seen_at_ms, expires_at_ms, changed_seq)
  SELECT 500000 + ${kind} * 10000 + i, kind, printf('%d%07d', kind, i), hash, user_id, made_by, rights, recording_sid, plays, plays_max, options, note, made_at_ms, seen_at_ms, expires_at_ms, changed_seq
  FROM n, (SELECT * FROM credentials WHERE kind = ${kind} ORDER BY id DESC LIMIT 1)`);
const kindOf = (name) => Number(sql(`SELECT kind FROM credentials WHERE name = '${name}'`));

test('a token: made, seen, its rights, its note, and when it is over', async () => {
  const made = (await admin.asks(200, 'POST', '/api/tokens', { json: { rights: 'status,play', note: 'of the CRM', expires_in: '2d' } })).json;
  assert.deepEqual(Object.keys(made).sort(), ['expires_at', 'name', 'success', 'token']);
  assert.match(made.token, new RegExp(`^csp_${made.name}[\\w-]{24}$`));
  const [row] = (await list('/api/tokens')).tokens;
  assert.deepEqual([row.name, row.rights, row.note, row.seen_at], [made.name, 'play,status', 'of the CRM', null]);
  aboutNow(row.made_at, 'made');
  assert.equal(Date.parse(row.expires_at) - Date.parse(row.made_at), 2 * 86_400_000);
  const lasting = (await admin.asks(200, 'POST', '/api/tokens', { json: { rights: 'play' } })).json;
  assert.equal(lasting.expires_at, null, 'for ever unless it is said');
  assert.deepEqual((await admin.asks(200, 'DELETE', `/api/tokens/${lasting.name}`)).json, { success: true });
  for (const name of [lasting.name, 'AAAAAAAA', 'short', 'much.too.long']) {
    const gone = await admin.ask('DELETE', `/api/tokens/${name}`);
    assert.deepEqual([gone.status, gone.json.code], [404, 'not_found'], name);
  }
  const rows = [[{ rights: 'play,fly' }, /'fly' is not a right/], [{ rights: 'play,play' }, /twice/], [{}, /without a right/], [{ rights: 'play', expires_in: '-1d' }, /30m, 12h or 7d/]];
  for (const [json, says] of rows) {
    const reply = await admin.ask('POST', '/api/tokens', { json });
    assert.deepEqual([reply.status, reply.json.code], [400, 'bad_request']);
    assert.match(reply.json.error, says);
  }
});

test('a session: whose, from where, of what browser, seen when; one of them is ended by its name', async () => {
  const dana = await addPerson(admin, 'dana');
  const second = new Caller(server, { address: '198.51.100.7', headers: { 'User-Agent': 'Lynx/2.9' } });
  assert.equal((await second.signIn('dana')).status, 200);
  const sessions = (await list('/api/sessions?user=dana')).sessions;
  assert.equal(sessions.length, 2);
  const [row] = sessions; // the newest
  assert.equal(row.name, second.cookies.callspool.slice(0, 8));
  assert.deepEqual([row.user, row.network, row.agent], ['dana', '198.51.100.7', 'Lynx/2.9']);
  aboutNow(row.made_at, 'made');
  aboutNow(row.seen_at, 'seen');
  assert.equal(Date.parse(row.expires_at) - Date.parse(row.made_at), 7 * 86_400_000);
  assert.ok((await list('/api/sessions')).sessions.some(({ user }) => user === 'ruth'), "everybody's");
  const nobody = await admin.ask('GET', '/api/sessions?user=nobody');
  assert.deepEqual([nobody.status, nobody.json.code], [404, 'not_found']);
  await admin.asks(200, 'DELETE', `/api/sessions/${row.name}`);
  assert.equal((await second.ask('GET', '/api/calls')).status, 401);
  assert.equal((await dana.ask('GET', '/api/calls')).status, 200, 'the other goes on');
  assert.equal((await admin.ask('DELETE', `/api/sessions/${row.name}`)).status, 404);
  const token = await addToken(admin, 'play');
  assert.equal((await admin.ask('DELETE', `/api/sessions/${token.name}`)).status, 404, 'a token is no session');
  assert.deepEqual((await admin.asks(200, 'DELETE', '/api/users/dana/sessions')).json, { success: true, name: 'dana' });
  assert.deepEqual((await list('/api/sessions?user=dana')).sessions, []);
});

test('a link: of what, how often, until when; its maker sees it, and an administrator', async () => {
  const listener = await addPerson(admin, 'noa');
  const link = await addLink(listener, recording, { plays: 3, note: 'for the customer', show_numbers: true, expires_in: '1h' });
  const mine = (await list('/api/links', listener)).links;
  assert.equal(mine.length, 1);
  const { made_at: madeAt, expires_at: expiresAt, ...row } = mine[0];
  assert.deepEqual(row, { name: link.name, recording_sid: recording.recordingSid, plays: 0, plays_max: 3, show_numbers: true, whole_call: false, note: 'for the customer' });
  assert.equal(Date.parse(expiresAt) - Date.parse(madeAt), 3_600_000);
  const plain = await addLink(admin, recording);
  const all = (await list('/api/links')).links;
  assert.deepEqual(all.slice(0, 2).map(({ name }) => name), [plain.name, link.name], 'the newest first');
  assert.deepEqual([all[0].plays_max, all[0].show_numbers], [undefined, false], 'as often as one likes');
  assert.deepEqual((await listener.asks(200, 'DELETE', `/api/links/${link.name}`)).json, { success: true });
  const gone = await listener.ask('DELETE', `/api/links/${link.name}`);
  assert.deepEqual([gone.status, gone.json.code], [404, 'link_not_found']);
});

for (const [what, path, make] of [
  ['tokens', '/api/tokens', () => addToken(admin, 'play')],
  ['links', '/api/links', () => addLink(admin, recording)],
]) {
  test(`${what} go on behind a page, each once`, async () => {
    const { name } = await make();
    copy(kindOf(name), 2 * PAGE);
    const { rows, sizes } = await pages(path, what, 'before');
    assert.deepEqual(sizes.slice(0, 2), [PAGE, PAGE]);
    assert.ok(rows.length > 2 * PAGE);
    assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
    for (const before of ['0', '-1', 'x', '', '9223372036854775808', '1.5']) {
      const reply = await admin.ask('GET', `${path}?before=${before}`);
      assert.deepEqual([reply.status, reply.json.code], [400, 'bad_request'], before);
    }
    assert.equal((await list(`${path}?before=9223372036854775807`))[what].length, PAGE, 'the largest that is a number of a row');
  });
}

test('a page of exactly so many rows is followed by an empty one', async () => {
  sql('DELETE FROM credentials WHERE kind = 3');
  const { name } = await addToken(admin, 'play');
  copy(kindOf(name), PAGE - 1);
  const first = await list('/api/tokens');
  assert.equal(first.tokens.length, PAGE);
  const second = await list(`/api/tokens?before=${first.next}`);
  assert.deepEqual([second.tokens, second.next], [[], null]);
});

test('users are in the order of their names, a page behind the other', async () => {
  sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${2 * USERS_PAGE})
    INSERT INTO users (id, source, name, role, is_disabled, made_at_ms, changed_seq) SELECT 500000 + i, 0, printf('many%03d', i), 0, 0, 1, 1 FROM n`);
  const { rows, sizes } = await pages('/api/users', 'users', 'after');
  assert.deepEqual(sizes.slice(0, 2), [USERS_PAGE, USERS_PAGE]);
  const names = rows.map(({ name }) => name);
  assert.deepEqual(names, [...names].sort());
  assert.ok(names.includes('ruth') && names.includes('many200'));
  assert.equal(new Set(names).size, names.length);
});

/* ---- the audit ---- */

const audit = (query) => list(`/api/audit?${query}`);

test('the audit is told newest first, a page behind the other, in one order', async () => {
  for (let i = 0; i < AUDIT_PAGE / 2 + 5; i++) {
    const { name } = await addToken(admin, 'play');
    await admin.asks(200, 'DELETE', `/api/tokens/${name}`);
  }
  const { rows, sizes } = await pages('/api/audit', 'entries', 'before');
  assert.equal(sizes[0], AUDIT_PAGE);
  const places = rows.map(({ chain, seq }) => `${chain}.${seq}`);
  assert.equal(new Set(places).size, places.length);
  const times = rows.map(({ at }) => Date.parse(at));
  assert.deepEqual(times, [...times].sort((a, b) => b - a));
  for (const before of ['', '1', '1.2', '1.2.x', 'x.1.2', '1.x.2', '1.2.3.4']) {
    assert.equal((await admin.ask('GET', `/api/audit?before=${before}`)).status, 400, before);
  }
});

test('the audit is asked by kind, by user, by recording and by time', async () => {
  const tal = await addPerson(admin, 'tal', 'admin');
  const link = await addLink(tal, recording);
  const [entry] = (await audit('kind=link_made')).entries;
  assert.deepEqual([entry.kind, entry.user, entry.recording_sid, entry.credential], ['link_made', 'tal', recording.recordingSid, tal.cookies.callspool.slice(0, 8)]);
  assert.deepEqual([entry.address, entry.for], [tal.address, '']);
  const body = JSON.parse(entry.body);
  assert.equal(body.name, link.name);
  aboutNow(entry.at, 'at');
  for (const user of ['tal', 'ruth']) {
    const { entries } = await audit(`user=${user}`);
    assert.ok(entries.length > 0 && entries.every((row) => row.user === user), user);
  }
  assert.equal((await admin.ask('GET', '/api/audit?user=nobody')).status, 404);
  const ofRecording = (await audit(`recording=${recording.recordingSid}`)).entries;
  assert.ok(ofRecording.length > 0 && ofRecording.every((row) => row.recording_sid === recording.recordingSid));
  assert.deepEqual((await audit(`recording=${newSid('RE')}`)).entries, []);
  const kinds = (await audit('kind=user_added&user=ruth')).entries;
  assert.ok(kinds.length > 0 && kinds.every((row) => row.kind === 'user_added' && row.user === 'ruth'), 'both at once');
  const at = Date.parse(entry.at);
  const iso = (ms) => encodeURIComponent(new Date(ms).toISOString());
  assert.ok((await audit(`since=${iso(at)}&kind=link_made`)).entries.some(({ seq }) => seq === entry.seq));
  assert.ok(!(await audit(`since=${iso(at + 1000)}&kind=link_made`)).entries.some(({ seq }) => seq === entry.seq));
  assert.ok((await audit(`until=${iso(at + 1000)}&kind=link_made`)).entries.some(({ seq }) => seq === entry.seq));
  assert.ok(!(await audit(`until=${iso(at - 1000)}&kind=link_made`)).entries.some(({ seq }) => seq === entry.seq));
  const wrong = ['kin=link_made', 'recording=RE12', `recording=${recording.callSid}`, 'since=yesterday', 'until=soon', `kind=${'k'.repeat(200)}`, `user=${'u'.repeat(200)}`, 'kind=%zz'];
  for (const query of wrong) {
    const reply = await admin.ask('GET', `/api/audit?${query}`);
    assert.deepEqual([reply.status, reply.json.code], [400, 'bad_request'], query);
  }
});

test('what is done for somebody else says so, of a token alone', async () => {
  const token = await addToken(admin, 'link');
  await addLink(Object.assign(token, { headers: { 'Callspool-For': 'agent 7' } }), recording);
  assert.equal((await audit('kind=link_made')).entries[0].for, 'agent 7');
  const person = Object.assign(await addPerson(admin, 'lior'), { headers: { 'Callspool-For': 'somebody' } });
  await addLink(person, recording);
  assert.equal((await audit('kind=link_made')).entries[0].for, '', 'a browser acts for its own user');
});

test('a play is an entry when it begins and one when it ends, with what was sent; what is saved is told as that', async () => {
  const person = await addPerson(admin, 'shira');
  const { mediaPath, bytes, recordingSid } = recording;
  await person.asks(206, 'GET', mediaPath, { headers: { Range: 'bytes=0-99' } });
  const began = await until('the play is told', async () => (await audit('kind=play_began&user=shira')).entries[0]);
  assert.deepEqual([began.recording_sid, began.credential, began.address, began.body], [recordingSid, person.cookies.callspool.slice(0, 8), person.address, '{}']);
  await person.asks(304, 'GET', mediaPath, { headers: { 'If-None-Match': '*' } });
  const saver = await addPerson(admin, 'gal');
  await saver.asks(200, 'GET', `${mediaPath}?download=1`);
  const saved = await until('the download is told', async () => (await audit('kind=downloaded&user=gal')).entries[0]);
  const { requests, sent_bytes: sent } = JSON.parse(saved.body);
  assert.deepEqual([requests, sent, saved.recording_sid], [1, bytes.length, recordingSid]);
  assert.deepEqual((await audit('kind=play_began&user=gal')).entries, []);
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  const ended = sql("SELECT body FROM audit WHERE kind = 'play_ended' AND user_name = 'shira'").split('\n').map((body) => JSON.parse(body));
  assert.ok(ended.length >= 1 && ended.length <= 2, 'one a loop at most');
  assert.equal(ended.reduce((sum, body) => sum + body.sent_bytes, 0), 100);
});
