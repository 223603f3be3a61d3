// The one that fetches is killed, stopped or stands still, with a flight in each state at once (src/flights/flight_state.c) and players on
// all of them: here, at the other one, and through nginx.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilState } from './harness/callspool.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { request } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startNginx } from './harness/nginx.js';
import { startPostgres } from './harness/postgres.js';
import { freeze, thaw } from './harness/process.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

const SEVERAL = readFileSync(new URL('../../packaging/nginx/callspool-several.conf', import.meta.url), 'utf8');
const PLAY_WAIT_MS = 60_000;
const BUSY_MS = 10_000; // a machine that has other things to do

let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

/** The packaged file before these two. */
function site(addresses) {
  let next = 0;
  return (folder, port) => SEVERAL.replace(/^ *server 10\.0\.0\.\d+:8080/gm, (line) => (next < 2 ? `server ${addresses[next++]}` : `# ${line}`))
    .replace('    listen 80;', `    listen 127.0.0.1:${port};`).replaceAll(/\/var\/log\/nginx\/callspool\.(access|error)\.log/g, (_, name) => join(folder, `${name}.log`));
}

/** Plays again and again until all of it was heard: { told: [{ status, ms }], whole }.  What is heard is always what was recorded. */
async function listens(url, media) {
  const told = [];
  const endsAt = Date.now() + 2 * PLAY_WAIT_MS;
  while (Date.now() < endsAt) {
    const from = Date.now();
    let reply;
    try {
      reply = await request(url, { withinMs: PLAY_WAIT_MS + 2 * BUSY_MS });
    } catch (error) {
      told.push({ status: error.code ?? error.message, ms: Date.now() - from });
      return { told, isWhole: false };
    }
    told.push({ status: reply.status, ms: Date.now() - from });
    if (reply.status !== 200) continue;
    assert.ok(reply.body.equals(media.subarray(0, reply.body.length)), 'a part of what was recorded');
    if (!reply.cut) {
      assert.equal(reply.body.length, media.length);
      return { told, isWhole: true };
    }
  }
  return { told, isWhole: false };
}

/** An upstream that has not answered yet: asking.  From open() on it answers as the gate of it does. */
function held(upstream) {
  const recording = gated(upstream);
  const answers = new Set();
  const of = upstream.recordings.get(recording.recordingSid);
  const { gate } = recording;
  let isOpen = false, most = 0;
  of.answer = (asked, reply) => {
    if (isOpen) return gate.answer(asked, reply);
    answers.add(reply);
    most = Math.max(most, answers.size);
    reply.on('close', () => answers.delete(reply));
    return undefined;
  };
  return {
    ...recording,
    asked: () => answers.size,
    /** How many were there at once. */
    atOnce: () => Math.max(most, gate.openMax),
    open: () => {
      isOpen = true;
      gate.open();
      for (const reply of answers) {
        answers.delete(reply);
        gate.answer({ headers: {} }, reply);
      }
    },
  };
}

const flights = async (server) => valuesOf(await scrape(server), 'callspool_flights');
const inState = async (server) => Object.fromEntries(Object.entries(await flights(server)).map(([label, count]) => [label.match(/"(.*)"/)[1], count]));

/**
 * `a` has a flight in each state: `b`, whose only slot is taken, has none of them.
 * { of: { asking, checking, ... }: their recordings, release(): what holds up the one that is being sealed is over }
 */
async function startAll(t, how) {
  const { serve, upstream, query, schema } = await startLedger(t, postgres);
  const settings = { cluster_listen: '127.0.0.1:0', play_wait: `${PLAY_WAIT_MS}ms`, 'fetch.player_slots': 0, stop_timeout: '2s' };
  const b = await serve('b', { settings: { ...settings, 'fetch.concurrency': 1 } });
  const blocker = gated(upstream);
  assert.equal((await webhook(b, blocker.fields)).status, 200);
  await until('its slot is taken', () => blocker.gate.requests === 1);
  const a = await serve('a', { settings: { ...settings, 'fetch.concurrency': 4, 'fetch.retry_first': '10m', 'fetch.retry_most': '10m' }, expectErrors: how === 'SIGSTOP' ? [/the ledger:/, /cannot commit/] : [] });
  const of = { waiting: gated(upstream) };

  of.waiting.gate.open(20_000);
  assert.equal((await webhook(a, of.waiting.fields)).status, 200);
  await until('it arrives', async () => (await inState(a)).arriving === 1);
  of.waiting.gate.cut();
  await until('it waits', async () => (await inState(a)).waiting === 1);
  Object.assign(of, { asking: held(upstream), checking: gated(upstream), arriving: gated(upstream), sealing: gated(upstream) });
  of.checking.gate.open(8);
  of.arriving.gate.open(20_000);
  of.sealing.gate.open(20_000);
  for (const name of ['asking', 'checking', 'arriving', 'sealing']) assert.equal((await webhook(a, of[name].fields)).status, 200);
  await until('four slots are taken', async () => {
    const { asking, checking, arriving } = await inState(a);
    return asking === 1 && checking === 1 && arriving === 2;
  });
  return { a, b, blocker, upstream, query, schema, serve, of };
}

