// Calls as they come, and Twilio's callbacks of them, sent to any process, and again until somebody takes them: what is acknowledged is written down.
import { setTimeout as pause } from 'node:timers/promises';
import { ACCOUNT, TOKEN } from '../server/harness/callspool.js';
import { requestJson } from '../server/harness/http.js';
import { callbackOf, postForm } from '../server/harness/webhook.js';

const TRIES = 5; // Twilio's #rc=5
const AGAIN_MS = 300;
const PATIENCE_MS = 60_000;
const MOST_AT_ONCE = 400; // whoever stands still is waited for

export class Callers {
  constructor(world, { everyMs }) {
    Object.assign(this, { world, everyMs, dice: world.dice(1), marks: 0, sending: new Set(), late: [] });
  }

  start() {
    this.running = this.#go();
  }

  async stop() {
    this.isOver = true;
    await this.running;
    for (const one of this.late.splice(0)) this.#begin(one);
    await Promise.all(this.sending);
  }

  async #go() {
    while (!this.isOver && !this.world.isGivenUp) {
      if (this.sending.size < MOST_AT_ONCE) await this.#place().catch((error) => this.world.history.add('not placed', { told: error.message })); // by the simulated Twilio
      await pause(this.dice.between(1, 2 * this.everyMs));
    }
  }

  async #place() {
    const { dice, world } = this;
    const status = dice.weighted([[14, 'completed'], [1, 'absent']]);
    const wish = { recordings: dice.weighted([[0, 0], [7, 1], [2, 2]]), duration: dice.weighted([[6, dice.between(1, 5)], [2, dice.between(6, 20)]]), channels: dice.weighted([[4, 2], [1, 1]]), source: 'OutboundAPI', callbacks: false };
    const { calls: [placed] } = await world.simulator.ask('POST', 'calls', { ...wish, ...(status === 'absent' ? { recording_status: 'absent', error_code: 16101 } : {}) });
    const told = await this.#resource(placed.call_sid);
    const recordings = placed.recordings.map((one) => ({
      recordingSid: one.recording_sid, callSid: placed.call_sid, channels: one.channels, seconds: Math.round(one.duration_ms / 1000), startedAt: one.started_at, status,
      size: 4000 * Math.max(1, Math.round(one.duration_ms / 1000)),
    }));
    const wanted = [{ of: 'initiated' }, { of: 'completed' }, ...recordings.flatMap((recording) => [{ of: 'in-progress', recording }, { of: 'recorded', recording }])];
    for (const callback of dice.chance(40) ? dice.shuffle(wanted) : wanted) {
      const one = { ...callback, ...told, callSid: placed.call_sid, status };
      const fate = dice.weighted([[12, 'once'], [2, 'doubled'], [2, 'late']]);
      if (fate === 'late') this.late.push(one);
      else this.#begin(one);
      if (fate === 'doubled') this.#begin(one);
    }
    if (dice.chance(30)) for (const one of this.late.splice(0)) this.#begin(one);
    world.calls.push(placed.call_sid);
    world.recordings.push(...recordings);
  }

  /** What callbacks tell of it: what Twilio's API does. */
  async #resource(callSid) {
    const headers = { Authorization: `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}` };
    const { json } = await requestJson(`${this.world.simulator.url}/2010-04-01/Accounts/${ACCOUNT}/Calls/${callSid}.json`, { headers });
    return { call: { From: json.from, To: json.to, Direction: json.direction, Timestamp: json.start_time }, ended: { CallDuration: json.duration, Duration: undefined, Timestamp: json.end_time } };
  }

  #begin(one) {
    const sent = this.#send(one, (this.marks += 1)).finally(() => this.sending.delete(sent));
    this.sending.add(sent);
  }

  async #send(one, mark) {
    const [path, fields] = callbackOf(one);
    const about = { mark, callSid: one.callSid, recordingSid: one.recording?.recordingSid, of: one.of, status: one.status };
    for (let tries = 0; tries < TRIES && !this.world.isGivenUp; tries += 1) {
      const member = this.world.someMember(this.dice);
      const from = this.world.history.now();
      const reply = await postForm(member.url, path, { ...fields, ClusterMark: String(mark) }, { withinMs: PATIENCE_MS }).catch((error) => ({ error }));
      this.world.history.add('webhook', { ...about, process: member.name, from, answer: reply.status ?? null, wrong: this.world.isWrong(reply) });
      if (reply.status === 200) return;
      await pause(AGAIN_MS);
    }
  }
}
