// A server that dies again and again while webhooks come in, recordings are fetched and people listen,
// and what was promised, looked at in the end.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { audio } from './audio.js';
import { startServer, untilDigest, untilState } from './callspool.js';
import { request, requestJson } from './http.js';
import { SEED, seeded } from './seeded.js';
import { until } from './until.js';
import { startUpstream } from './upstream.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './webhook.js';

const SENDERS = 16;
const PLAYERS = 8;
const SOUND = audio({ seconds: 6 });

/** The same sound under another ID3 tag each time: other bytes, so that a file begun anew is told apart. */
function anotherContent() {
  const tag = Buffer.concat([Buffer.from('ID3'), Buffer.from([3, 0, 0, 0, 0, 0, 32]), randomBytes(32)]);
  return Buffer.concat([tag, SOUND]);
}

/** Sends it in two halves, the second a little later, so that crashes fall in between; tells of each. */
function serve(contents, below, tell) {
  return (_, reply) => {
    const content = anotherContent();
    contents.push(content);
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': content.length });
    reply.write(content.subarray(0, content.length / 2));
    tell();
    setTimeout(() => {
      reply.end(content.subarray(content.length / 2));
      tell();
    }, below(60));
  };
}

/**
 * Kills the server `rounds` times at random moments, up to `webhooks` sent each time, then looks whether
 * every event that was acknowledged is there, every recording arrives in the end, none of them in part,
 * and no ETag ever names two contents.
 *
 * A moment is so many steps after the start: an event acknowledged, or half a recording sent to the server.  So
 * the same seed (TEST_SEED) kills at the same progress, however fast the machine is; within a step, chance decides.
 *
 * prepare(round) gives further options of startServer; during(round) is called at a random moment before the server
 * is killed, and may make it end by itself; afterKill(dataDir, round) gives the data folder that the next start finds.
 */
export async function surviveCrashes(t, { rounds, webhooks, prepare = () => ({}), during = () => {}, afterKill = (dataDir) => dataDir }) {
  const upstream = await startUpstream(t);
  const recordings = new Map(); // by SID: { callSid, contents }
  const acknowledged = { recordings: [], calls: [] };
  const heard = new Map(); // by ETag: the most that was heard under it
  const below = seeded();
  let dataDir;
  let steps = 0; // since the start of this round
  const step = () => { steps += 1; };

  const sendOne = async (server, number) => {
    const callSid = newSid('CA');
    if (number % 3 === 0) {
      const reply = await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid }));
      if (reply.status === 200) acknowledged.calls.push(callSid);
      step();
      return;
    }
    const recordingSid = newSid('RE');
    const contents = [];
    recordings.set(recordingSid, { callSid, contents });
    upstream.recordings.set(recordingSid, { callSid, answer: serve(contents, below, step) });
    const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '6' }));
    if (reply.status === 200) acknowledged.recordings.push(recordingSid);
    step();
  };

  /** What was heard under an ETag agrees with all that was heard under it before. */
  const hear = (reply) => {
    if (reply.status !== 200) return;
    const { etag } = reply.headers;
    assert.ok(etag);
    const before = heard.get(etag) ?? Buffer.alloc(0);
    const common = Math.min(before.length, reply.body.length);
    assert.ok(before.subarray(0, common).equals(reply.body.subarray(0, common)), `${etag} names two contents`);
    if (reply.body.length > before.length) heard.set(etag, reply.body);
  };

  const playOne = async (server) => {
    const known = acknowledged.recordings;
    if (known.length === 0) return pause(1);
    // The latest, which are on their way, rather than any.
    const recordingSid = known[Math.max(0, known.length - 1 - below(20))];
    return hear(await request(`${server.url}/api/recordings/${recordingSid}/media`));
  };

  for (let round = 0; round < rounds; round += 1) {
    const options = { upstream: upstream.url, dataDir, settings: { play_wait: '2s' } };
    steps = 0;
    const server = await startServer(t, { ...options, ...prepare(round) });
    let isDead = false;
    let number = 0;
    // A connection that breaks is the crash that this is about.
    const untilDead = async (work) => {
      while (!isDead) {
        try {
          await work();
        } catch (error) {
          if (error.code === 'ERR_ASSERTION') throw error;
          if (isDead) return;
        }
      }
    };
    const crowd = [
      ...Array.from({ length: SENDERS }, () => untilDead(() => (number < webhooks ? sendOne(server, number++) : pause(1)))),
      ...Array.from({ length: PLAYERS }, () => untilDead(() => playOne(server))),
    ];
    // Of the webhooks two thirds announce recordings, of two halves each: there are twice as many steps at least.
    const last = below(2 * webhooks);
    const acts = below(last + 1);
    const reached = (moment) => until(`step ${moment} of round ${round}`, () => steps >= moment || server.status, 120_000);
    await reached(acts);
    during(round);
    await reached(last);
    await server.kill();
    isDead = true;
    await Promise.all(crowd);
    dataDir = afterKill(server.dataDir, round);
  }

  const server = await startServer(t, { upstream: upstream.url, dataDir });
  const total = acknowledged.recordings.length + acknowledged.calls.length;
  console.log(`| seed ${SEED}: ${rounds} crashes, ${total} events acknowledged, ${heard.size} ETags heard`);
  assert.ok(total >= rounds, 'some were acknowledged');
  for (const callSid of acknowledged.calls) {
    await until(`the event of ${callSid} is there`, async () => (await requestJson(`${server.url}/api/calls/${callSid}`)).status === 200);
  }
  for (const recordingSid of acknowledged.recordings) {
    const { callSid, contents } = recordings.get(recordingSid);
    await untilState(server, callSid, 'stored', 120_000);
    const reply = await request(`${server.url}/api/recordings/${recordingSid}/media`);
    hear(reply);
    assert.equal(reply.cut, false);
    assert.ok(contents.some((content) => content.equals(reply.body)), `${recordingSid} is what the upstream sent in one go`);
    const digest = await untilDigest(server, callSid, recordingSid);
    assert.equal(digest, createHash('sha256').update(reply.body).digest('hex'), `${recordingSid} has its digest`);
  }
  for (const file of readdirSync(join(dataDir, 'recordings'), { recursive: true }).map(String)) {
    const [, recordingSid] = file.match(/(RE[0-9a-f]{32}).*\.(mp3|wav)$/) ?? [];
    if (!recordingSid) continue;
    const found = readFileSync(join(dataDir, 'recordings', file));
    assert.ok(recordings.get(recordingSid).contents.some((content) => content.equals(found)), `${file} is whole`);
  }
  await until('nothing is left of what was under way', () => readdirSync(join(dataDir, 'arriving')).length === 0);
}
