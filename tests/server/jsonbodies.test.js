// Members of a JSON body that are of another type than asked: refused by name, and never taken as if they were not there.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import { lifetime } from './harness/lifetime.js';
import { addPerson, firstAdministrator, startWithPeople } from './harness/people.js';

let world;

before(async () => {
  const { server, recording } = await startWithPeople(lifetime);
  const admin = await firstAdministrator(server);
  await addPerson(admin, 'dana');
  world = { server, admin, recordingSid: recording.recordingSid };
});

/** What is for the machine's own administrator is asked over the socket in the data folder. */
const askLocally = (path, json) => new Promise((resolve, reject) => {
  const call = http.request({ socketPath: join(world.server.dataDir, 'admin.sock'), method: 'POST', path, headers: { 'Content-Type': 'application/json' } }, async (reply) => {
    const chunks = await reply.toArray();
    resolve({ status: reply.statusCode, json: JSON.parse(Buffer.concat(chunks).toString()) });
  });
  call.on('error', reject);
  call.end(JSON.stringify(json));
});

/** [what it is, path, body, how it is refused, whether it is for the socket] */
const refused = [
  ['the note of a token', '/api/tokens', { rights: 'play', note: 5 }, 'note is a text.'],
  ['the rights of a token', '/api/tokens', { rights: ['play'] }, 'rights is a text.'],
  ['the end of a token', '/api/tokens', { rights: 'play', expires_in: 90 }, 'A duration is written as 30m, 12h or 7d.'],
  ['the role of a new user', '/api/users', { name: 'kim', role: 1 }, 'role is a text.'],
  ['the full name of a new user', '/api/users', { name: 'kim', full_name: true }, 'full_name is a text.'],
  ['the role of a user, beside a name', '/api/users/dana', { name: 'robin', role: 1 }, 'role is a text.'],
  ['whether a user is disabled, beside a role', '/api/users/dana', { role: 'admin', disabled: 'yes' }, 'disabled is true or false.'],
  ['whether the clock is right', '/api/purge', { trust_clock: 'yes' }, 'trust_clock is true or false.'],
  ['whether the holds are', '/api/purge', { resume: 1 }, 'resume is true or false.'],
  ['whether faults are mended', '/api/verifications', { mend: 'no' }, 'mend is true or false.'],
  ['the reason of a hold', '/api/recordings/{}/hold', { reason: 5 }, 'reason is a line of text of at most 300 bytes.'],
  ['the call of a file', '/api/recordings/{}/adopt', { staged: 1, recorded_at: '2026-01-31T00:00:00Z', call_sid: 5 }, 'call_sid is a text.'],
  ['the binary of an upgrade', '/api/upgrade', { binary: ['/usr/bin/callspool'] }, 'binary is a text.', true],
  ['the recording of a probe', '/api/probes', { recording_sid: 5 }, 'recording_sid is a text.', true],
  ['the database of a move', '/api/migration', { to: 5, store: 's3://media/callspool' }, 'to is a text.', true],
  ['the bucket of a move', '/api/migration', { to: 'postgresql://127.0.0.1:1/none', store: true }, 'store is a text.', true],
  ['whether a move reads back', '/api/migration', { to: 'postgresql://127.0.0.1:1/none', verify: 'yes' }, 'verify is true or false.', true],
];
for (const [name, path, json, says, isLocal] of refused) {
  test(`of another type: ${name}`, async () => {
    const at = path.replace('{}', world.recordingSid);
    const reply = await (isLocal ? askLocally(at, json) : world.admin.ask('POST', at, { json }));
    assert.deepEqual([reply.status, reply.json.code, reply.json.error], [400, 'bad_request', says]);
  });
}

test('what was refused has changed nothing', async () => {
  const { users } = (await world.admin.asks(200, 'GET', '/api/users')).json;
  assert.deepEqual(users.map(({ name, role, disabled }) => [name, role, disabled]), [['dana', 'listener', false], ['ruth', 'admin', false]]);
  assert.deepEqual((await world.admin.asks(200, 'GET', '/api/tokens')).json.tokens, []);
});
