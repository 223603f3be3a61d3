// When the waveform of what plays is asked for: as soon as it is there, and not before.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { installAudio, settled } from './fake_audio.js';
import { load } from './load.js';

let waits = [];
installAudio({ setTimeout: (act) => waits.push(act), clearTimeout() {} });

const waveform = { version: 2, channels: 1, sample_rate: 8000, samples_per_pixel: 8000, bits: 8, length: 2, data: [-64, 64, -1, 1], duration: 2, silence: [], loudness: [-20], sides: null };
let answers = [];
const asked = [];
globalThis.fetch = async (address) => {
  asked.push(address);
  const { status = 200, code, json = waveform } = answers.shift() ?? {};
  return { ok: status < 300, status, headers: new Map(), json: async () => (code ? { code } : json) };
};

const { load: take, learn, wave, unload } = await load('player/engine', 'player/waves');
let recordings = 0;
let source;

beforeEach(() => {
  unload();
  waits = [];
  answers = [];
  asked.length = 0;
  recordings += 1;
  source = { id: `RE${recordings}`, media: '/m', waveform: `/w${recordings}`, heard: null, durationS: 2, hasWaveform: true };
});

test('it is there: asked for once, and shown', async () => {
  take(source);
  await settled();
  assert.deepEqual(asked, [`${source.waveform}?points=2000`]);
  assert.equal(wave.value.durationS, 2);
  learn({ ...source });
  await settled();
  assert.equal(asked.length, 1);
});

test('stored, and not made yet: it is waited for until an event says that it is there', async () => {
  take({ ...source, hasWaveform: false });
  await settled();
  assert.deepEqual(asked, []);
  learn(source);
  await settled();
  assert.equal(asked.length, 1);
  assert.notEqual(wave.value, null);
});

test('it arrives: nothing is asked for before it is stored and its waveform made', async () => {
  take({ ...source, isArriving: true, hasWaveform: false });
  learn({ ...source, hasWaveform: false });
  await settled();
  assert.deepEqual(asked, []);
  learn(source);
  await settled();
  assert.equal(asked.length, 1);
});

test('another one is played: nothing of the one before is shown, and what came too late is not', async () => {
  take(source);
  const other = { ...source, id: 'other', waveform: '/other', hasWaveform: false };
  take(other);
  await settled();
  assert.equal(wave.value, null);
});

test('nobody says whether there is one (the page of a link): asked for, and again while it is made', async () => {
  const { hasWaveform: _, ...untold } = source;
  answers = [{ status: 404, code: 'waveform_pending' }];
  take(untold);
  await settled();
  assert.deepEqual([asked.length, wave.value, waits.length], [1, null, 1]);
  waits[0]();
  await settled();
  assert.equal(asked.length, 2);
  assert.notEqual(wave.value, null);
});
