// tests/server/harness/sql_client.js answers what psql prints, and fails where psql fails.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startPostgres } from '../server/harness/postgres.js';
import { run } from '../server/harness/process.js';
import { until } from '../server/harness/until.js';

const QUERIES = ["SELECT 1, NULL, true, 'ä|x', ARRAY[1,2], 1.5, ''", 'SELECT NULL', 'SELECT 1; SELECT 2, 3', 'SELECT 1 WHERE false', 'SELECT generate_series(1, 3)',
  "DO $$ BEGIN RAISE NOTICE 'held'; END $$", 'SET search_path TO b; SELECT current_schema(), 5', ''];

test('it answers what psql prints', async (t) => {
  const postgres = await startPostgres(t);
  for (const sql of QUERIES) {
    const { code, stdout, stderr } = await run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql, postgres.url]);
    assert.equal(code, 0, stderr);
    assert.equal(await postgres.query(sql), stdout.trim(), sql);
  }
  await assert.rejects(postgres.query('CREATE TABLE a (x int); SELECT nothing FROM nowhere'), /ERROR: {2}relation "nowhere" does not exist/);
  assert.equal(await postgres.query("SELECT to_regclass('a')"), '', 'several are one transaction');
  await assert.rejects(postgres.queryIn('nowhere', 'SELECT 1'), /FATAL: {2}database "nowhere" does not exist/);
  const cut = assert.rejects(postgres.query("SELECT pg_sleep(60), 'held'"), /terminating connection/);
  await until('it is ended', async () => await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%held%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()") === 't');
  await cut;
  await postgres.stop('SIGQUIT');
  await assert.rejects(postgres.query('SELECT 1'), /ECONNREFUSED|ENOENT/);
});
