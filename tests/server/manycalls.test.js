// Among a hundred times as many calls a page of the list, whatever is asked for, costs about the same, and is the right one.
// How long it takes among a million is measured by script/bench million.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { audio } from './harness/audio.js';
import { BINARY, startServer } from './harness/callspool.js';
import { requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { seeded } from './harness/seeded.js';

const MANY = Number(process.env.TEST_CALLS ?? 300_000);
const FEW = MANY / 100;
const PAGES = 60; // of a kind
const PAGE = 50;
// What a page costs more where the ledger does not fit into SQLite's caches: 1.5 to 3 times in the bench.  By reading all calls it is 100 times.
const MORE_MOST = 8;
// The maker is no server, and half of its time goes into remembering who has asked for which memory.
const MAKER = { ...process.env, ASAN_OPTIONS: 'malloc_context_size=0:quarantine_size_mb=1:detect_leaks=0' };
const DIRECTIONS = ['inbound', 'outbound'];

const sql = (dataDir, text) => execFileSync('sqlite3', ['-readonly', join(dataDir, 'ledger.db'), text], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n').filter(Boolean);

function make(t, count) {
  const folder = temporaryFolder(t);
  const media = join(folder, 'media.mp3'), dataDir = join(folder, 'data');
  writeFileSync(media, audio({ seconds: 5 }));
  execFileSync(join(dirname(BINARY), 'bench/bench-ledger'), ['make', dataDir, String(count), media], { env: MAKER, stdio: ['ignore', 'ignore', 'inherit'] });
  return dataDir;
}

/** What is asked for, by kind: [{ query, where }], `where` the same as SQL. */
function questions(dataDir, count) {
  const below = seeded(41);
  const ids = Array.from({ length: PAGES }, () => 1 + below(count - 1));
  const rows = sql(dataDir, `SELECT started_at_ms || '.' || id || ' ' || COALESCE(to_address, '') FROM calls WHERE id IN (${ids.join(',')})`).map((row) => row.split(' '));
  const pages = rows.map(([key], i) => {
    const [at, id] = key.split('.');
    const direction = i % 3;
    return {
      query: { after: key, ...(direction && { direction: DIRECTIONS[direction - 1] }) },
      where: `(started_at_ms, id) < (${at}, ${id})${direction ? ` AND +direction = ${direction}` : ''}`,
    };
  });
  const numbers = rows.map(([, to]) => to.replace(/\D/g, '').slice(-7)).filter((digits) => digits.length === 7 && digits[0] !== '0').map((digits) => ({
    query: { number: digits }, where: `(from_address LIKE '%${digits}%' OR to_address LIKE '%${digits}%')`,
  }));
  return { pages, numbers };
}

/** Processor time of the whole process so far, in ns. */
const spent = ({ pid }) => readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]), 0);

async function list(server, query) {
  const { status, json } = await requestJson(`${server.url}/api/calls?${new URLSearchParams({ limit: String(PAGE), ...query })}`);
  assert.equal(status, 200);
  return json;
}

async function compare(server, { query, where }) {
  const wanted = sql(server.dataDir, `SELECT call_sid FROM calls WHERE ${where} ORDER BY started_at_ms DESC, id DESC LIMIT ${PAGE}`);
  const got = [];
  for (let after = query.after; got.length < wanted.length;) {
    const { calls, next } = await list(server, { ...query, ...(after && { after }) });
    got.push(...calls.map((call) => call.call_sid));
    if (next === null) break;
    after = next;
  }
  assert.deepEqual(got.slice(0, PAGE), wanted, JSON.stringify(query));
}

/** By kind: what a page cost. */
async function costs(t, count) {
  const dataDir = make(t, count);
  // Nearly all of the recordings are rows alone: their files are looked for by nobody.
  const server = await startServer(t, { dataDir, settings: { retention: 'forever', verify_every: 'forever' }, expectErrors: [/its file cannot be removed/] });
  const kinds = questions(dataDir, count);
  const found = {};
  for (const [kind, asked] of Object.entries(kinds)) {
    await compare(server, asked[0]);
    await compare(server, asked[1]);
    const each = [];
    for (const { query } of asked) {
      const before = spent(server);
      await list(server, query);
      each.push(spent(server) - before);
    }
    // The one in the middle: what else the server does meanwhile, after its start, is no page's.
    found[kind] = each.sort((a, b) => a - b)[Math.floor(each.length / 2)];
  }
  await server.finish();
  return found;
}

test(`a page among ${MANY} calls`, async (t) => {
  const few = await costs(t, FEW), many = await costs(t, MANY);
  for (const kind of Object.keys(few)) {
    t.diagnostic(`${kind}: ${Math.round(few[kind] / 1000)} us among ${FEW}, ${Math.round(many[kind] / 1000)} among ${MANY}`);
    assert.ok(many[kind] <= MORE_MOST * few[kind], `${kind}: ${few[kind]} ns and ${many[kind]}`);
  }
});