/** From now on no turn is made, until the returned function is called. */
async function takeSeat({ query }) {
  const mark = newSid('XX');
  const over = query(`SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0)); SELECT pg_sleep(120), '${mark}'`).catch(() => {});
  await until('the seat is taken', async () => (await postgres.query(`SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND query LIKE '%pg_sleep%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()`)) === '1');
  return async () => {
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND pid <> pg_backend_pid()`);
    await over;
  };
}

for (const how of ['SIGKILL', 'SIGTERM', 'SIGSTOP']) {
  test(`${how} with a flight in each state, and players on all of them`, async (t) => {
    const cluster = await startAll(t, how);
    const { a, b, blocker, upstream, query, of } = cluster;
    const nginx = await startNginx(t, a.url, { site: site([a, b].map(({ url }) => new URL(url).host)) });

    // Two more, with players: the first takes the slot that the one to be sealed leaves, so that the other one stays in line.
    for (const name of ['next', 'queued']) {
      of[name] = held(upstream);
      assert.equal((await webhook(a, of[name].fields)).status, 200);
    }
    const acknowledged = [blocker, ...Object.values(of)].map(({ callSid }) => callSid);
    await until('all are projected', async () => (await query('SELECT COUNT(*) FROM recordings')) === String(acknowledged.length));
    const plays = { here: [], there: [], nginx: [] };
    const play = (where, base, name) => {
      plays[where].push(listens(base + of[name].mediaPath, of[name].media).then((heard) => ({ name, where, ...heard })));
    };
    play('here', a.url, 'next');
    await until('it is in line', async () => (await inState(a)).queued === 1);
    play('here', a.url, 'queued');
    await until('both are', async () => (await inState(a)).queued === 2);
    const playElsewhere = (name) => {
      play('there', b.url, name);
      if (how !== 'SIGSTOP') play('nginx', nginx.url, name); // it asks one that stands still as well, and waits
    };
    const others = Object.keys(of).filter((name) => name !== 'waiting'); // a player brings its next try forward
    for (const name of others) {
      play('here', a.url, name);
      playElsewhere(name);
    }
    await until('they are heard of', async () => {
      const now = await inState(b);
      return now.following === 4 && now.queued === 2;
    });
    const release = await takeSeat(cluster);
    atEnd(t, release);
    of.sealing.gate.open();
    const states = { queued: 1, asking: 2, checking: 1, arriving: 1, sealing: 1, waiting: 1 };
    await until('there is one in each state', async () => {
      const now = await inState(a);
      assert.deepEqual(now, states);
      return true;
    });

    const endedAt = Date.now();
    if (how === 'SIGSTOP') {
      await freeze(t, a);
    } else if (how === 'SIGKILL') {
      await a.kill();
    } else {
      a.finished = a.stop('SIGTERM');
    }
    playElsewhere('waiting');
    await release();
    blocker.gate.open();
    for (const name of ['asking', 'next', 'queued']) of[name].open();
    for (const name of ['waiting', 'checking', 'arriving']) of[name].gate.open();
    if (how === 'SIGTERM') a.finished = await a.finished;
    for (const { callSid } of Object.values(of)) await untilState(b, callSid, 'stored', 60_000);
    t.diagnostic(`${Date.now() - endedAt} ms until all of them are stored`);
    if (how === 'SIGSTOP') thaw(a);

    for (const { name, where, told, isWhole } of [...await Promise.all(plays.there), ...await Promise.all(plays.nginx)]) {
      const said = `${name} ${where}: ${JSON.stringify(told)}`;
      assert.ok(isWhole, said);
      for (const { status, ms } of told) {
        assert.ok(status === 200, said);
        assert.ok(ms < PLAY_WAIT_MS + BUSY_MS, said);
      }
    }
    // Who plays at the one that ends is told so, or nothing: to come again.
    for (const { name, told, isWhole } of await Promise.all(plays.here)) {
      const said = `${name} here: ${isWhole} ${JSON.stringify(told)}`;
      t.diagnostic(said);
      assert.ok(told.every(({ status }) => [200, 503].includes(status) || typeof status === 'string'), said);
      if (how === 'SIGSTOP') assert.ok(isWhole, said);
    }
    for (const [name, recording] of Object.entries(of)) {
      const most = recording.atOnce?.() ?? recording.gate.openMax;
      if (how !== 'SIGSTOP') assert.equal(most, 1, `${name}: one request to Twilio at a time`);
      assert.ok(recording.gate.requests <= 3, `${name}: ${recording.gate.requests} requests`);
      assert.ok((await request(b.url + recording.mediaPath)).body.equals(recording.media));
    }
    assert.equal(await query("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored'"), String(acknowledged.length), 'each is stored once');
    assert.equal(await query('SELECT COUNT(DISTINCT call_sid) FROM events'), String(acknowledged.length), 'nothing is lost');
    await until('no lease is left, and no attempt', async () => (await query('SELECT (SELECT COUNT(*) FROM leases) + (SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL)')) === '0');
    if (how === 'SIGSTOP') {
      await until('it serves again', async () => (await request(a.url + of.arriving.mediaPath)).body.equals(of.arriving.media));
      assert.equal(await query("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored'"), String(acknowledged.length), 'and has committed nothing');
    }
  });
}
