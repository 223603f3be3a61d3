// callspool simulate as an upstream: placing calls, setting faults, and asking what was asked of it.
import { startSimulate } from './callspool.js';
import { request, requestJson } from './http.js';
import { RECORDING_STATUS, postForm, recordingCallback } from './webhook.js';

export class Simulator {
  static async start(t, args = []) {
    const simulator = new Simulator();
    simulator.program = await startSimulate(t, args);
    simulator.url = simulator.program.url;
    return simulator;
  }

  async ask(method, path, body) {
    const reply = await request(`${this.url}/simulate/${path}`, { method, body: body && JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {} });
    if (reply.status >= 300) throw new Error(`${method} /simulate/${path}: ${reply.status} ${reply.body}`);
    return reply.body.length > 0 ? JSON.parse(reply.body) : null;
  }

  /** Places a call that is over, with one recording: { callSid, recordingSid, seconds, bytes, mono, mediaPath, downloadPath }. */
  async place(options = {}) {
    const { calls: [call] } = await this.ask('POST', 'calls', { callbacks: false, ...options });
    const [recording] = call.recordings;
    const { body } = await request(`${this.url}/simulate/media/${recording.recording_sid}.mp3`);
    const { body: mono } = await request(`${this.url}/simulate/media/${recording.recording_sid}.mp3?RequestedChannels=1`);
    return {
      callSid: call.call_sid, recordingSid: recording.recording_sid, seconds: Math.round(recording.duration_ms / 1000), bytes: body, mono,
      mediaPath: `/api/recordings/${recording.recording_sid}/media`, downloadPath: `/api/calls/${call.call_sid}/download`,
    };
  }

  /** The same, and tells the server of it. */
  async announce(server, options) {
    const recording = await this.place(options);
    await tell(server, recording);
    return recording;
  }

  addFaults(...rules) {
    return this.ask('POST', 'faults', { rules });
  }

  clearFaults() {
    return this.ask('DELETE', 'faults');
  }

  /** What was asked for of one recording's media: { requests, ranges, open_max, ... }; zeros where nothing was. */
  async counts(recordingSid) {
    const { json } = await requestJson(`${this.url}/simulate/requests`);
    return json.recordings[recordingSid] ?? { requests: 0, ranges: [], open: 0, open_max: 0, redirected_authorized: 0 };
  }
}

/** The callback that Twilio sends once a recording is completed. */
export async function tell(server, recording, fields = {}, options = {}) {
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: recording.callSid, RecordingSid: recording.recordingSid, RecordingDuration: String(recording.seconds), ...fields,
  }), options);
  if (reply.status !== 200) throw new Error(`the webhook was answered ${reply.status} ${reply.body}`);
}
