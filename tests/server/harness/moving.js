// What tests of callspool migrate share: databases of their own, large ledgers, who sends and plays meanwhile.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CREDENTIALS, callspool, startServer } from './callspool.js';
import { request, requestJson } from './http.js';
import { atEnd, lifetime } from './lifetime.js';
import { startPostgres } from './postgres.js';
import { Program, run, temporaryFolder } from './process.js';
import { store } from './stored.js';
import { until } from './until.js';
import { startUpstream } from './upstream.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './webhook.js';

let postgres, upstream;

/** { postgres, upstream }, for a file of tests: what else is here needs them. */
export async function startMoving() {
  postgres = await startPostgres(lifetime);
  upstream = await startUpstream(lifetime);
  await postgres.query(STEPS);
  return { postgres, upstream };
}

const TABLES = [...readFileSync(new URL('../../../src/tables/table_list.c', import.meta.url), 'utf8').matchAll(/\.name = "(\w+)"/g)].map(([, name]) => name);
const COPIED = TABLES.length, MARKS = 1000, OPENS = 1001;
const STEP_NUMBERS = { ...Object.fromEntries(TABLES.map((name, i) => [name, i])), copied: COPIED, marks: MARKS, opens: OPENS };

/*
 * Each step of a move into a schema of database(), as it writes how far it is, shares the advisory lock of its number.  The table `migration` is
 * made by the move itself, and rows are copied the next moment: so this is there before.
 */
const STEPS = `
  CREATE FUNCTION public.step() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE schema INTEGER := substr(TG_TABLE_SCHEMA, 2)::INTEGER;
    BEGIN
      IF TG_OP = 'DELETE' THEN
        PERFORM pg_advisory_xact_lock_shared(schema, ${OPENS});
        RETURN OLD;
      END IF;
      PERFORM pg_advisory_xact_lock_shared(schema, CASE WHEN NEW.is_complete > OLD.is_complete THEN ${MARKS} ELSE NEW.tab::INTEGER END);
      RETURN NEW;
    END $$;
  CREATE FUNCTION public.add_step() RETURNS event_trigger LANGUAGE plpgsql AS $$
    DECLARE made RECORD;
    BEGIN
      FOR made IN SELECT object_identity FROM pg_event_trigger_ddl_commands() WHERE object_identity ~ '^m[0-9]+[.]migration$' LOOP
        EXECUTE format('CREATE TRIGGER step BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION public.step()', made.object_identity);
      END LOOP;
    END $$;
  CREATE EVENT TRIGGER step ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.add_step()`;

/** Statements of a session that stays; the returned function ends it, and with it what it has locked. */
export async function session(t, sql) {
  const program = new Program('psql', ['-Xq', '-v', 'ON_ERROR_STOP=1', postgres.url], { stdin: 'pipe' });
  const end = async () => {
    program.child.stdin.end();
    await program.exited;
  };
  atEnd(t, end);
  program.child.stdin.on('error', () => {}).write(`${sql};\n\\echo done\n`);
  await program.line(/^done$/);
  return end;
}

/**
 * The move stands still at that step until release(); reached(ended) resolves when it does, and fails where begin()'s `ended` comes first.  'calls', say:
 * the tables before it are copied, and all but the last of them committed; 'copied': all are; 'marks': in the switch, right before the old ledger is
 * marked; 'opens': whoever serves from the new one first.  It asks for the lock for some seconds at a time, goes back to the last commit, and comes again.
 */
async function hold(t, schema, step) {
  const locks = `${schema.slice(1)}, ${STEP_NUMBERS[step]}`;
  const release = await session(t, `SELECT pg_advisory_lock(${locks})`);
  const isReached = async () => (await postgres.query(`SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND (classid, objid) = (${locks}) AND NOT granted`)) !== '0';
  const reached = (ended) => Promise.race([
    until(`the move is at '${step}'`, isReached, 120_000),
    ended.then(({ code, stderr }) => { throw new Error(`it ended with ${code} before it was at '${step}': ${stderr}`); }),
  ]);
  return { reached, release };
}

