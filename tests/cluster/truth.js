// What the ledger, the store and Twilio have in the end, for the checker; and the wait until nothing is under way any more.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../server/harness/callspool.js';
import { request } from '../server/harness/http.js';
import { until } from '../server/harness/until.js';

const STATES = ['announced', 'queued', 'waiting', 'stored', 'absent', 'dead', 'gone', 'purged', 'deleted'];
const DIRECTIONS = [null, 'inbound', 'outbound'];
/** What the list of calls may be asked for, of the states of a main recording. */
const LISTED_AS = { announced: 'pending', queued: 'pending', waiting: 'pending', stored: 'stored', absent: 'absent', dead: 'failed', gone: 'deleted', purged: 'deleted', deleted: 'deleted' };
const CALLS = 2, BYTES_STORED = 3, FIRST_STATE = 4; // of the counters of a turn (catalog/turns.h)

const UNPROJECTED = `SELECT COUNT(*) FROM events e WHERE seq > COALESCE((SELECT split_part(word, '=', 2)::bigint FROM (SELECT streams FROM turns ORDER BY seq DESC LIMIT 1) t,
  regexp_split_to_table(t.streams, ' ') word WHERE split_part(word, '=', 1)::bigint = e.stream), CASE WHEN e.stream = 0 THEN (SELECT watermark FROM turns ORDER BY seq DESC LIMIT 1) ELSE 9e18 END)`;
const OF_CALL = 'c.call_sid, c.account_sid, c.status, c.direction, c.from_address, c.to_address, c.started_at_ms, c.started_rank, c.ended_at_ms, c.duration_s, c.recordings';
const OF_RECORDING = 'r.recording_sid, r.account_sid, r.upstream, r.started_at_ms, r.duration_s, r.channels, r.error_code, r.source, r.track, r.direction';

const ASK_MS = 500; // twice what call_lookup.c leaves between two
const SOON = 'ask_at_ms > 0 AND ask_at_ms < EXTRACT(EPOCH FROM clock_timestamp()) * 1000 + 60000'; // later is to be asked what was heard of while a clock was an hour ahead

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Nothing is under way: at most for so long, and as long as calls take that Twilio is to be asked for, four a second at the most. */
export async function untilQuiet(world, withinMs) {
  const asks = await until('calls to be asked for are counted', async () => (await world.postgres.query(`SELECT COUNT(*) FROM calls WHERE ${SOON}`)).trim(), withinMs).catch(() => 0);
  return until('nothing is under way any more', async () => {
    const left = await world.postgres.query(`SELECT (SELECT COUNT(*) FROM recordings WHERE state IN (1, 2)), (SELECT COUNT(*) FROM leases), (SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL),
      (${UNPROJECTED}), (SELECT COUNT(*) FROM recordings WHERE state = 3 AND sha256 IS NULL), (SELECT COUNT(*) FROM processes) - ${world.members.length},
      (SELECT COUNT(*) FROM calls WHERE ${SOON})`);
    if (left !== '0|0|0|0|0|0|0') throw new Error(`queued, leases, attempts, events, digests, processes, calls to be asked for: ${left}`);
    return true;
  }, withinMs + Number(asks) * ASK_MS).catch((error) => world.history.add('not quiet', { told: error.message }));
}

async function rowsOf({ postgres }, sql) {
  return JSON.parse(await postgres.query(`SELECT COALESCE(json_agg(x), '[]') FROM (${sql}) x`));
}

const projection = (schema) => `SELECT concat_ws('|', ${`${OF_CALL}, ${OF_RECORDING}`.split(', ').map((name) => `COALESCE(${name}::text, '-')`).join(', ')}) AS row
  FROM ${schema}.calls c LEFT JOIN ${schema}.recordings r ON r.call_id = c.id`;

/** One process, a ledger that has nothing but the log. */
async function projectAnew(world) {
  const { t, postgres, folder } = world;
  const dataDir = join(folder, 'fresh');
  mkdirSync(dataDir);
  await postgres.query('CREATE SCHEMA fresh');
  const serve = () => startServer(t, { dataDir, settings: { database: `${postgres.url}&options=-csearch_path%3Dfresh`, 'fetch.retry_first': '1h', 'fetch.retry_most': '1h' } });
  await (await serve()).finish();
  await postgres.query(`INSERT INTO fresh.events SELECT (jsonb_populate_record(NULL::fresh.events, to_jsonb(e)
    || jsonb_build_object('stream', 0, 'seq', row_number() OVER (ORDER BY received_at_ms, stream, seq)))).* FROM public.events e`);
  const total = await postgres.query('SELECT COUNT(*) FROM fresh.events');
  const server = await serve();
  await until('it has read the log', async () => (await postgres.query('SELECT watermark FROM fresh.turns ORDER BY seq DESC LIMIT 1')) === total, 120_000);
  await server.finish();
  return (await rowsOf(world, projection('fresh'))).map(({ row }) => row);
}

