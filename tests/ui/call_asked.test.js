// A call as its details ask for it, and when they ask again.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { settled } from './fake_audio.js';
import { hooked } from './hook.js';
import { load } from './load.js';

globalThis.document = { addEventListener() {}, removeEventListener() {} };
globalThis.addEventListener = globalThis.removeEventListener = () => {};
globalThis.setInterval = () => 0;
globalThis.WebSocket = undefined; // what is told is asked for by polls
Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, configurable: true });

let answers, told, asked;
/** Nothing is told any more, until nobody wants it. */
const never = (signal) => new Promise((_, refuse) => { signal.addEventListener('abort', refuse); });
globalThis.fetch = async (address, { signal }) => {
  asked.push(address);
  const json = await ((address.startsWith('/api/events') ? told : answers).shift() ?? never(signal));
  return { ok: true, status: 200, headers: new Map(), json: async () => json };
};

const preact = await load('preact', 'details/load');
const call = (seq, state) => ({ call_sid: 'CA1', seq, status: 'completed', ended_at: '2026-11-21T14:00:00Z', recordings: [{ recording_sid: 'RE1', state }] });
const lookedUp = () => asked.filter((address) => address === '/api/calls/CA1').length;

beforeEach(() => {
  asked = [];
  answers = [call(7, 'waiting'), call(9, 'stored')];
});

for (const [what, message, times] of [['it was away for too long', { reset: true }, 2], ['more happened than is told', { more: 300 }, 2], ['nothing happened', {}, 1]]) {
  test(`its own connection says that ${what}: asked ${times > 1 ? 'again' : 'once'}`, async (t) => {
    told = [{ seq: 99, ...message }];
    const details = hooked(preact, () => preact.useCall('CA1'));
    t.after(details.end);
    await settled();
    assert.equal(told.length, 0, 'it was told');
    assert.equal(lookedUp(), times);
    assert.equal(details.value.call.recordings[0].state, times > 1 ? 'stored' : 'waiting');
  });
}

test('what does not change any more has no connection of its own', async (t) => {
  answers = [call(9, 'stored')];
  t.after(hooked(preact, () => preact.useCall('CA1')).end);
  await settled();
  assert.deepEqual(asked, ['/api/calls/CA1']);
});
