// The page of calls as a listener has it: signed in, through nginx with TLS; Twilio is startUpstream().
import { startUpstream } from '../server/harness/upstream.js';
import { audio } from '../server/harness/audio.js';
import { until } from '../server/harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from '../server/harness/webhook.js';
import { launchBrowser } from './browser.js';
import { HOSTS, acceptInvitation, newPage, startSecure } from './secure.js';

export { play, playOf, region, rowOf, sound, untilSound } from './page.js';

/** { upstream, secure, browser, admin }: `admin` is a page of the administrator, at the list. */
export async function startCalls(t, { settings } = {}) {
  const upstream = await startUpstream(t);
  const secure = await startSecure(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '200ms', play_wait: '2s', ...settings } });
  const browser = await launchBrowser(t, { hosts: HOSTS });
  const admin = await newPage(browser, { permissions: ['clipboard-read', 'clipboard-write'] });
  await acceptInvitation(admin, await secure.firstLink(), 'dana', true);
  return { upstream, secure, browser, admin };
}

/** Webhooks to the server as Twilio signs them for the address behind nginx. */
export const tell = async ({ secure }, path, fields) => {
  const reply = await postForm(secure.server.url, path, fields, { publicUrl: secure.url });
  if (reply.status !== 200) throw new Error(`the webhook was answered ${reply.status} ${reply.body}`);
};

let numbers = 1000;

/** A call that is over: { callSid, number, recordingSid }; `answer`, `media`: what Twilio has of its recording; neither: none. */
export async function addCall(world, { seconds = 20, media, answer, call = {}, recording = {}, isStored = true, callSid = newSid('CA') } = {}) {
  numbers += 1;
  const number = call.To ?? `+1312555${numbers}`;
  const recordingSid = newSid('RE');
  const bytes = media ?? audio({ seconds, format: 'mp3', channels: 2 });
  world.upstream.recordings.set(recordingSid, answer ? { callSid, answer } : { media: bytes, callSid, duration: seconds });
  await tell(world, CALL_STATUS, callCallback({ CallSid: callSid, From: '+14155550132', To: number, Direction: 'outbound-api', ...call }));
  await tell(world, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: String(seconds), RecordingStartTime: new Date().toUTCString().replace('GMT', '+0000'), ...recording }));
  if (isStored && !answer) await untilStored(world, callSid);
  return { callSid, recordingSid, number, bytes };
}

/** As the first page's own cookie may ask. */
export const askCalls = ({ admin }, query = '') => admin.evaluate(async (search) => (await fetch(`/api/calls${search}`)).json(), query);

export const untilStored = (world, callSid) => until('it is stored', async () => {
  const { calls } = await askCalls(world, `?call=${callSid}`);
  return calls[0]?.recordings[0]?.state === 'stored';
}, 20_000);

/** Made when nobody else wants the processor: beside other work that is minutes. */
export const untilWaveform = (world, callSid) => until('its waveform is made', async () => {
  const { calls } = await askCalls(world, `?call=${callSid}`);
  return calls[0]?.recordings[0]?.waveform === true;
}, 600_000);
