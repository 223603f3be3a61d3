// A press on a row holds the list still, until the hand is off it, however that is told.
import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import { installAudio, page } from './fake_audio.js';
import { hooked } from './hook.js';
import { load } from './load.js';

installAudio({ setTimeout: () => 0, clearTimeout() {} });
Object.assign(globalThis.document, { addEventListener() {}, removeEventListener() {} });
globalThis.removeEventListener = page.removeEventListener.bind(page);
globalThis.BroadcastChannel = undefined; // it would keep the test alive
globalThis.Element = class {};

const preact = await load('preact', 'list/usePress', 'list/calls');
const holds = [];
preact.calls.hold = (isHeld) => holds.push(isHeld);
const isMenuOpen = { current: false };
const { value: presses } = hooked(preact, () => preact.usePress({ before: () => null }, isMenuOpen, () => {}));
const press = (button = 0) => presses.onPointerDown({ button, clientY: 0, target: null });
const happens = (name) => page.dispatchEvent(new Event(name));

beforeEach(() => {
  holds.length = 0;
  isMenuOpen.current = false;
});

for (const name of ['pointerup', 'pointercancel', 'contextmenu', 'dragend', 'blur']) {
  test(`held until ${name}, and let go once`, () => {
    press();
    assert.deepEqual(holds, [true]);
    happens(name);
    assert.deepEqual(holds, [true, false]);
    happens('pointerup');
    assert.deepEqual(holds, [true, false]);
  });
}

test('a menu that the press opened holds it further', () => {
  press();
  isMenuOpen.current = true;
  happens('pointerup');
  assert.deepEqual(holds, [true, true]);
});

for (const [what, button] of [['right', 2], ['middle', 1]]) {
  test(`the ${what} button holds nothing: the system's own menu takes its end`, () => {
    press(button);
    assert.deepEqual(holds, []);
  });
}