async function filesOf({ store, folder }) {
  const read = async (key, bytes) => ({ key, size: bytes.length, sha256: sha256(bytes) });
  if (store) {
    const files = [];
    for (const key of await store.bucket.list()) files.push(await read(key, await store.bucket.get(key)));
    return files;
  }
  const root = join(folder, 'recordings');
  const names = readdirSync(root, { recursive: true }).map(String).filter((name) => /\.\w+$/.test(name) && !name.endsWith('callspool.store'));
  return Promise.all(names.map((name) => read(name, readFileSync(join(root, name)))));
}

/** All that Twilio ever had under that name. */
async function editionsOf({ simulator }, recordingSid) {
  const editions = [];
  for (;;) {
    const { status, body } = await request(`${simulator.url}/simulate/media/${recordingSid}.mp3?edition=${editions.length}`);
    if (status !== 200) return editions;
    editions.push(body);
  }
}

const countsOf = (text) => Object.fromEntries(text.split(' ').filter(Boolean).map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]));

async function counted({ postgres }) {
  const counts = { [CALLS]: Number(await postgres.query('SELECT COUNT(*) FROM calls')), [BYTES_STORED]: Number(await postgres.query('SELECT COALESCE(SUM(size), 0) FROM recordings WHERE state = 3')) };
  const states = await postgres.query('SELECT state, COUNT(*) FROM recordings GROUP BY state');
  for (const [state, count] of states.split('\n').filter(Boolean).map((line) => line.split('|'))) counts[FIRST_STATE + Number(state)] = Number(count);
  return counts;
}

/** What is left half-way while all processes run: who is stopped gives back what is his. */
export async function leftOf({ postgres }) {
  const one = async (sql) => Number(await postgres.query(sql));
  return {
    leases: await one('SELECT COUNT(*) FROM leases'), openAttempts: await one('SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL'), unprojected: await one(UNPROJECTED), setAside: await one('SELECT COUNT(*) FROM events_set_aside'),
  };
}

/** Once all processes have been stopped; `left` is of before. */
export async function truthOf(world, left) {
  const { postgres } = world;
  await world.turns.look();
  const recordings = (await rowsOf(world, 'SELECT recording_sid, call_sid, state, reason_code, sha256, path, size, next_try_at_ms FROM recordings')).map((row) => ({
    recordingSid: row.recording_sid, callSid: row.call_sid, state: STATES[row.state], reason: row.reason_code, sha256: row.sha256, path: row.path, size: row.size, nextTryAt: row.next_try_at_ms,
  }));
  const media = new Map();
  for (const { recordingSid, status } of world.recordings) media.set(recordingSid, status === 'absent' ? [] : await editionsOf(world, recordingSid));
  return {
    marks: (await rowsOf(world, "SELECT substring(convert_from(raw, 'LATIN1') from 'ClusterMark=([0-9]+)')::int AS mark FROM events WHERE raw IS NOT NULL")).map(({ mark }) => mark),
    projected: (await rowsOf(world, projection('public'))).map(({ row }) => row),
    fresh: await projectAnew(world),
    mains: (await rowsOf(world, 'SELECT c.call_sid, r.recording_sid FROM calls c JOIN recordings r ON r.id = c.main_recording_id')).map((row) => [row.call_sid, row.recording_sid]),
    calls: (await rowsOf(world, 'SELECT c.call_sid, c.started_at_ms, c.id, c.direction, r.state, r.is_held FROM calls c LEFT JOIN recordings r ON r.id = c.main_recording_id'))
      .map((row) => ({ callSid: row.call_sid, key: `${row.started_at_ms}.${row.id}`, direction: DIRECTIONS[row.direction], state: LISTED_AS[STATES[row.state]] ?? 'none', isHeld: row.is_held === 1 })),
    counts: countsOf(await postgres.query('SELECT counts FROM public.turns ORDER BY seq DESC LIMIT 1')), counted: await counted(world),
    recordings, media, files: await filesOf(world),
    attempts: (await rowsOf(world, 'SELECT r.recording_sid, a.id FROM attempts a JOIN recordings r ON r.id = a.recording_id'))
      .map((row) => ({ recordingSid: row.recording_sid, generation: row.id })),
    ...left,
    turns: world.turns.all, losses: world.turns.losses,
  };
}
