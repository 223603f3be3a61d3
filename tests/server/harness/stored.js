// A server with recordings that are stored already: where most tests begin.
import { audio } from './audio.js';
import { startServer, untilDigest, untilState } from './callspool.js';
import { startUpstream } from './upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './webhook.js';

/** Tells the server of a recording, whose media the upstream has, and waits until it is stored, with its digest. */
export async function store(server, upstream, { media, format = 'mp3', seconds = 5, channels = 2, callSid = newSid('CA'), fields = {} } = {}) {
  const recordingSid = newSid('RE');
  const bytes = media ?? audio({ seconds, format, channels });
  upstream.recordings.set(recordingSid, { media: bytes, wav: bytes, callSid, duration: seconds, channels });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: String(seconds), RecordingChannels: String(channels), ...fields,
  }));
  if (reply.status !== 200) throw new Error(`the webhook was answered ${reply.status} ${reply.body}`);
  await untilState(server, callSid, 'stored');
  await untilDigest(server, callSid, recordingSid);
  return { callSid, recordingSid, bytes, mediaPath: `/api/recordings/${recordingSid}/media`, downloadPath: `/api/calls/${callSid}/download` };
}

/** { server, upstream, recording } with one recording stored. */
export async function startStored(t, { recording, ...options } = {}) {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, ...options });
  return { server, upstream, recording: await store(server, upstream, recording) };
}
