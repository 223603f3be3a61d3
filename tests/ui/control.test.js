// What the player holds of a call, and how it hears what becomes of it.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { installAudio, settled } from './fake_audio.js';
import { load } from './load.js';

installAudio({ setTimeout: () => 0, clearTimeout() {} });
Object.assign(globalThis.document, { addEventListener() {}, removeEventListener() {} });
globalThis.setInterval = () => 0;
globalThis.BroadcastChannel = undefined; // it would keep the test alive

let answer;
const asked = [];
globalThis.fetch = async (address) => {
  asked.push(address);
  const json = await answer(address);
  return { ok: true, status: 200, headers: new Map(), json: async () => json };
};

const { play, sound, track } = await load('player/control', 'player/engine');
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