/** A schema of its own, empty: { url, schema, query(sql), hold(t, step) }. */
let schemas = 0;
export async function database() {
  schemas += 1;
  const schema = `m${schemas}`;
  await postgres.query(`CREATE SCHEMA ${schema}`);
  return { url: `${postgres.url}&options=-csearch_path%3D${schema}`, schema, query: (sql) => postgres.query(`SET search_path TO ${schema}; ${sql}`), hold: (t, step) => hold(t, schema, step) };
}

/** The same with a role of its own, no superuser: `grant` says what it may do there. */
export async function role(name, grant = (schema) => `GRANT USAGE, CREATE ON SCHEMA ${schema} TO ${name}`) {
  const there = await database();
  await postgres.query(`CREATE ROLE ${name} LOGIN; ${grant(there.schema)}`);
  return { ...there, url: there.url.replace('callspool@', `${name}@`) };
}

/** For so long Twilio waits for an answer: what was answered in that time nobody was held up by. */
export const TWILIO_WAITS_MS = 15_000;

/** After so long without the mark a switch comes to nothing (docs/scaling.md), and the test may be late with its look. */
export const SWITCH_MOST_MS = 8000 + 2000;
/** How long a switch took, to the line that says what has become of it; called before it begins. */
export async function timeSwitch(server, outcome) {
  await server.line(/the switch of the ledger begins/, 60_000);
  const began = Date.now();
  await server.line(outcome);
  return Date.now() - began;
}

export const SETTINGS = { retention: 'forever', verify_every: 'forever' };
export const serve = (t, options = {}) => startServer(t, { upstream: upstream.url, ...options, settings: { ...SETTINGS, ...options.settings } });
export const ask = (server, args, settings = {}, options = {}) => callspool(['migrate', ...args,
  ...Object.entries({ data_dir: server.dataDir, ...settings }).flatMap(([name, value]) => ['--set', `${name}=${value}`])], { withinMs: 180_000, ...options });
export const play = (server, { mediaPath }, headers = {}) => request(server.url + mediaPath, { headers });
export const status = async (server) => JSON.parse((await ask(server, ['--status', '--json'])).stdout);
/** The same, asked by the test itself: as quick as can be. */
export const requestAdmin = (server) => new Promise((resolve, reject) => {
  http.get({ socketPath: join(server.dataDir, 'admin.sock'), path: '/api/migration', timeout: 5000 }, (reply) => {
    const pieces = [];
    reply.on('data', (piece) => pieces.push(piece)).on('error', reject).on('end', () => resolve(JSON.parse(Buffer.concat(pieces))));
  }).on('error', reject).on('timeout', function late() { this.destroy(new Error('late')); });
});
/** Moves that are asked for in one write, each before the one in front is answered: the statuses. */
export const postTogether = async (server, moves) => {
  const socket = net.connect(join(server.dataDir, 'admin.sock'));
  let text = '';
  socket.setEncoding('latin1').on('data', (piece) => { text += piece; });
  socket.write(moves.map((move, i) => {
    const body = JSON.stringify(move);
    return `POST /api/migration HTTP/1.1\r\nHost: callspool\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`
      + `${i + 1 === moves.length ? 'Connection: close\r\n' : ''}\r\n${body}`;
  }).join(''));
  await once(socket, 'close');
  return [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, number]) => Number(number));
};
export const listed = async (server, sid) => (await requestJson(`${server.url}/api/calls/${sid}`)).status === 200;

// As fast as they are answered they would keep the move busy following them, for most of a test.
const BETWEEN_WEBHOOKS_MS = 10;

/** Webhooks, one after another, until stop(), or the server's end: what was acknowledged, and the longest that one took. */
export function startSenders(server, count = 3) {
  const sent = { acknowledged: [], refused: [], mostMs: 0 };
  let isOver = false;
  const send = async () => {
    while (!isOver) {
      const CallSid = newSid('CA');
      const began = Date.now();
      const reply = await postForm(server.url, CALL_STATUS, callCallback({ CallSid })).catch((error) => ({ status: error.code }));
      if (reply.status === 200) sent.acknowledged.push(CallSid);
      else sent.refused.push(reply.status);
      sent.mostMs = Math.max(sent.mostMs, Date.now() - began);
      await pause(BETWEEN_WEBHOOKS_MS);
    }
  };
  server.exited.then(() => { isOver = true; });
  const all = Array.from({ length: count }, send);
  sent.stop = () => {
    isOver = true;
    return Promise.all(all);
  };
  return sent;
}

