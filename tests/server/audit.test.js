// The audit: what was acknowledged is in it, whatever happens, and what somebody does to it is found.  And what was
// revoked is over, on every loop, at once.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { callspool } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { Caller, addLink, addToken, firstAdministrator, newAddress, startWithPeople } from './harness/people.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const sql = (dataDir, statement) => execFileSync('sqlite3', [join(dataDir, 'ledger.db'), '.timeout 5000', statement], { encoding: 'utf8' }).trim();
const verify = (dataDir) => callspool(['verify', '--audit', '--set', `data_dir=${dataDir}`]);
const REVOKED_WITHIN_MS = 1000;

test('what is revoked is refused by every loop within a second, under load', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'play');
  const link = await addLink(admin, recording);
  const person = await (async () => {
    const { json } = await admin.asks(200, 'POST', '/api/users', { json: { name: 'dana' } });
    const guest = new Caller(server);
    await guest.asks(200, 'POST', '/join', { json: { invitation: json.url.split('#')[1], password: 'correct horse battery 7' } });
    await guest.signIn('dana', 'correct horse battery 7');
    return guest;
  })();
  const credentials = [
    { name: 'a token', ask: (caller, options) => caller.ask('GET', recording.mediaPath, options), shown: { bearer: token.bearer }, over: 401, revoke: () => admin.asks(200, 'DELETE', `/api/tokens/${token.name}`) },
    { name: 'a link', ask: (caller, options) => caller.ask('GET', link.mediaPath, options), shown: {}, over: 404, revoke: () => admin.asks(200, 'DELETE', `/api/links/${link.name}`) },
    { name: 'a session', ask: (caller, options) => caller.ask('GET', recording.mediaPath, options), shown: { cookies: { callspool: person.cookies.callspool } }, over: 401, revoke: () => admin.asks(200, 'DELETE', '/api/users/dana/sessions') },
  ];
  await Promise.all(credentials.map(async ({ name, ask, shown, over, revoke }) => {
    const seen = [];
    let goesOn = true;
    // Half of them over a connection that stays open, on which they were let in before; the others over a new one each time.
    const loads = Array.from({ length: 8 }, async (_, i) => {
      const agent = i % 2 ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
      while (goesOn) {
        const askedAt = performance.now();
        const { status } = await ask(new Caller(server, { ...shown, address: newAddress() }), { agent });
        seen.push({ askedAt, status, isKept: i % 2 === 1 });
      }
      agent?.destroy();
    });
    await ask(new Caller(server, shown));
    while (seen.length < 50) await ask(new Caller(server, shown));
    await revoke();
    const revokedAt = performance.now();
    const before = seen.length;
    while (performance.now() < revokedAt + REVOKED_WITHIN_MS || seen.length < before + 50) await ask(new Caller(server, { ...shown, address: newAddress() }));
    goesOn = false;
    await Promise.all(loads);
    for (const isKept of [false, true]) assert.ok(seen.some((one) => one.status === 200 && one.isKept === isKept), `${name} played before`);
    const late = seen.filter(({ askedAt, status }) => askedAt > revokedAt + REVOKED_WITHIN_MS && status !== over);
    assert.deepEqual(late, [], `${name} is over`);
    assert.ok(seen.some(({ status }) => status === over), `${name} was refused`);
  }));
});

test('an entry names the session or the token by which it was done', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'play,link');
  await new Caller(server, { bearer: token.bearer }).asks(200, 'POST', '/api/links', { json: { recording_sid: recording.recordingSid } });
  const newest = async (kind) => (await admin.asks(200, 'GET', `/api/audit?kind=${kind}`)).json.entries[0];
  assert.equal((await newest('link_made')).credential, token.name);
  assert.equal((await newest('token_made')).credential, admin.cookies.callspool.slice(0, 8));
  await admin.asks(200, 'GET', '/api/purge');
  await admin.asks(200, 'POST', '/api/purge', { json: {} });
  const { user, credential, body } = await newest('purge_asked');
  assert.deepEqual([user, credential, JSON.parse(body)], [admin.name ?? user, admin.cookies.callspool.slice(0, 8), { removed: 0, bytes: 0, failed: 0, failure: null }]);
  assert.equal((await admin.asks(200, 'GET', '/api/audit?kind=purge_asked')).json.entries.length, 1, 'who only looks at what is due leaves none');
});

