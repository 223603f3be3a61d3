// Links: whose they are, and what the log has of them.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Caller, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';

const sql = (server, statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement], { encoding: 'utf8' }).trim();

test('a token that no user stands behind sees the links of such tokens alone', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'link,play');
  await addLink(admin, recording);
  sql(server, `UPDATE credentials SET user_id = NULL, made_by = NULL WHERE name = '${token.name}'`); // as a command makes it
  assert.deepEqual((await token.asks(200, 'GET', '/api/links')).json.links, []);
  const own = await addLink(token, recording);
  assert.deepEqual((await token.asks(200, 'GET', '/api/links')).json.links.map(({ name }) => name), [own.name]);
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
