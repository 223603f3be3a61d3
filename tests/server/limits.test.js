// What somebody may do too often, and what the audit says of whom it stops.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from './harness/callspool.js';
import { lifetime } from './harness/lifetime.js';
import { newSid } from './harness/webhook.js';
import { until } from './harness/until.js';
import { Caller, SIGN_IN, addLink, addPerson, addToken, firstAdministrator, newAddress, startWithPeople } from './harness/people.js';

let world;

before(async () => {
  const started = await startWithPeople(lifetime, { count: 3, settings: { play_limit: '2' } });
  world = { ...started, began: Date.now(), admin: await firstAdministrator(started.server) };
});

/** The entries of that kind once there is one that is wanted. */
async function entriesOf(kind, wanted) {
  return until(`the audit has ${kind}`, async () => {
    const { entries } = (await world.admin.asks(200, 'GET', `/api/audit?kind=${kind}`)).json;
    return entries.some(wanted) && entries.filter(wanted);
  });
}

test('play_limit counts recordings, not plays', async () => {
  const { admin, recordings: [one, two, three] } = world;
  const person = await addPerson(admin, 'dana');
  const token = await addToken(admin, 'play');
  for (let i = 0; i < 8; i++) await person.asks(200, 'GET', one.mediaPath); // on each loop
  await person.asks(200, 'GET', two.downloadPath);
  await person.asks(200, 'GET', one.mediaPath);
  for (let i = 0; i < 3; i++) {
    const over = await person.asks(429, 'GET', three.mediaPath);
    assert.equal(over.json.code, 'rate_limited');
    assert.ok(Number(over.headers['retry-after']) > 60, over.headers['retry-after']);
  }
  for (let i = 0; i < 8; i++) await person.asks(206, 'GET', two.mediaPath, { headers: { Range: 'bytes=0-9' } });
  await token.asks(200, 'GET', three.mediaPath); // another user's
  const link = await addLink(admin, three);
  await new Caller(world.server).asks(200, 'GET', link.mediaPath);
  const [entry] = await entriesOf('throttled', ({ user }) => user === 'dana');
  assert.match(entry.body, /"limit":"plays","route":"\/api\/recordings\/\{\}\/media"/);
  assert.equal(entry.credential, person.cookies.callspool.slice(0, 8));
  await world.server.line(/level=warn .*\d requests came too often and were answered 429, the last over the limit of plays/);
});

test('who asks for SIDs that are not there is throttled, and goes on with those that are', async () => {
  const { server, admin, recording } = world;
  const token = await addToken(admin, 'read,play,link');
  const statuses = [];
  for (let i = 0; i < 90; i++) statuses.push((await token.ask('GET', `/api/calls/${newSid('CA')}`)).status);
  assert.deepEqual(new Set(statuses.slice(0, 60)), new Set([404]));
  assert.ok(statuses.slice(60).includes(429), String(statuses));
  const over = await until('the credential is over its limit', async () => {
    const reply = await token.ask('GET', `/api/calls/${newSid('CA')}`);
    return reply.status === 429 && reply;
  });
  assert.ok(Number(over.headers['retry-after']) >= 1);
  await token.asks(200, 'GET', `/api/calls/${recording.callSid}`);
  await token.asks(200, 'GET', recording.mediaPath);
  await admin.asks(404, 'GET', `/api/calls/${newSid('CA')}`);
  await new Caller(server, { bearer: (await addToken(admin, 'read')).bearer }).asks(404, 'GET', `/api/calls/${newSid('CA')}`);
  const seen = []; // media, links: one bucket; Twilio is not asked
  for (let i = 0; i < 6; i++) seen.push((await token.ask('GET', `/api/recordings/${newSid('RE')}/media`)).status, (await token.ask('POST', '/api/links', { json: { recording_sid: newSid('RE') } })).status);
  assert.ok(seen.filter((status) => status === 429).length >= 6, String(seen));
  const [entry] = await entriesOf('throttled', ({ credential }) => credential === token.name);
  assert.match(entry.body, /"limit":"unknown SIDs"/);
});

test('who may not is told to the audit: once at once, not once a request', async () => {
  const { server, admin } = world;
  const person = await addPerson(admin, 'noa');
  const name = person.cookies.callspool.slice(0, 8);
  for (let i = 0; i < 40; i++) await person.asks(403, 'GET', '/api/users');
  const entries = await entriesOf('refused', ({ credential }) => credential === name);
  assert.equal(entries.length, 1);
  assert.equal(entries[0].user, 'noa');
  const body = JSON.parse(entries[0].body);
  assert.deepEqual({ ...body, count: 0 }, { code: 'forbidden', route: '/api/users', count: 0 });
  assert.ok(body.count >= 1 && body.count <= 40);
  const foreign = await addPerson(admin, 'gil');
  await foreign.asks(403, 'GET', '/api/calls', { headers: { Origin: 'https://elsewhere.test' } });
  const [told] = await entriesOf('refused', ({ user }) => user === 'gil');
  assert.equal(JSON.parse(told.body).code, 'foreign_origin');
  const address = newAddress();
  await new Caller(server, { address }).ask('POST', '/api/session', { json: { name: 'gil', password: 'x' }, headers: { Origin: 'https://elsewhere.test' } });
  await entriesOf('refused', ({ address: from }) => from === address);
});

test('who tries too often is told to the audit, with the account or the network', async () => {
  const { server } = world;
  for (let i = 0; i < 13; i++) await new Caller(server).signIn('nobody.has.it', 'a guess of somebody');
  const [account] = await entriesOf('throttled', ({ body }) => JSON.parse(body).name === 'nobody.has.it');
  assert.equal(JSON.parse(account.body).limit, 'sign-ins to an account');
  const address = newAddress();
  for (let i = 0; i < 24; i++) await new Caller(server, { address }).signIn(`net${i}`, 'a guess of somebody');
  const [network] = await entriesOf('throttled', ({ address: from }) => from === address);
  assert.equal(JSON.parse(network.body).limit, 'sign-ins of a network');
  const guesser = newAddress();
  for (let i = 0; i < 40; i++) await new Caller(server, { bearer: `csp_${String(i).padStart(8, 'y')}${'A'.repeat(24)}`, address: guesser }).ask('GET', '/api/calls');
  const [unknown] = await entriesOf('throttled', ({ address: from }) => from === guesser);
  assert.equal(JSON.parse(unknown.body).limit, 'unknown credentials');
  const lines = server.err.filter((line) => /came too often/.test(line));
  assert.ok(lines.length <= 1 + (Date.now() - world.began) / 60_000, `one line a minute: ${lines.join('\n')}`);
});

test('what was refused last is written when the server stops', async (t) => {
  const { server } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const person = await addPerson(admin, 'dana');
  await person.asks(403, 'GET', '/api/users');
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };

  const again = await startServer(t, { dataDir: server.dataDir, settings: SIGN_IN });
  const { entries } = (await new Caller(again, { cookies: admin.cookies }).asks(200, 'GET', '/api/audit?kind=refused')).json;
  assert.equal(entries.length, 1);
});
