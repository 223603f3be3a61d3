// GET /api/events: whoever follows it, by WebSocket or by long poll, knows what the list knows.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from './harness/callspool.js';
import { Events, poll } from './harness/events.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

const twilioTime = (ms) => new Date(ms).toUTCString().replace('GMT', '+0000');

/** A call's webhook, committed; its fields. */
async function call(server, fields = {}) {
  const told = callCallback({ Timestamp: twilioTime(Date.now()), ...fields });
  assert.equal((await postForm(server.url, CALL_STATUS, told)).status, 200);
  return told;
}

const list = async (server, query = '') => (await requestJson(`${server.url}/api/calls?limit=200${query}`)).json;

describe('a WebSocket', () => {
  let server;
  before(async () => { server = await startServer(lifetime); });

  test('hears of a call as the list has it', async (t) => {
    const events = await Events.open(t, server);
    const [hello] = [await events.hears('the number', () => true)];
    assert.deepEqual(Object.keys(hello), ['seq']);
    const { CallSid } = await call(server, { CallStatus: 'ringing', CallDuration: undefined });
    const told = await events.hears('the call', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === CallSid));
    const { calls: [row], seq } = await list(server);
    assert.deepEqual(told.calls, [row]);
    assert.ok(told.seq > hello.seq && told.seq >= row.seq && told.seq <= seq);
    assert.deepEqual(told.gone, []);
  });
});