test('what is saved is an entry, whatever was played a moment ago', async (t) => {
  const { server, recordings } = await startWithPeople(t, { count: 3, settings: { threads: 1 } });
  const admin = await firstAdministrator(server);
  const [recording, other, last] = recordings;
  const link = await addLink(admin, recording, { plays: 1 });
  const guest = new Caller(server);
  await admin.asks(200, 'GET', recording.mediaPath);
  await admin.asks(204, 'POST', `/api/recordings/${recording.recordingSid}/heard`, { json: { ranges: [[0, 0.5]] } });
  await admin.asks(200, 'GET', `${recording.mediaPath}?download=1`);
  await guest.asks(200, 'GET', link.mediaPath);
  await guest.asks(200, 'GET', `${link.mediaPath}?x=1&download=1`);
  for (const query of ['download=10', 'xdownload=1', 'download=0']) await admin.asks(200, 'GET', `${other.mediaPath}?${query}`);
  await admin.asks(200, 'GET', last.mediaPath);
  const entries = async () => (await admin.asks(200, 'GET', '/api/audit')).json.entries.reverse();
  const told = (await until('the last play is told', async () => {
    const all = await entries();
    return all.some(({ recording_sid: sid, kind }) => sid === last.recordingSid && kind === 'play_began') && all;
  })).filter(({ kind }) => /^(play_|downloaded)/.test(kind));
  const by = admin.cookies.callspool.slice(0, 8);
  assert.deepEqual(told.map(({ kind, recording_sid: sid, credential }) => [kind, sid, credential]), [
    ['play_began', recording.recordingSid, by], ['downloaded', recording.recordingSid, by],
    ['play_began', recording.recordingSid, link.name], ['downloaded', recording.recordingSid, link.name],
    ['play_began', other.recordingSid, by], ['play_began', last.recordingSid, by],
  ]);
  assert.deepEqual(told.filter(({ kind }) => kind === 'downloaded').map(({ body }) => JSON.parse(body)).map(({ requests, sent_bytes: sent, heard }) => [requests, sent, heard]),
    [[1, recording.bytes.length, undefined], [1, recording.bytes.length, undefined]]);
  const { json } = await admin.asks(200, 'GET', '/api/links');
  assert.equal(json.links.find(({ name }) => name === link.name).plays, 1, 'who saves what they play uses no other play up');
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  const ended = sql(server.dataDir, `SELECT body FROM audit WHERE kind = 'play_ended' AND recording_sid = '${recording.recordingSid}'`).split('\n').map((body) => JSON.parse(body));
  assert.deepEqual(ended.map(({ requests, sent_bytes: sent }) => [requests, sent]), Array(4).fill([1, recording.bytes.length]));
  assert.equal(ended.filter(({ heard }) => heard).length, 1, 'what was heard is told with what was played');
});

test('an answer without sound is no play, and no part of one', async (t) => {
  const { server, upstream, recordings } = await startWithPeople(t, { count: 2, settings: { threads: 1, play_wait: '200ms', 'fetch.stall_timeout': '10m' } });
  const admin = await firstAdministrator(server);
  const [recording, last] = recordings;
  const coming = { callSid: newSid('CA'), recordingSid: newSid('RE') };
  const gate = new Gate(audio({ seconds: 1 }));
  upstream.recordings.set(coming.recordingSid, { callSid: coming.callSid, answer: gate.answer });
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: coming.callSid, RecordingSid: coming.recordingSid }))).status, 200);
  await until('the flight has asked', () => gate.requests > 0);
  await admin.asks(503, 'GET', `/api/recordings/${coming.recordingSid}/media`);
  await admin.asks(416, 'GET', recording.mediaPath, { headers: { Range: 'bytes=99999999-' } });
  await admin.asks(412, 'GET', recording.mediaPath, { headers: { 'If-Match': '"another"' } });
  await admin.asks(206, 'GET', last.mediaPath, { headers: { Range: 'bytes=0-9' } });
  await admin.asks(416, 'GET', last.mediaPath, { headers: { Range: 'bytes=99999999-' } });
  await admin.asks(200, 'GET', last.mediaPath);
  gate.open();
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  const told = sql(server.dataDir, "SELECT kind || ' ' || recording_sid || ' ' || body FROM audit WHERE kind LIKE 'play_%' ORDER BY seq").split('\n');
  assert.deepEqual(told.map((line) => line.split(' ', 2)), [['play_began', last.recordingSid], ['play_ended', last.recordingSid]], told.join('\n'));
  const { requests, sent_bytes: sent } = JSON.parse(told[1].split(' ').slice(2).join(' '));
  assert.deepEqual([requests, sent], [2, 10 + last.bytes.length]);
});

test('kill -9 loses no entry of what was acknowledged', async (t) => {
  const { server } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const made = [];
  let goesOn = true;
  const load = Array.from({ length: 4 }, async () => {
    while (goesOn) {
      try {
        made.push((await addToken(admin, 'play')).name);
      } catch {
        return; // it was killed
      }
    }
  });
  while (made.length < 30) await new Promise((resolve) => { setImmediate(resolve); });
  await server.kill();
  goesOn = false;
  await Promise.all(load);
  const bodies = sql(server.dataDir, "SELECT body FROM audit WHERE kind = 'token_made'").split('\n').map((line) => JSON.parse(line).name);
  for (const name of made) assert.ok(bodies.includes(name), `${name} was acknowledged`);
  const { code, stdout, stderr } = await verify(server.dataDir);
  assert.equal(code, 0, stdout + stderr);
});

const TAMPERINGS = {
  edited: "UPDATE audit SET user_name = 'somebody' WHERE kind = 'token_made' AND seq = (SELECT MIN(seq) FROM audit WHERE kind = 'token_made')",
  deleted: "DELETE FROM audit WHERE kind = 'token_made' AND seq = (SELECT MIN(seq) FROM audit WHERE kind = 'token_made')",
  'moved to another place': "UPDATE audit SET body = (SELECT body FROM audit WHERE kind = 'user_added' LIMIT 1) WHERE kind = 'token_made' AND seq = (SELECT MIN(seq) FROM audit WHERE kind = 'token_made')",
  'cut at the beginning': 'DELETE FROM audit WHERE seq < 3',
};
for (const [how, statement] of Object.entries(TAMPERINGS)) {
  test(`an audit that was ${how} is found to be broken`, async (t) => {
    const { server } = await startWithPeople(t);
    const admin = await firstAdministrator(server);
    await admin.asks(200, 'POST', '/api/users', { json: { name: 'dana' } });
    for (let i = 0; i < 3; i++) await addToken(admin, 'play');
    await server.finish();
    server.finished = { code: 0, signal: null };
    const whole = await verify(server.dataDir);
    assert.equal(whole.code, 0, whole.stdout + whole.stderr);
    sql(server.dataDir, statement);
    const broken = await verify(server.dataDir);
    assert.notEqual(broken.code, 0, `${broken.stdout}${broken.stderr}`);
    assert.match(broken.stdout + broken.stderr, /chain|entry|audit/i);
  });
}
