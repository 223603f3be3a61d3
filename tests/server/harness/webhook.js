// Webhooks as Twilio sends them: fields of its documentation, signed by its own library.
import { createHash, randomBytes } from 'node:crypto';
import webhooks from 'twilio/lib/webhooks/webhooks.js';
import { ACCOUNT, TOKEN } from './callspool.js';
import { request } from './http.js';

export const PUBLIC_URL = 'http://callspool.test';

export const newSid = (prefix) => prefix + randomBytes(16).toString('hex');

/** A recordingStatusCallback; `fields` replace or add (undefined: leave out). */
export function recordingCallback(fields = {}) {
  const recordingSid = fields.RecordingSid ?? newSid('RE');
  return clean({
    AccountSid: ACCOUNT,
    CallSid: newSid('CA'),
    RecordingSid: recordingSid,
    RecordingUrl: `https://api.twilio.com/2010-04-01/Accounts/${ACCOUNT}/Recordings/${recordingSid}`,
    RecordingStatus: 'completed',
    RecordingDuration: '5',
    RecordingChannels: '2',
    RecordingStartTime: new Date(Date.now() - 60_000).toUTCString().replace('GMT', '+0000'),
    RecordingSource: 'OutboundAPI',
    RecordingTrack: 'both',
    ErrorCode: '0',
    ...fields,
  });
}

/** A call status callback. */
export function callCallback(fields = {}) {
  return clean({
    AccountSid: ACCOUNT,
    ApiVersion: '2010-04-01',
    CallSid: newSid('CA'),
    CallStatus: 'completed',
    CallDuration: '7',
    Duration: '1',
    Direction: 'outbound-api',
    From: '+97235550100',
    To: '+972501234567',
    Timestamp: new Date().toUTCString().replace('GMT', '+0000'),
    CallbackSource: 'call-progress-events',
    SequenceNumber: '3',
    ...fields,
  });
}

const clean = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export const formBody = (fields) => {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) form.append(name, one);
  return form.toString();
};

/** What a test may change: token, publicUrl, signature (a text, or null for none), headers. */
const sign = (url, params, { token = TOKEN, signature } = {}) =>
  signature === undefined ? webhooks.getExpectedTwilioSignature(token, url, params) : signature;

const signed = (signature, headers) => (signature === null ? headers : { ...headers, 'X-Twilio-Signature': signature });

/** POST with a form.  `base` is where to send it (server or nginx), the signature covers publicUrl. */
export function postForm(base, path, fields, options = {}) {
  const url = (options.publicUrl ?? PUBLIC_URL) + path;
  return request(base, {
    method: 'POST',
    path,
    body: formBody(fields),
    agent: options.agent,
    withinMs: options.withinMs,
    headers: signed(sign(url, fields, options), {
      'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8',
      'I-Twilio-Idempotency-Token': randomBytes(16).toString('hex'),
      'User-Agent': 'TwilioProxy/1.1',
      ...options.headers,
    }),
  });
}

/** GET: the fields are in the address. */
export function get(base, path, fields, options = {}) {
  const target = `${path}?${formBody(fields)}`;
  return request(base, {
    path: target,
    headers: signed(sign((options.publicUrl ?? PUBLIC_URL) + target, {}, options), { ...options.headers }),
  });
}

/** POST with JSON: the address carries the hash of the body. */
export function postJson(base, path, fields, options = {}) {
  const body = options.body ?? JSON.stringify(fields);
  const hash = createHash('sha256').update(options.hashOf ?? body).digest('hex');
  const target = `${path}${path.includes('?') ? '&' : '?'}bodySHA256=${hash}`;
  const url = (options.publicUrl ?? PUBLIC_URL) + target;
  return request(base, {
    method: 'POST',
    path: target,
    body,
    headers: signed(sign(url, {}, options), { 'Content-Type': 'application/json', ...options.headers }),
  });
}

export const RECORDING_STATUS = '/webhook/recording-status';
export const CALL_STATUS = '/webhook/call-status';

/** [path, fields] of what is told of a call (`of`: initiated, completed; `call`: fields of both, `ended`: of the latter) or of a recording of it (in-progress, recorded). */
export function callbackOf({ of, callSid, recording, status, call = {}, ended = {} }) {
  if (of === 'initiated') return [CALL_STATUS, callCallback({ CallSid: callSid, CallStatus: 'initiated', SequenceNumber: '0', CallDuration: undefined, Duration: undefined, ...call })];
  if (of === 'completed') return [CALL_STATUS, callCallback({ CallSid: callSid, ...call, ...ended })];
  return [RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recording.recordingSid, RecordingStartTime: new Date(recording.startedAt).toUTCString().replace('GMT', '+0000'), RecordingChannels: String(recording.channels),
    ...(of === 'recorded' ? { RecordingStatus: status, RecordingDuration: String(recording.seconds), EncryptionDetails: recording.encryption, ...(status === 'absent' ? { ErrorCode: '16101' } : {}) }
      : { RecordingStatus: 'in-progress', RecordingDuration: undefined }),
  })];
}
