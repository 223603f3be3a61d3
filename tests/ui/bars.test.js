// Bars of a waveform, as they are drawn.
import assert from 'node:assert/strict';
import test from 'node:test';
import { installAudio } from './fake_audio.js';
import { load } from './load.js';

installAudio({ setTimeout: () => 0, clearTimeout() {} });
globalThis.devicePixelRatio = 1;
const { drawBars } = await load('player/bars');

/** Three bars of 2 px, the middle one silent; shapes: what the browser's context can draw beside a rectangle. */
function drawn(...shapes) {
  const boxes = [];
  const context = { canvas: { width: 9, height: 40 }, beginPath() {}, fill() {} };
  for (const shape of ['rect', ...shapes]) context[shape] = (...box) => boxes.push([shape, ...box]);
  drawBars([0.5, Number.NaN, 1], context, 2);
  return boxes;
}

test('bars have round ends', () => assert.deepEqual(drawn('roundRect'), [['roundRect', 0, 10, 2, 20, 1], ['roundRect', 6, 1, 2, 38, 1]]));

test('where the browser draws none (Safari before 16), bars all the same', () => assert.deepEqual(drawn(), [['rect', 0, 10, 2, 20], ['rect', 6, 1, 2, 38]]));
