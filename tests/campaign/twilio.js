// The simulated Twilio of a schedule, and what it was asked.
import { Simulator } from '../server/harness/simulator.js';
import { request } from '../server/harness/http.js';

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
  async place({ call, recording, recordings, seconds, channels, status, age }) {
    const reply = await this.simulator.ask('POST', 'calls', {
      call_sid: call, recording_sid: recording, recordings, duration: this.format === 'wav' ? Math.ceil(seconds / 6) : seconds, channels, callbacks: false, age: Math.round(age * 86_400),
      ...(status === 'absent' ? { recording_status: 'absent', error_code: 16101 } : {}),
    });
    const [placed] = reply.calls;
    return {
      callSid: placed.call_sid,
      recordings: await Promise.all(placed.recordings.map(async (one) => ({
        recordingSid: one.recording_sid, callSid: placed.call_sid, channels: one.channels, seconds: Math.round(one.duration_ms / 1000), startedAt: one.started_at, status, age,
        contents: status === 'absent' ? [] : [await this.#media(one.recording_sid, 0)],
      }))),
    };
  }

  async #media(recordingSid, edition) {
    const { status, body } = await request(`${this.url}/simulate/media/${recordingSid}.${this.format}?edition=${edition}`, { withinMs: PATIENCE_MS });
    return status === 200 ? body : undefined;
  }

  /** All that the recording ever was, by now. */
  learnEditions(recording) {
    recording.learning = (recording.learning ?? Promise.resolve()).then(() => this.#learn(recording));
    return recording.learning;
  }

  async #learn(recording) {
    for (;;) {
      const next = await this.#media(recording.recordingSid, recording.contents.length);
      if (!next) return;
      recording.contents.push(next);
    }
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
