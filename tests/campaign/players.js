// Players who ask for any part of any recording at any time, leave when they like, and look at each byte.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from '../server/harness/dice.js';
import { piecesOf, rangeFor, startWatch } from '../server/harness/heard.js';
import { request } from '../server/harness/http.js';

/** Beyond play_wait, and for a busy machine. */
const LATE_MS = 60_000;
const PLAY_WAIT_MOST_MS = 2000;

const LAWFUL = new Set([200, 206, 304, 404, 410, 412, 416, 500, 503]);
const CODES = new Set(['call_not_found', 'recording_not_found', 'recording_not_available', 'recording_absent', 'recording_expired', 'recording_deleted',
  'key_missing', 'upstream_refused', 'upstream_unavailable', 'overloaded', 'rate_limited', 'precondition_failed', 'range_not_satisfiable', 'internal']);

const digest = (bytes) => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;

const holds = (content, { offset, bytes }) => content.subarray(offset, offset + bytes.length).equals(bytes);

export class Players {
  constructor(world, seed, count) {
    this.world = world;
    this.names = new Map(); // by ETag: { recording, contents: those that all that was heard under it agrees with }
    this.heard = 0;
    this.leaving = new Set(); // of each play under way: ends it
    this.dice = Array.from({ length: count }, (_, i) => new Dice(seed + 7919 * (i + 1)));
  }

  /** They play until stop() is called; through restarts. */
  start() {
    this.running = this.dice.map((dice) => this.#go(dice));
  }

  /** They leave, whatever they hear. */
  async stop() {
    this.isOver = true;
    for (const leave of this.leaving) leave();
    await Promise.all(this.running ?? []);
  }

  async #go(dice) {
    while (!this.isOver) {
      const { recordings, server } = this.world;
      if (recordings.length === 0 || !server || this.world.isExcused(server)) await pause(5);
      else await this.#play(dice, recordings[recordings.length - 1 - Math.min(dice.below(recordings.length), dice.below(recordings.length))]);
      await pause(dice.below(15));
    }
  }

  async #play(dice, recording) {
    const { server } = this.world;
    const size = recording.contents[0]?.length ?? 1000;
    const range = rangeFor(dice, size);
    const headers = { ...(range && { Range: range }), ...(recording.etag && dice.chance(20) && { 'If-Range': recording.etag }) };
    const path = dice.pick([`/api/recordings/${recording.recordingSid}/media`, `/api/calls/${recording.callSid}/download?recording=${recording.recordingSid}`]);
    const leavesAt = dice.chance(20) ? dice.below(size) : undefined;
    let hasLeft = false;
    let leave;
    const onHead = (reply) => {
      if (reply.statusCode >= 400) return;
      let came = 0;
      leave = () => {
        hasLeft = true;
        reply.destroy();
      };
      if (this.isOver) leave();
      else this.leaving.add(leave);
      reply.on('data', (chunk) => {
        came += chunk.length;
        if (leavesAt !== undefined && came >= leavesAt && !hasLeft) leave();
      });
    };
    const method = dice.chance(10) ? 'HEAD' : 'GET';
    try {
      const watch = startWatch();
      let headMs;
      const reply = await request(server.url + path, { method, headers, onHead: (head) => { headMs = watch(); onHead(head); }, withinMs: 180_000 });
      if (headMs > PLAY_WAIT_MOST_MS + LATE_MS) this.world.object(`${method} ${path} was answered after ${Math.round(headMs)} ms`);
      await this.look(recording, reply, { method, range, hasLeft });
    } catch (error) {
      if (!await this.world.isExcusedSoon(server)) this.world.object(`${method} ${path} ${JSON.stringify(headers)}: ${error.message}`);
    } finally {
      this.leaving.delete(leave);
    }
  }

  /** Objects to what is not right of a reply. */
  async look(recording, reply, { method = 'GET', range, hasLeft = false } = {}) {
    const about = `${recording.recordingSid}, ${range ?? 'all'}: ${reply.status}`;
    if (!LAWFUL.has(reply.status)) return this.world.object(`${about}: not a lawful answer: ${reply.body}`);
    if (reply.status >= 400) return method === 'HEAD' || hasLeft ? undefined : this.#lookAtError(recording, about, reply);
    if (reply.status === 304 || method === 'HEAD') return undefined;
    this.heard += 1;
    recording.etag = reply.headers.etag ?? recording.etag;
    return this.#lookAtSound(recording, about, { ...reply, cut: reply.cut || hasLeft });
  }

  #lookAtError(recording, about, reply) {
    if (reply.body.length === 0) throw new Error(JSON.stringify([reply.status, reply.headers, reply.cut]));
    if (reply.cut) throw new Error(`an answer ${reply.status} that was cut, of ${reply.body.length} bytes ${JSON.stringify(reply.headers)}`);
    const { code, error } = JSON.parse(reply.body);
    if (!CODES.has(code)) this.world.object(`${about}: ${code}`);
    if (code === 'key_missing' && recording.key !== 'late') this.world.object(`${about}: ${code}: ${error}`);
    if (reply.status === 500 && code !== 'key_missing' && !this.world.mayFail) this.world.object(`${about}: ${code}: ${error}`);
  }

  async #lookAtSound(recording, about, reply) {
    const { etag } = reply.headers;
    const pieces = piecesOf(reply);
    // What it is was known before its first byte came: what it becomes later is nothing that was heard.
    if (this.world.hasChanged) await this.world.twilio.learnEditions(recording);
    const agreeing = this.#agreeing(recording, etag, pieces);
    // A file that somebody changed is heard as it is until it is found.
    if (agreeing.length === 0 && recording.damaged?.some((content) => pieces.every((piece) => holds(content, piece)))) return undefined;
    const told = `${about}, ETag ${etag}, ${pieces.map(({ offset, bytes, total }) => `${bytes.length} from ${offset} of ${total}`).join(' and ')}${reply.cut ? ', cut' : ''}`;
    if (agreeing.length === 0) return this.world.object(`${told}: these bytes are no part of it${this.names.has(etag) ? ', or the ETag names two contents' : ''}`);
    if (etag) this.names.set(etag, { recording, contents: agreeing });
    const [size] = agreeing.map(({ length }) => length);
    if (reply.cut) return undefined;
    if (reply.status === 200 && pieces[0].bytes.length !== size) return this.world.object(`${told}: a part, of ${size} bytes, as if it were all`);
    if (pieces.some(({ total }) => total !== undefined && total !== size) && !this.world.hasLied) return this.world.object(`${told}: it has ${size} bytes`);
    const said = reply.headers['repr-digest'];
    if (said && !agreeing.some((content) => digest(content) === said)) return this.world.object(`${told}: the digest ${said} is of something else`);
    return undefined;
  }

  /** The contents of the recording that the pieces agree with, and all that was heard under the ETag before. */
  #agreeing(recording, etag, pieces) {
    const before = this.names.get(etag);
    if (before && before.recording !== recording) return [];
    return (before?.contents ?? recording.contents).filter((content) => pieces.every((piece) => holds(content, piece)));
  }
}
