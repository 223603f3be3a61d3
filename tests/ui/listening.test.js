// Skipping silence, and the loop.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { skipFrom, savedS, LEAD_S } = await load('player/silence');
const { pressed, withA, withB, moved, stepped, holdsAt, spanOf } = await load('player/loop');

const SILENCE = [[0, 3], [10, 12], [50, 60]];
const near = (got, wanted) => (wanted === null ? assert.equal(got, null) : assert.ok(Math.abs(got - wanted) < 1e-9, `${got}, not ${wanted}`));

test('where the sound goes on', () => {
  for (const [why, at, loop, wanted] of [
    ['somebody speaks: here', 5, null, null],
    ['silence: shortly before the next word', 10.5, null, 12 - LEAD_S],
    ['at its very beginning', 10, null, 12 - LEAD_S],
    ['at the beginning of the recording', 0, null, 3 - LEAD_S],
    ['within the last of it, nothing is to be skipped', 11.9, null, null],
    ['at the end of a silence somebody speaks', 12, null, null],
    ['beyond all of it', 70, null, null],
    ['a silence within a loop', 10.5, [8, 20], 12 - LEAD_S],
    ['a silence that the loop ends in: from its beginning', 50.5, [45, 55], 45],
    ['and when it begins in another one, from the speech there', 50.5, [11, 55], 12 - LEAD_S],
    ['a loop in which nobody speaks is heard as it is', 52, [51, 55], null],
  ]) near(skipFrom(SILENCE, at, loop), wanted, why);
  assert.equal(skipFrom([], 5), null);
});

test('skipping never goes back outside a loop, and never lands in the same silence again', () => {
  for (let at = 0; at < 70; at += 0.05) {
    const to = skipFrom(SILENCE, at);
    if (to === null) continue;
    assert.ok(to > at);
    assert.equal(skipFrom(SILENCE, to), null);
  }
});

test('what skipping saves', () => {
  near(savedS(SILENCE), 15 - 3 * LEAD_S);
  near(savedS([[1, 1.1]]), 0);
});

test('the button is A, B, off', () => {
  const first = pressed(null, 3, 100);
  assert.deepEqual(first, { a: 3, b: null });
  assert.deepEqual(pressed(first, 8, 100), { a: 3, b: 8 });
  assert.deepEqual(pressed(first, 1, 100), { a: 1, b: 3 }, 'B before A: the other way round');
  assert.deepEqual(pressed(first, 3.1, 100), { a: 3, b: 3.5 }, 'half a second at least');
  assert.deepEqual(pressed({ a: 100, b: null }, 100, 100), { a: 99.5, b: 100 }, 'not beyond the end');
  assert.equal(pressed({ a: 3, b: 8 }, 5, 100), null);
});

test('the keys set one end', () => {
  assert.deepEqual(withA({ a: 3, b: 8 }, 5), { a: 5, b: 8 });
  assert.deepEqual(withA({ a: 3, b: 8 }, 9), { a: 9, b: null }, 'an end before it is none');
  assert.deepEqual(withB(null, 8, 100), { a: 0, b: 8 }, 'without A: from the beginning');
  assert.deepEqual(withB({ a: 3, b: 8 }, 20, 100), { a: 3, b: 20 });
});

test('a handle stays on its side', () => {
  const loop = { a: 3, b: 8 };
  assert.deepEqual(moved(loop, 'a', -4, 100), { a: 0, b: 8 });
  assert.deepEqual(moved(loop, 'a', 50, 100), { a: 7.5, b: 8 });
  assert.deepEqual(moved(loop, 'b', 0, 100), { a: 3, b: 3.5 });
  assert.deepEqual(moved(loop, 'b', 500, 100), { a: 3, b: 100 });
  assert.deepEqual(moved({ a: 3, b: null }, 'a', 50, 100), { a: 50, b: null });
});

test('the loop holds whoever is in it, until they seek out of it', () => {
  const span = spanOf({ a: 3, b: 8 });
  assert.deepEqual(stepped(span, false, 1), { isHeld: false, jumpTo: null }, 'before it');
  assert.deepEqual(stepped(span, false, 3), { isHeld: true, jumpTo: null }, 'in it');
  assert.deepEqual(stepped(span, true, 8.02), { isHeld: true, jumpTo: 3 }, 'out by its end');
  assert.deepEqual(stepped(span, false, 20), { isHeld: false, jumpTo: null }, 'sought behind it');
  assert.deepEqual(stepped(spanOf({ a: 3, b: null }), true, 8), { isHeld: false, jumpTo: null }, 'half a loop holds nobody');
  assert.equal(holdsAt(span, 20), false);
  assert.equal(holdsAt(span, 7.9), true);
  assert.equal(holdsAt(null, 7.9), false);
});
