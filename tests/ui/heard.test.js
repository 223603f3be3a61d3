// What was heard, where one was, and how loud each side is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { Heard, withRange } = await load('player/heard');
const { placesOf, withPlace, isWorthIt } = await load('player/places');
const { evenDb, gainsOf, isTouched, gainOfDb, clampedDb } = await load('player/gains');

test('ranges are joined where they touch', () => {
  assert.deepEqual(withRange([], 1, 2), [[1, 2]]);
  assert.deepEqual(withRange([[1, 2]], 2.1, 3), [[1, 3]]);
  assert.deepEqual(withRange([[5, 6]], 1, 2), [[1, 2], [5, 6]], 'in order');
  assert.deepEqual(withRange([[1, 2], [5, 6], [9, 10]], 1.5, 5.5), [[1, 6], [9, 10]], 'several become one');
  assert.deepEqual(withRange([[1, 2]], 4, 4), [[1, 2]], 'nothing was heard');
});

test('what is heard goes on from step to step, not over a seek', () => {
  const heard = new Heard();
  for (const at of [0, 0.25, 0.5]) heard.at(at, 1);
  heard.cut();
  for (const at of [40, 40.5, 41]) heard.at(at, 1);
  heard.at(90, 1); // a step that is too large was not heard
  heard.at(90.5, 1);
  heard.at(20, 1); // nor one back
  assert.deepEqual(heard.take(), [[0, 0.5], [40, 41], [90, 90.5]]);
  assert.equal(heard.take(), null, 'told once');
  heard.at(20.5, 1);
  assert.deepEqual(heard.take(), [[20, 20.5]], 'and it goes on from there');
  heard.at(20.52, 1);
  assert.equal(heard.take(), null, 'less than a tenth is nothing');
});

test('places are kept for 30 days, the newest 500', () => {
  const day = 24 * 3600 * 1000;
  const now = 100 * day;
  assert.deepEqual(placesOf(null, now), {});
  assert.deepEqual(placesOf('no JSON', now), {});
  assert.deepEqual(placesOf('[1]', now), {});
  assert.deepEqual(placesOf('null', now), {});
  assert.deepEqual(placesOf(JSON.stringify({ a: [20, now - 31 * day], b: [20, now - 29 * day], c: 'x', d: [1] }), now), { b: [20, now - 29 * day] });
  let places = {};
  for (let i = 0; i < 510; i++) places = withPlace(places, `RE${i}`, i, now + i);
  assert.equal(Object.keys(places).length, 500);
  assert.ok(places.RE509 && !places.RE0);
});

test('a place is offered after 15 s and before 95 %', () => {
  assert.equal(isWorthIt(15, 100), false);
  assert.equal(isWorthIt(15.1, 100), true);
  assert.equal(isWorthIt(95, 100), false);
  assert.equal(isWorthIt(1000, null), true);
});

const side = (more = {}) => ({ db: 0, isMuted: false, isSolo: false, ...more });

test('the gain of each side', () => {
  const [one, other] = [side(), side()];
  assert.deepEqual(gainsOf([one, other], null), [1, 1]);
  assert.deepEqual(gainsOf([side({ isMuted: true }), other], null), [0, 1]);
  assert.deepEqual(gainsOf([side({ isSolo: true }), other], null), [1, 0], 'only one');
  assert.deepEqual(gainsOf([side({ isSolo: true, isMuted: true }), other], null), [1, 0], 'only it, mute or not');
  assert.deepEqual(gainsOf([side({ db: 6 }), other], null), [gainOfDb(6), 1]);
  assert.deepEqual(gainsOf([one, other], [-14, -26]), [gainOfDb(-6), gainOfDb(6)], 'evened out');
  assert.deepEqual(gainsOf([side({ db: 3 }), other], [-14, null]), [gainOfDb(-3), 1], 'a silent side stays');
});

test('evening out ends at 12 dB', () => {
  assert.equal(evenDb(-50), 12);
  assert.equal(evenDb(-20), 0);
  assert.equal(evenDb(undefined), 0);
  assert.equal(clampedDb(40), 12);
  assert.equal(clampedDb(-40), -12);
});

test('untouched sides need no Web Audio', () => {
  assert.equal(isTouched([side(), side()], false), false);
  for (const more of [{ db: 1 }, { isMuted: true }, { isSolo: true }]) assert.equal(isTouched([side(), side(more)], false), true);
  assert.equal(isTouched([side(), side()], true), true);
});
