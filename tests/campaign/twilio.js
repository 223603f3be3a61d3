// The simulated Twilio of a schedule, and what it was asked.
import { ACCOUNT, TOKEN } from '../server/harness/callspool.js';
import { callbackDetails, newSealing, placedDetails } from '../server/harness/cipher.js';
import { Simulator } from '../server/harness/simulator.js';
import { request } from '../server/harness/http.js';
import { pairOf } from './keys.js';

const NO_ANSWER_MS = 2000; // a rule may have it never answer
const PATIENCE_MS = 180_000; // of a machine with much else to do

export class Twilio {
  static async start(t, seed, format) {
    const twilio = new Twilio();
    twilio.simulator = await Simulator.start(t, ['--seed', String(1 + (seed % 1_000_000))]);
    twilio.url = twilio.simulator.url;
    twilio.format = format;
    return twilio;
  }

  /** Places a call that is over: { callSid, recordings: [{ recordingSid, seconds, startedAt, channels, contents }] }. */
  async place({ call, recording, recordings, seconds, channels, status, age, sealed }) {
    const format = sealed ? 'wav' : this.format;
    const sealing = sealed && newSealing(pairOf(sealed.key));
    const reply = await this.simulator.ask('POST', 'calls', {
      call_sid: call, recording_sid: recording, recordings, duration: format === 'wav' ? Math.ceil(seconds / 6) : seconds, channels, callbacks: false, age: Math.round(age * 86_400),
      ...(sealed ? { encryption: placedDetails(pairOf(sealed.key), sealing) } : {}),
      ...(status === 'absent' ? { recording_status: 'absent', error_code: 16101 } : {}),
    });
    const [placed] = reply.calls;
    return {
      callSid: placed.call_sid,
      recordings: await Promise.all(placed.recordings.map(async (one) => ({
        recordingSid: one.recording_sid, callSid: placed.call_sid, channels: one.channels, seconds: Math.round(one.duration_ms / 1000), startedAt: one.started_at, status, age, format,
        ...(sealed ? { key: sealed.key, encryption: sealed.isTold ? callbackDetails(pairOf(sealed.key), sealing) : undefined } : {}),
        contents: status === 'absent' ? [] : [await this.#media(one.recording_sid, format, 0)],
      }))),
    };
  }

  async #media(recordingSid, format, edition) {
    const { status, body } = await request(`${this.url}/simulate/media/${recordingSid}.${format}?edition=${edition}`, { withinMs: PATIENCE_MS });
    return status === 200 ? body : undefined;
  }

  /** All that the recording ever was, by now. */
  learnEditions(recording) {
    recording.learning = (recording.learning ?? Promise.resolve()).then(() => this.#learn(recording));
    return recording.learning;
  }

  async #learn(recording) {
    for (;;) {
      const next = await this.#media(recording.recordingSid, recording.format, recording.contents.length);
      if (!next) return;
      recording.contents.push(next);
    }
  }

  /** Somebody deletes it at Twilio; false: Twilio refused.  Who gets no answer does not know. */
  async forget(recordingSid) {
    const headers = { Authorization: `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}` };
    const reply = await request(`${this.url}/2010-04-01/Accounts/${ACCOUNT}/Recordings/${recordingSid}.json`, { method: 'DELETE', headers, withinMs: NO_ANSWER_MS }).catch(() => undefined);
    return reply && reply.status === 204;
  }

  addFaults(rules) {
    return this.simulator.addFaults(...rules);
  }

  clearFaults() {
    return this.simulator.clearFaults();
  }

  /** What was asked for: by recording SID { requests, open_max, ... }. */
  async asked() {
    return (await this.simulator.ask('GET', 'requests')).recordings;
  }

  forgetAsked() {
    return this.simulator.ask('DELETE', 'requests');
  }
}
