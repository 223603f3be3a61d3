// The callbacks of a schedule: signed as Twilio signs, marked each with a number of its own, and which of them were acknowledged.
import { setTimeout as pause } from 'node:timers/promises';
import { startWatch } from '../server/harness/heard.js';
import { callbackOf, postForm } from '../server/harness/webhook.js';

const LATEST_MS = 60_000;
const PATIENCE_MS = 180_000;

export class Callbacks {
  constructor(world) {
    this.world = world;
    this.acknowledged = new Map(); // by mark: { callSid, recordingSid, of }
    this.late = [];
    this.sending = new Set();
    this.marks = 0;
  }

  /** A call is placed: what is told of it, and when. */
  announce(step, call) {
    for (const callback of step.callbacks) {
      const one = { of: callback.of, ms: callback.ms, callSid: call.callSid, recording: call.recordings[callback.number], status: step.status, mark: (this.marks += 1) };
      if (callback.isLate) this.late.push(one);
      else this.#begin(one);
    }
  }

  sendLate() {
    for (const one of this.late.splice(0)) this.#begin(one);
  }

  /** The recording is completed, once more. */
  tellAgain(recording) {
    this.#begin({ of: 'recorded', ms: 0, callSid: recording.callSid, recording, status: recording.status, mark: (this.marks += 1) });
  }

  /** That it is completed was acknowledged. */
  isTold({ recordingSid }) {
    return [...this.acknowledged.values()].some((event) => event.of === 'recorded' && event.recordingSid === recordingSid);
  }

  /** All that are under way are answered, or lost. */
  async settle() {
    await Promise.all(this.sending);
  }

  #begin(one) {
    const sent = this.#send(one).finally(() => this.sending.delete(sent));
    this.sending.add(sent);
  }

  async #send(one) {
    if (one.ms > 0) await pause(one.ms);
    const { server } = this.world;
    const [path, fields] = callbackOf(one);
    const watch = startWatch();
    let reply;
    try {
      reply = await postForm(server.url, path, { ...fields, CampaignMark: String(one.mark) }, { withinMs: PATIENCE_MS });
    } catch (error) {
      if (!await this.world.isExcusedSoon(server)) this.world.object(`a webhook was not answered: ${error.message}`);
      return;
    }
    if (reply.status === 200) this.acknowledged.set(one.mark, { callSid: one.callSid, recordingSid: one.recording?.recordingSid, of: one.of });
    else if (reply.status !== 503 || !(this.world.mayRefuse || this.world.isExcused(server))) this.world.object(`a webhook was answered ${reply.status} ${reply.body}`);
    if (watch() > LATEST_MS) this.world.object(`a webhook was answered after ${Math.round(watch())} ms`);
  }
}
