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
