// Webhooks that nobody should believe: refused, counted, and told in few lines.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from './harness/callspool.js';
import { requestJson } from './harness/http.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const WRONG = { token: 'f'.repeat(32) };
const FLOOD = 400;

const statusOf = async (server) => (await requestJson(`${server.url}/api/status`)).json;

test('a flood of forged webhooks is one line of the log, and the number in status', async (t) => {
  const server = await startServer(t, { settings: { trusted_proxies: '127.0.0.1' } });
  const fields = recordingCallback();
  const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'calls.example.net' };
  for (let sent = 0; sent < FLOOD; sent += 20) {
    const replies = await Promise.all(Array.from({ length: 20 }, () => postForm(server.url, RECORDING_STATUS, fields, { ...WRONG, headers })));
    for (const reply of replies) assert.equal(reply.status, 403);
  }
  const lines = server.err.filter((line) => /refused .*webhook/.test(line));
  assert.equal(lines.length, 1, lines.slice(0, 3).join('\n'));
  assert.match(lines[0], /\blevel=warn\b/);
  assert.match(lines[0], /203\.0\.113\.9/, 'who sent it, not the proxy');
  const { webhooks } = await statusOf(server);
  assert.equal(webhooks.refused.wrong_signature, FLOOD);
  assert.equal(webhooks.last_refused_from, '203.0.113.9');
  assert.equal(webhooks.last_refused_to, 'https://calls.example.net', 'as the proxy says, not public_url');
  assert.equal(webhooks.public_url, 'http://callspool.test');
});

test('status tells why webhooks were refused, and how many were taken', async (t) => {
  const server = await startServer(t);
  const before = (await statusOf(server)).webhooks;
  assert.deepEqual(before.refused, { unsigned: 0, unknown_account: 0, wrong_signature: 0, no_public_url: 0 });
  assert.equal(before.last_refused_at, null);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), WRONG)).status, 403);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), { signature: null })).status, 400);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ AccountSid: newSid('AC') }))).status, 403);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback())).status, 200);
  const { webhooks } = await statusOf(server);
  assert.deepEqual(webhooks.refused, { unsigned: 1, unknown_account: 1, wrong_signature: 1, no_public_url: 0 });
  assert.equal(webhooks.taken, 1);
  assert.ok(Math.abs(Date.parse(webhooks.last_refused_at) - Date.now()) < 60_000, webhooks.last_refused_at);
  assert.ok(Math.abs(Date.parse(webhooks.last_taken_at) - Date.now()) < 60_000, webhooks.last_taken_at);
});
