// What a key means on the layouts that people have.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { keyOf } = await load('player/key_names');
const key = (written, code, shiftKey = false) => keyOf({ key: written, code, shiftKey });

test('letters by what they write, else by where they lie', () => {
  for (const [written, code, shift, wanted] of [
    [' ', 'Space', false, 'Space'],
    ['s', 'KeyS', false, 's'],
    ['S', 'KeyS', true, 's'],
    ['a', 'KeyQ', false, 'a'], // French
    ['ד', 'KeyS', false, 's'], // Hebrew
    ['/', 'KeyQ', false, '/'], // where Hebrew has it
    ['.', 'Slash', false, '.'],
    [']', 'BracketLeft', false, ']'], // mirrored in Hebrew: what is written counts
    ['ы', 'KeyS', false, 's'],
    ['х', 'BracketLeft', false, '['],
    ['ArrowLeft', 'ArrowLeft', false, 'ArrowLeft'],
    ['ArrowLeft', 'ArrowLeft', true, 'Shift+ArrowLeft'],
    ['1', 'Digit1', false, '1'],
    ['!', 'Digit1', true, 'Shift+1'],
    ['&', 'Digit1', false, '1'], // French
    ['=', 'Equal', false, '+'],
    ['+', 'Equal', true, '+'],
    ['+', 'NumpadAdd', false, '+'],
    ['-', 'Minus', false, '-'],
    ['?', 'Slash', true, '?'],
    ['Escape', 'Escape', false, 'Escape'],
  ]) assert.equal(key(written, code, shift), wanted, `${written} ${code}`);
});
