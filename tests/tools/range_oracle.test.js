// The oracle of the Range tests agrees with the table written by hand, on several sizes: so neither
// of the two was made to fit the server.
import test from 'node:test';
import assert from 'node:assert/strict';
import { cases, expectation, fill } from '../server/harness/range_cases.js';
import { oracle } from '../server/harness/range_oracle.js';

test('the table has at least 150 cases, all different', () => {
  assert.ok(cases.length >= 150, `${cases.length}`);
  assert.equal(new Set(cases.map(([, headers]) => JSON.stringify(headers))).size, cases.length);
});

for (const size of [70_000, 1_234_567]) {
  const media = { size, etag: '"RE1-mp3-2-1"', modifiedAt: 1_760_000_003 };
  test(`the oracle agrees with the table, ${size} bytes`, () => {
    for (const [name, headers, expected] of cases) {
      const filled = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, fill(value, media)]));
      assert.deepEqual(oracle(filled, media), expectation(expected, media), `${name}: ${JSON.stringify(filled)}`);
    }
  });
}
