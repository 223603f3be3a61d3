// Several callspools on one ledger, each with a data folder of its own and one folder of recordings between them.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from './callspool.js';
import { temporaryFolder } from './process.js';
import { startUpstream } from './upstream.js';

/** { serve(name, options), upstream, database, query(sql) }: a ledger of its own, in a schema of that PostgreSQL. */
let ledgers = 0;
export async function startLedger(t, postgres) {
  ledgers += 1;
  const schema = `c${ledgers}`;
  await postgres.query(`CREATE SCHEMA ${schema}`);
  const upstream = await startUpstream(t);
  const folder = temporaryFolder(t);
  const database = `${postgres.url}&options=-csearch_path%3D${schema}`;
  mkdirSync(join(folder, 'recordings'));
  const serve = (name, options = {}) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir, { recursive: true });
    try { symlinkSync('../recordings', join(dataDir, 'recordings')); } catch (error) { assert.equal(error.code, 'EEXIST'); }
    return startServer(t, {
      upstream: upstream.url, dataDir, ...options,
      settings: { database, ...options.settings },
    });
  };
  return { serve, upstream, database, folder, query: (sql) => postgres.query(`SET search_path TO ${schema}; ${sql}`) };
}
