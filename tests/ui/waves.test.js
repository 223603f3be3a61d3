// A waveform as floats, bars, marks, and who is in which lane.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { waveOf, barsOf, sharesOf, speakerAt, mixed } = await load('player/peaks');
const { marksOf } = await load('player/marks');
const { lanesOf } = await load('player/lanes_of');

/** Two channels side by side: [min, max] of the first, of the second. */
const waveform = (more = {}) => ({
  version: 2, channels: 2, sample_rate: 8000, samples_per_pixel: 8000, bits: 8, length: 4, duration: 4,
  data: [-64, 10, 0, 0, -4, 4, -16, 32, 0, 0, 0, 0, -1, 1, 0, 16],
  silence: [], loudness: [-20, -26], sides: ['agent', 'customer'], ...more,
});
const rounded = (lane) => [...lane].map((value) => Math.round(value * 1000) / 1000);

test('one factor for both sides, so that the louder fills 95 % of its lane', () => {
  const { lanes } = waveOf(waveform());
  assert.deepEqual(rounded(lanes[0]), [0.95, 0.059, 0, 0.015]);
  assert.deepEqual(rounded(lanes[1]), [0, 0.475, 0, 0.237]);
});

test('noise is not blown up to speech', () => {
  const { lanes } = waveOf(waveform({ data: Array.from({ length: 16 }, () => 1) }));
  assert.ok(lanes[0][0] < 0.2);
});

test('16 bits, one channel, more than two', () => {
  const one = waveOf(waveform({ channels: 1, bits: 16, length: 2, data: [-32768, 0, 0, 16384], duration: 2, sides: null }));
  assert.deepEqual(rounded(one.lanes[0]), [0.95, 0.475]);
  assert.equal(waveOf(waveform({ channels: 4, length: 2 })).lanes.length, 2);
});

test('what cannot be drawn is no wave', () => {
  assert.equal(waveOf(waveform({ length: 0, data: [] })), null);
  assert.equal(waveOf(waveform({ duration: 0, samples_per_pixel: 0 })), null);
});

test('a length that is not told follows from the points', () => {
  assert.equal(waveOf(waveform({ duration: undefined })).durationS, 4);
});

test('silence has no line: NaN where the middle of a point is silent, on both sides', () => {
  const { lanes } = waveOf(waveform({ silence: [[1.4, 3]] }));
  assert.deepEqual([...lanes[0]].map(Number.isNaN), [false, true, true, false]);
  assert.deepEqual([...lanes[1]].map(Number.isNaN), [false, true, true, false]);
});

test('a bar is the highest of its points, and silent when all are', () => {
  assert.deepEqual(rounded(barsOf([0.1, 0.5, 0.25, 0.75], 2)), [0.5, 0.75]);
  assert.deepEqual(rounded(barsOf([0.5, 0.25], 4)), [0.5, 0.5, 0.25, 0.25], 'more bars than points');
  const bars = barsOf([NaN, 0.5, NaN, NaN], 2);
  assert.equal(bars[0], 0.5);
  assert.ok(Number.isNaN(bars[1]));
});

test('who speaks, and how much', () => {
  const wave = waveOf(waveform({ silence: [[2, 3]] }));
  assert.equal(speakerAt(wave, 0.5), 0);
  assert.equal(speakerAt(wave, 1.5), 1, 'the louder of both');
  assert.equal(speakerAt(wave, 2.5), null);
  assert.equal(speakerAt(wave, 99), 1, 'the end is the last point');
  assert.deepEqual(sharesOf(wave), { sides: [25, 50], silence: 25 });
});

test('both in one lane', () => {
  assert.deepEqual(rounded(mixed(waveOf(waveform()))), [0.95, 0.475, 0, 0.237]);
});

test('marks stand on round times, apart from each other and from the end', () => {
  const times = (...args) => marksOf(...args).map(({ timeS }) => timeS);
  assert.deepEqual(times(728, 1000), [0, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 660]);
  assert.deepEqual(times(3, 1000), [0, 1, 2]);
  assert.deepEqual(times(0, 1000), []);
  assert.deepEqual(times(Infinity, 1000), []);
  assert.deepEqual(marksOf(4 * 3600, 1000).filter(({ isHour }) => isHour).map(({ timeS }) => timeS), [3600, 7200, 10800]);
  for (const durationS of [5, 61, 728, 5000, 14400, 100000]) {
    const all = times(durationS, 700);
    for (let i = 1; i < all.length; i++) assert.ok(((all[i] - all[i - 1]) / durationS) * 700 >= 64);
  }
});

test('the agent is above, wherever the file has them', () => {
  const names = (...args) => lanesOf(...args).map(({ channel, name }) => `${channel} ${name}`);
  const said = (isSwapped, agent = null) => ({ isSwapped, agent });
  assert.deepEqual(names(2, ['agent', 'customer']), ['0 agent', '1 customer']);
  assert.deepEqual(names(2, ['customer', 'agent']), ['1 agent', '0 customer']);
  assert.deepEqual(names(2, ['customer', 'agent'], said(true)), ['0 agent', '1 customer'], 'a person knows better');
  assert.deepEqual(names(2, ['agent', 'customer'], said(true)), ['1 agent', '0 customer']);
  assert.deepEqual(names(2, ['agent', 'customer'], said(false, 1)), ['0 agent', '1 customer'], 'what was said of calls that the server knows nothing of');
  assert.deepEqual(names(2, null), ['0 side1', '1 side2']);
  assert.deepEqual(names(2, null, said(true)), ['0 side1', '1 side2'], 'there is nothing to be swapped');
  assert.deepEqual(names(2, null, said(false, 1)), ['1 agent', '0 customer'], 'a person knows');
  assert.deepEqual(names(2, null, said(false, 0)), ['0 agent', '1 customer']);
  assert.deepEqual(names(1, null, said(true, 1)), ['0 both']);
});
