// Fetching over https: from TLS 1.2 on, and only from a server whose certificate is trusted (fetch.ca_file).
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { startServer } from './harness/callspool.js';
import { makeCertificate } from './harness/certificate.js';
import { request } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, postForm, recordingCallback } from './harness/webhook.js';

// Debian's own configuration of OpenSSL refuses TLS below 1.2, too: without it, it is callspool that does.
const LAX = `openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = lax
[lax]
MinProtocol = TLSv1
CipherString = DEFAULT:@SECLEVEL=0
`;

/** A server whose Twilio speaks TLS of that version alone, and how a play of its recording ends. */
async function playOver(t, version, { trusts = true, redirectTo } = {}) {
  const folder = temporaryFolder(t, 'tls');
  const { certificate, key } = await makeCertificate(folder);
  const conf = join(folder, 'openssl.cnf');
  writeFileSync(conf, LAX);
  const refusals = [];
  const upstream = await startUpstream(t, {
    tls: {
      cert: readFileSync(certificate), key: readFileSync(key), minVersion: version, maxVersion: version, ciphers: 'DEFAULT:@SECLEVEL=0',
    },
  });
  upstream.onRefusal = (error) => refusals.push(error.code);
  const server = await startServer(t, {
    upstream: upstream.url,
    env: { OPENSSL_CONF: conf },
    settings: { play_wait: '3s', ...(trusts ? { 'fetch.ca_file': certificate } : {}) },
  });
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, media: audio() });
  if (redirectTo) {
    upstream.answer = (request, reply) => {
      reply.writeHead(302, { Location: redirectTo + request.url, 'Content-Length': 0 });
      reply.end();
    };
  }
  await postForm(server.url, RECORDING_STATUS, fields);
  const reply = await request(`${server.url}/api/calls/${fields.CallSid}/download`);
  return { reply, upstream, refusals, server };
}

for (const version of ['TLSv1.2', 'TLSv1.3']) {
  test(`${version} is spoken`, async (t) => {
    const { reply, upstream } = await playOver(t, version);
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(audio()));
    assert.ok(upstream.mediaRequests().length > 0);
  });
}

for (const version of ['TLSv1', 'TLSv1.1']) {
  test(`${version} is not`, async (t) => {
    const { reply, upstream, refusals } = await playOver(t, version);
    assert.equal(reply.status, 503);
    assert.equal(JSON.parse(reply.body).code, 'upstream_unavailable');
    assert.deepEqual(upstream.requests, [], 'no request, and so no credentials, over it');
    assert.ok(refusals.includes('ERR_SSL_UNSUPPORTED_PROTOCOL'), `what the two did not agree on: ${refusals}`);
  });
}

test('a certificate that nobody vouches for is not believed', async (t) => {
  const { reply, upstream } = await playOver(t, 'TLSv1.3', { trusts: false });
  assert.equal(reply.status, 503);
  assert.deepEqual(upstream.requests, [], 'no request, and so no credentials');
});

test('a redirect to http is not followed', async (t) => {
  const plain = await startUpstream(t);
  const { reply } = await playOver(t, 'TLSv1.3', { redirectTo: plain.url });
  assert.equal(reply.status, 503);
  assert.deepEqual(plain.requests, [], 'the recording is not asked for where everybody can listen');
});
