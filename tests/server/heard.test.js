// What a player reports as heard, and what the audit makes of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from './harness/callspool.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { Caller, SIGN_IN, addLink, addPerson, firstAdministrator, startWithPeople } from './harness/people.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

const path = (sid) => `/api/recordings/${sid}/heard`;
const report = (server, sid, ranges, more = {}) => request(server.url + path(sid), {
  method: 'POST', body: JSON.stringify({ ranges }), headers: { 'Content-Type': 'application/json' }, ...more,
});

/** Ends what is open by a restart: { kind, recording_sid, body } of the plays, oldest first. */
async function playsOf(t, { server, upstream, settings, admin }) {
  await server.finish();
  const next = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings });
  const { entries } = (await new Caller(next, { cookies: admin?.cookies }).asks(200, 'GET', '/api/audit')).json;
  return entries.filter(({ kind }) => /^(play_|heard|downloaded)/.test(kind)).reverse()
    .map(({ kind, recording_sid: sid, user, credential, body }) => ({ kind, sid, user, credential, ...JSON.parse(body || '{}') }));
}

test('what was heard is told with the play that was sent', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { threads: 1 } });
  assert.equal((await request(server.url + recording.mediaPath)).status, 200);
  for (const ranges of [[[0, 1.5]], [], [[3, 4.25], [1.5, 2.5]], [[4, 4]]]) {
    const { status, body } = await report(server, recording.recordingSid, ranges);
    assert.deepEqual([status, body.length], [204, 0]);
  }
  await until('it is told that the play began', async () => (await requestJson(`${server.url}/api/audit?kind=play_began`)).json.entries.length === 1);
  const plays = await playsOf(t, { server, upstream });
  assert.deepEqual(plays.map(({ kind, sid }) => [kind, sid]), [['play_began', recording.recordingSid], ['play_ended', recording.recordingSid]]);
  assert.deepEqual([plays[0].heard, plays[1].heard, plays[1].listened, plays[1].requests], [undefined, [[0, 2.5], [3, 4.25]], 3.75, 1]);
});

test('a report that comes alone is told as well, though nobody waits for the answer', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { threads: 1 } });
  const body = JSON.stringify({ ranges: [[0, 5]] });
  const beacon = await RawConnection.open(server.url);
  beacon.send(`POST ${path(recording.recordingSid)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  beacon.socket.destroySoon();
  await beacon.closed;
  const plays = await playsOf(t, { server, upstream });
  assert.deepEqual(plays.map(({ kind, sid, heard, listened }) => [kind, sid, heard, listened]), [['heard', recording.recordingSid, [[0, 5]], 5]]);
});

test('what is no report is refused, and nothing is told of it', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { threads: 1 } });
  const sid = recording.recordingSid;
  for (const ranges of [undefined, 7, [1, 2], [[1]], [[1, 2, 3]], [[2, 1]], [[-1, 2]], [['0', '1']], [[0, 1e9]], [[null, 1]], Array(201).fill([0, 1])]) {
    const { status, body } = await report(server, sid, ranges);
    assert.deepEqual([status, JSON.parse(body).code], [400, 'bad_request'], JSON.stringify(ranges));
  }
  assert.equal((await report(server, newSid('RE'), [[0, 1]])).status, 404);
  assert.equal((await report(server, 'RE1', [[0, 1]])).status, 400);
  assert.equal((await report(server, sid, [[0, 1]], { headers: { 'Content-Type': 'text/plain' } })).status, 415);
  assert.equal((await report(server, sid, Array(200).fill([0, 1]))).status, 204);
  const plays = await playsOf(t, { server, upstream });
  assert.deepEqual(plays.map(({ kind, heard, listened }) => [kind, heard, listened]), [['heard', [[0, 1]], 200]]);
});

test('whoever only says to have heard it is not let in by that', async (t) => {
  const { server, upstream, recordings } = await startWithPeople(t, { count: 2, settings: { play_limit: 1, threads: 1 } });
  const admin = await firstAdministrator(server);
  const listener = await addPerson(admin, 'dana');
  const [first, second] = recordings;
  for (const { recordingSid } of recordings) await listener.asks(204, 'POST', path(recordingSid), { json: { ranges: [[0, 0.5]] } });
  await listener.asks(200, 'GET', first.mediaPath);
  await listener.asks(429, 'GET', second.mediaPath);

  const link = await addLink(admin, second);
  const visitor = new Caller(server);
  assert.equal((await visitor.ask('POST', `/l/${link.name}/heard`, { json: { ranges: [[0, 1]] } })).json.code, 'link_not_found');
  await visitor.asks(200, 'POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
  await visitor.asks(204, 'POST', `/l/${link.name}/heard`, { json: { ranges: [[0, 0.75]] } });
  assert.equal((await visitor.ask('POST', `/l/${link.name}/heard`, { json: { ranges: [[0, 1]] }, headers: { Origin: 'https://elsewhere.test' } })).status, 403);

  const plays = await playsOf(t, { server, upstream, settings: SIGN_IN, admin });
  const of = (wanted) => plays.filter(({ kind }) => kind === wanted);
  assert.deepEqual(of('play_began').map(({ sid, user }) => [sid, user]), [[first.recordingSid, 'dana']]);
  assert.deepEqual(of('play_ended').map(({ sid, heard }) => [sid, heard]), [[first.recordingSid, [[0, 0.5]]]]);
  assert.deepEqual(of('heard').map(({ sid, user, heard }) => [sid, user, heard]).sort(),
    [[second.recordingSid, '', [[0, 0.75]]], [second.recordingSid, 'dana', [[0, 0.5]]]].sort());
});
