// Recordings that Twilio encrypted, made here by Node's crypto: they play, and of what was changed nothing is stored or served.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { callbackDetails, encrypt, keyPair } from './harness/cipher.js';
import { request } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const wav = audio({ seconds: 5, format: 'wav' });

/** A folder with the private halves, as the setting names it. */
function keyFolder(t, keys) {
  const folder = join(temporaryFolder(t), 'keys');
  mkdirSync(folder);
  for (const { sid, pem } of keys) writeFileSync(join(folder, `${sid}.pem`), pem, { mode: 0o600 });
  return folder;
}

/** Every file below the folder. */
const filesBelow = (folder) => readdirSync(folder, { recursive: false, withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : []));

/** The upstream has it, and the server is told; with { sealed } of something else than what encrypt() made. */
async function announce(server, upstream, key, { sealed = encrypt(wav, key), body = sealed.body, details = callbackDetails(key, sealed), encryption, fields } = {}) {
  const callSid = newSid('CA');
  const recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { wav: body, media: Buffer.from('never'), callSid, encryption });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recordingSid, EncryptionDetails: details, ...fields,
  }));
  assert.equal(reply.status, 200);
  return { callSid, recordingSid, sealed, url: `${server.url}/api/recordings/${recordingSid}/media` };
}

test('several keys: each recording plays byte for byte, as WAV whatever the format', async (t) => {
  const keys = [keyPair(), keyPair({ bits: 3072 })];
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'twilio.private_key_file': keyFolder(t, keys) } });
  for (const key of keys) {
    const { callSid, recordingSid, url } = await announce(server, upstream, key);
    const call = await untilState(server, callSid, 'stored');
    assert.equal(call.recordings[0].attempts.length, 1);
    const { status, headers, body } = await request(url);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'audio/wav');
    assert.ok(body.equals(wav), `${body.length} of ${wav.length} bytes`);
    const [asked] = upstream.mediaRequests(recordingSid);
    assert.match(asked.path, /\.wav$/);
    assert.equal(asked.query.get('RequestedChannels'), '2');
  }
  const stored = filesBelow(join(server.dataDir, 'recordings'));
  assert.ok(stored.some((file) => readFileSync(file).equals(wav)));
  assert.deepEqual(readdirSync(join(server.dataDir, 'arriving')), []);
});
