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
