// A PostgreSQL of a test's own, by tests/tools/postgres, that can be stopped, killed and held while others use it.
import { chmodSync } from 'node:fs';
import { Program, run, temporaryFolder } from './process.js';
import { querySql } from './sql_client.js';
import { until } from './until.js';
import { atEnd } from './lifetime.js';

const TOOL = new URL('../../tools/postgres', import.meta.url).pathname;

/** { url, start(), stop(), query(sql), queryIn(database, sql) }; it runs already. */
export async function startPostgres(t) {
  const folder = temporaryFolder(t, 'pg');
  chmodSync(folder, 0o755); // whom it runs as may not be whom we run as
  const made = await run(TOOL, ['init', folder], { withinMs: 180_000 }); // a second on a machine that has nothing else to do
  if (made.code !== 0) throw new Error(`${TOOL}: ${made.stderr}`);
  const url = (await run(TOOL, ['url', folder])).stdout.trim();
  const postgres = { url, folder, program: null };
  postgres.query = (sql) => postgres.queryIn('postgres', sql);
  /** In another database of it. */
  postgres.queryIn = async (database, sql) => {
    try {
      return await querySql({ folder, user: 'callspool', database }, sql);
    } catch (error) {
      throw new Error(`PostgreSQL: ${error.message}${postgres.program?.said}`, { cause: error });
    }
  };
  postgres.start = async () => {
    postgres.program = new Program(TOOL, ['serve', folder]);
    await until('PostgreSQL answers', () => postgres.query('SELECT 1'));
  };
  /** SIGINT: sessions are ended, all is written; SIGQUIT: at once, as after a crash. */
  postgres.stop = (signal = 'SIGINT') => postgres.program.stop(signal);
  atEnd(t, () => postgres.stop('SIGQUIT'));
  await postgres.start();
  return postgres;
}
