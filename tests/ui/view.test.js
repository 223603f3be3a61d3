// The address of a view.
import assert from 'node:assert';
import test from 'node:test';
import { load } from './load.js';

globalThis.history = { pushState() {}, replaceState() {} };
const { viewOf, hashOf, view, go } = await load('view');
const NOTHING = { page: 'calls', tab: 'all', q: '', from: '', to: '', state: '', call: '', recording: '', t: null };

const CASES = [
  ['no address is the tab that was used last', '', { tab: 'in' }, '#in'],
  ['a tab alone', '#out', { tab: 'out' }, '#out'],
  ['health has no tab of its own', '#health', { page: 'health', tab: 'in' }, '#health'],
  ['all of it', '#in&q=050-123&from=2026-11-15&to=2026-11-21&state=failed&call=CA1&t=222.5',
    { tab: 'in', q: '050-123', from: '2026-11-15', to: '2026-11-21', state: 'failed', call: 'CA1', t: 222.5 }],
  ['a recording of a call that has several', '#all&call=CA1&recording=RE2&t=222', { tab: 'all', call: 'CA1', recording: 'RE2', t: 222 }],
  ['a plus sign and a blank are themselves', '#all&q=%2B1+312', { tab: 'all', q: '+1 312' }],
  ['an address without a tab', '#call=CA1&t=3', { tab: 'in', call: 'CA1', t: 3 }, '#in&call=CA1&t=3'],
  ['a time that is none', '#all&t=x', { tab: 'all' }, '#all'],
  ['a time before the beginning', '#all&t=-3', { tab: 'all' }, '#all'],
  ['what it does not know is forgotten', '#all&theme=dark', { tab: 'all' }, '#all'],
];

for (const [name, hash, expected, again = hash] of CASES) {
  test(name, () => {
    const view = viewOf(hash, 'in');
    assert.deepStrictEqual(view, { ...NOTHING, ...expected });
    assert.strictEqual(hashOf(view), again);
  });
}

test('a moment is of its call: another one has none of it, another filter leaves it', () => {
  view.set({ ...NOTHING, call: 'CA1', recording: 'RE2', t: 222 });
  go({ state: 'failed' });
  assert.deepStrictEqual(view.value, { ...NOTHING, state: 'failed', call: 'CA1', recording: 'RE2', t: 222 });
  go({ call: 'CA2' });
  assert.deepStrictEqual(view.value, { ...NOTHING, state: 'failed', call: 'CA2' });
});