/** Plays of all recordings, one after another, until stop(): each is what it was. */
export function startPlayers(server, recordings) {
  let isOver = false;
  let plays = 0;
  const done = (async () => {
    while (!isOver) {
      for (const recording of recordings) {
        const reply = await play(server, recording);
        assert.equal(reply.status, 200);
        assert.ok(reply.body.equals(recording.bytes));
        plays += 1;
      }
    }
  })();
  return { stop: async () => { isOver = true; await done; return plays; } };
}

const named = ['etag', 'last-modified', 'repr-digest', 'content-type', 'content-disposition'];
export async function heads(server, recordings) {
  const all = [];
  for (const recording of recordings) {
    const { headers } = await play(server, recording);
    all.push(named.map((name) => `${name}: ${headers[name]}`).join('\n'));
  }
  return all;
}

/** Each plays as before, byte by byte, under the same ETag. */
export async function plays(server, recordings, before) {
  for (const [i, recording] of recordings.entries()) {
    const reply = await play(server, recording);
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(recording.bytes));
    assert.equal(named.map((name) => `${name}: ${reply.headers[name]}`).join('\n'), before[i]);
  }
}

const LARGE_CALLS = 20_000;
/** So many calls, into the ledger of a server that does not run. */
async function addCalls(dataDir) {
  const { code, stderr } = await run('sqlite3', [join(dataDir, 'ledger.db'), `
    PRAGMA foreign_keys = ON;
    BEGIN;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${LARGE_CALLS})
      INSERT INTO calls (id, call_sid, status, direction, from_address, started_at_ms, started_rank, is_main_fixed, recording_group, recordings, changed_seq)
      SELECT 1000000 + i, 'CA' || printf('%032x', i), 5, 1, '+1555' || i, 1700000000000 + i, 1, 0, 0, 0, i FROM n;
    INSERT INTO call_numbers SELECT '5551' || id, started_at_ms, id FROM calls WHERE id > 1000000;
    UPDATE turns SET seq = seq + 2000000, counts = '2=' || (SELECT COUNT(*) FROM calls) || ' ' || substr(counts, instr(counts, ' ') + 1)
      WHERE seq = (SELECT MAX(seq) FROM turns);
    COMMIT;`]);
  assert.equal(code, 0, stderr);
}

/** That ledger itself, made once for a file of tests: a folder to be copied, and what it has stored. */
let large;
async function makeLarge(t) {
  const dataDir = join(temporaryFolder(lifetime), 'data');
  const server = await serve(t, { dataDir });
  const recording = await store(server, upstream);
  await server.stop('SIGTERM');
  await addCalls(dataDir);
  return { dataDir, recording };
}

/** A ledger that takes a second to move: that of a server, stopped, with many calls more. */
export async function startLarge(t, options = {}) {
  large ??= await makeLarge(t);
  const dataDir = join(temporaryFolder(t), 'data');
  const { code, stderr } = await run('cp', ['-a', large.dataDir, dataDir]);
  assert.equal(code, 0, stderr);
  const again = () => serve(t, { ...options, dataDir });
  const server = await again();
  const recordings = [large.recording];
  return { server, recordings, again, before: await heads(server, recordings) };
}

/** Begins it, and does not wait for its end, which is what it gives; `says(pattern)` waits until the command has said that, and fails where it ends without. */
export function begin(server, args, settings) {
  let said = '';
  const ended = ask(server, args, settings, { onStderr: (chunk) => { said += chunk; } });
  ended.catch(() => {});
  const says = (pattern) => Promise.race([
    until(`callspool migrate says ${pattern}`, () => pattern.test(said), 60_000),
    ended.then(({ code, stderr }) => assert.match(stderr, pattern, `it ended with ${code}`)),
  ]);
  return Object.assign(ended, { says });
}
export const refusedBy = async (args, settings, code, pattern) => {
  const ended = await callspool([...args, ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])], { env: CREDENTIALS });
  assert.equal(ended.code, code, `${args}: ${ended.stderr}`);
  assert.match(ended.stderr, pattern);
};
