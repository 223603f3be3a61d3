// Players who ask any process for any part of any recording; people who hold, delete and retry; and followers of /api/events, at one process or at all in turn.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { piecesOf, rangeFor } from '../server/harness/heard.js';
import { request, requestJson } from '../server/harness/http.js';

/** Some wait for whoever stands still, others turn to somebody else. */
const PATIENCE_MS = [60_000, 4000, 4000, 4000];
const POLL_MS = 60_000; // answered after 25 s at the latest
const AGAIN_MS = 200;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Runs `round` until it is told to stop. */
export class Client {
  constructor(world, dice) {
    Object.assign(this, { world, dice, withinMs: dice.pick(PATIENCE_MS) });
  }

  start() {
    this.running = this.#go();
  }

  async #go() {
    while (!this.isOver && !this.world.isGivenUp) {
      await this.round().catch((error) => this.world.history.add('wrong', { wrong: error.stack }));
    }
  }

  async stop() {
    this.isOver = true;
    await this.running;
  }
}

/** The recording that a call's address means, once that is settled: one that is only announced, absent and tried again, or deleted before it came may give way to another. */
function mainOf({ main_recording_sid: sid, recordings }) {
  const main = recordings.find(({ recording_sid: one }) => one === sid);
  return main?.state === 'stored' ? sid : null;
}

/** Of a call, what its place in the list hangs on. */
export const rowOf = ({ call_sid: callSid, key, direction, from, to }) => ({ callSid, key, direction, from, to });

const tellSeen = (world, member, call) => world.history.add('seen', { process: member.name, main: mainOf(call), ...rowOf(call) });

/** One of the latest, or any. */
const someOf = (dice, list) => list[list.length - 1 - Math.min(dice.below(list.length), dice.below(list.length), dice.below(list.length))];

export class Player extends Client {
  async round() {
    const { world, dice } = this;
    if (world.recordings.length > 0) await this.play(someOf(dice, world.recordings), world.someMember(dice), rangeFor);
    await pause(dice.below(150));
  }

  async play(recording, member, range = () => undefined) {
    const { world, dice } = this;
    const { recordingSid } = recording;
    const asked = range(dice, recording.size);
    const path = dice.pick([`/api/recordings/${recordingSid}/media`, `/api/calls/${recording.callSid}/download?recording=${recordingSid}`]);
    const from = world.history.now();
    const reply = await request(member.url + path, { headers: asked ? { Range: asked } : {}, withinMs: this.withinMs }).catch((error) => ({ error }));
    const { status, headers } = reply;
    const isSound = status === 200 || status === 206;
    world.history.add('play', {
      process: member.name, recordingSid, range: asked, from, answer: status ?? null, wrong: world.isWrong(reply),
      ...(isSound ? { etag: headers.etag, cut: reply.cut, pieces: piecesOf(reply).map(({ offset, bytes, total }) => ({ offset, length: bytes.length, total, sha256: sha256(bytes) })) } : {}),
    });
    return reply;
  }
}

export class Person extends Client {
  async round() {
    const { world, dice } = this;
    await pause(dice.between(100, 1500));
    if (world.recordings.length === 0) return;
    const { recordingSid, callSid } = someOf(dice, world.recordings);
    const act = dice.weighted([[2, 'hold'], [1, 'lift'], [2, 'delete'], [2, 'retry'], [4, 'look']]);
    const path = `/api/recordings/${recordingSid}`;
    const [method, address, body] = {
      hold: ['POST', `${path}/hold`, '{"reason": "cluster"}'], lift: ['DELETE', `${path}/hold`], delete: ['DELETE', path], retry: ['POST', `${path}/retry`], look: ['GET', `/api/calls/${callSid}`],
    }[act];
    const member = world.someMember(dice);
    const from = world.history.now();
    const reply = await request(member.url + address, { method, body, headers: body ? { 'Content-Type': 'application/json' } : {}, withinMs: this.withinMs }).catch((error) => ({ error }));
    if (act === 'look' && reply.status === 200) tellSeen(world, member, JSON.parse(reply.body));
    else world.history.add('person', { act, process: member.name, recordingSid, from, answer: reply.status ?? null, wrong: world.isWrong(reply) });
  }
}

export class Follower extends Client {
  /** `member` undefined: any of them, another one each time. */
  constructor(world, dice, name, member) {
    super(world, dice);
    Object.assign(this, { name, member });
  }

  async round() {
    const { world, dice, after } = this;
    const member = this.member ?? world.someMember(dice);
    const from = world.history.now();
    const reply = await requestJson(`${member.url}/api/events${after === undefined ? '' : `?after=${after}`}`, { withinMs: POLL_MS }).catch((error) => ({ error }));
    if (this.isOver) return;
    if (reply.status !== 200) {
      if (world.isWrong(reply)) world.history.add('feed', { reader: this.name, process: member.name, from, after, wrong: world.isWrong(reply) });
      await pause(AGAIN_MS);
      return;
    }
    const { seq, calls, gone, more, reset, progress } = reply.json;
    if (seq === undefined && progress) return;
    world.history.add('feed', { reader: this.name, process: member.name, from, after, seq, reset, more, calls: calls?.map((row) => row.call_sid), gone });
    for (const row of calls ?? []) tellSeen(world, member, row);
    this.after = seq;
    await pause(dice.below(100));
  }
}
