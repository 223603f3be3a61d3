// What the player holds of a call, and how it hears what becomes of it.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { installAudio, settled } from './fake_audio.js';
import { load } from './load.js';

const theAudio = installAudio({ setTimeout: () => 0, clearTimeout() {} });
Object.assign(globalThis.document, { addEventListener() {}, removeEventListener() {} });
globalThis.setInterval = () => 0;
globalThis.removeEventListener = () => {};
globalThis.BroadcastChannel = undefined; // it would keep the test alive
globalThis.WebSocket = undefined; // what is told is asked for by polls

let answer;
const asked = [];
globalThis.fetch = async (address, { signal } = {}) => {
  asked.push(address);
  const json = await answer(address, signal);
  return { ok: true, status: 200, headers: new Map(), json: async () => json };
};

const { play, putIn, pause, sound, track } = await load('player/control', 'player/engine');
let calls = 0;

const recording = (waveform, state = 'stored') => ({ recording_sid: `RE${calls}`, state, waveform, duration: 2, started_at: null });
const call = (seq, ...recordings) => ({ call_sid: `CA${calls}`, seq, recording_count: recordings.length, main_recording_sid: `RE${calls}`, recordings });
const lookedUp = () => asked.filter((address) => address === `/api/calls/CA${calls}`).length;

beforeEach(() => {
  calls += 1;
  asked.length = 0;
});

test('a row whose waveform was not made: the list holds news back, so it is asked whether it is made now', async () => {
  answer = () => call(8, recording(true));
  play(call(7, recording(false)));
  assert.equal(sound.value.source.hasWaveform, false);
  await settled();
  assert.equal(lookedUp(), 1);
  assert.equal(sound.value.source.hasWaveform, true);
});

test('what was told meanwhile is newer than the answer', async () => {
  answer = () => call(7, recording(false));
  play(call(7, recording(false)));
  track.set({ ...track.value, call: call(9, recording(true)), recordings: [recording(true)] });
  await settled();
  assert.equal(track.value.recordings[0].waveform, true);
});

test('a row that has all of it is not looked up', async () => {
  answer = () => call(7, recording(true));
  play(call(7, recording(true)));
  await settled();
  assert.equal(lookedUp(), 0);
});

test('a row has one of several recordings: the others are looked up', async () => {
  const other = { ...recording(true), recording_sid: 'other' };
  answer = () => call(7, recording(true), other);
  play({ ...call(7, recording(true)), recording_count: 2 });
  await settled();
  assert.equal(lookedUp(), 1);
  assert.deepEqual(track.value.recordings.map(({ recording_sid: sid }) => sid).sort(), [`RE${calls}`, 'other'].sort());
});

/** Of what else is asked nothing is told, until nobody wants it. */
const never = (signal) => new Promise((_, refuse) => { signal?.addEventListener('abort', refuse); });
const isOfCall = (address) => address.startsWith('/api/calls/');

test('of two answers that cross, what the newer one says stays', async () => {
  const answers = [];
  answer = (address, signal) => isOfCall(address) ? new Promise((tell) => { answers.push(tell); }) : never(signal);
  const other = { ...recording(true), recording_sid: 'other' };
  const row = { ...call(7, recording(false)), recording_count: 2 };
  play(row);
  play(row, { recordingSid: 'other' });
  answers[1](call(10, recording(true), other));
  await settled();
  answers[0](call(9, recording(false)));
  await settled();
  assert.deepEqual(track.value.recordings.map(({ waveform }) => waveform), [true, true]);
});

for (const [what, message, times] of [['it was away for too long', { reset: true }, 1], ['more happened than is told', { more: 300 }, 1], ['nothing happened', {}, 0]]) {
  test(`its own connection says that ${what}: ${times ? 'the call is asked for' : 'nothing is asked'}`, async () => {
    const told = [{ seq: 99, ...message }];
    answer = (address, signal) => isOfCall(address) ? call(9, recording(true)) : (address.startsWith('/api/events') && told.shift()) || never(signal);
    play(call(7, recording(undefined, 'waiting')));
    await settled();
    assert.equal(told.length, 0, 'it was told');
    assert.equal(lookedUp(), times);
    assert.equal(track.value.recordings[0].state, times ? 'stored' : 'waiting');
  });
}

test('an address opens the recording that it names, or the main one of its call, and plays nothing', () => {
  answer = (address, signal) => never(signal);
  const other = { ...recording(true), recording_sid: 'other' };
  pause();
  for (const [named, opened] of [['other', 'other'], ['', `RE${calls}`], ['away', `RE${calls}`]]) {
    putIn(call(7, recording(true), other), 12, named);
    assert.deepEqual([track.value.recordingSid, sound.value.isWanted], [opened, false]);
  }
});

test('an answer tells that the recording is there: what waits for it is tried again', async () => {
  let tell;
  answer = (address, signal) => isOfCall(address) ? new Promise((told) => { tell = told; }) : never(signal);
  play({ ...call(7, recording(false, 'waiting')), recording_count: 2 });
  const audio = theAudio();
  const before = audio.loads.length;
  audio.error = { code: 2 };
  sound.set({ ...sound.value, trouble: { kind: 'offline', atS: 0 } });
  tell(call(8, recording(true), { ...recording(true), recording_sid: 'other' }));
  await settled();
  assert.deepEqual([audio.loads.length, sound.value.trouble], [before + 1, null]);
});
