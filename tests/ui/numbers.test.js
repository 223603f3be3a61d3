// Telephone numbers, grouped for the eye and copied without the blanks.
import assert from 'node:assert';
import test from 'node:test';
import { load } from './load.js';

const { grouped, ungrouped, parts } = await load('list/numbers');

const CASES = [
  ['North America', '+13125550184', '+1 312 555 0184'],
  ['London', '+442079460150', '+44 20 7946 0150'],
  ['an Israeli mobile', '+972555550110', '+972 55 555 0110'],
  ['an Israeli landline', '+97235550110', '+972 3 555 0110'],
  ['Paris', '+33155501234', '+33 1 55 50 12 34'],
  ['a country without groups of its own: threes from the end', '+35312345', '+353 12 345'],
  ['a length that is not usual there', '+1312555018', '+1 312 555 018'],
  ['a short code is no number of this kind', '88022', '88022'],
  ['a SIP address', 'sip:desk-2@example.com', 'sip:desk-2@example.com'],
  ['a client', 'client:dana', 'client:dana'],
  ['nothing Twilio would say, but harmless', '+0123456789', '+0123456789'],
];

for (const [name, number, expected] of CASES) {
  test(`${name}: ${expected}`, () => {
    assert.strictEqual(grouped(number), expected);
    assert.strictEqual(ungrouped(grouped(number)), number);
  });
}

test('all countries: the digits stay, whatever the groups', () => {
  for (let code = 1; code < 1000; code++) {
    for (const rest of ['1234567', '123456789', '12345678901']) {
      const number = `+${code}${rest}`;
      assert.strictEqual(grouped(number).replace(/ /g, ''), number);
    }
  }
});

test('blanks between numbers and words stay', () => {
  assert.strictEqual(ungrouped('14:32 +1 312 555 0184\t+44 20 7946 0150 Completed 14:50'), '14:32 +13125550184\t+442079460150 Completed 14:50');
});

test('a long name has a tail that is never cut', () => {
  assert.deepStrictEqual(parts('sip:desk-2@example.com'), ['sip:desk-2@example.com', '']);
  assert.deepStrictEqual(parts('sip:reception@edge.voice.example.com'), ['sip:reception@edge.voice', '.example.com']);
});
