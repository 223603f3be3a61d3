// Days, spans of them, and what the server is asked for; the rows under the heads of their days.
import assert from 'node:assert';
import test from 'node:test';

process.env.TZ = 'Asia/Jerusalem';
const { load } = await import('./load.js');
const { daysOf, instantsOf, shifted, dateOf, filterOf, searchOf, isNarrowed, layoutOf, topOf, rowAt, HEAD } = await load('list/dates', 'list/filter', 'list/layout');

const TODAY = '2026-11-21';

const SPANS = [
  ['today', { from: 'today', to: '' }, { from: '2026-11-21', to: '' }],
  ['yesterday', { from: 'yesterday', to: '' }, { from: '2026-11-20', to: '2026-11-20' }],
  ['the last 7 days are this one and 6 before', { from: '7d', to: '' }, { from: '2026-11-15', to: '' }],
  ['the last 30 days', { from: '30d', to: '' }, { from: '2026-10-23', to: '' }],
  ['days', { from: '2026-11-01', to: '2026-11-02' }, { from: '2026-11-01', to: '2026-11-02' }],
  ['a day that is none is left out', { from: '2026-02-30', to: 'soon' }, { from: '', to: '' }],
];
for (const [name, view, expected] of SPANS) test(name, () => assert.deepStrictEqual(daysOf(view, TODAY), expected));

test('days begin at midnight here, and the last one is within', () => {
  assert.deepStrictEqual(instantsOf({ from: '2026-11-15', to: '2026-11-21' }), { from: '2026-11-14T22:00:00.000Z', to: '2026-11-21T22:00:00.000Z' });
});

test('a day of 25 hours is one day', () => {
  assert.strictEqual(shifted('2026-10-24', 1), '2026-10-25');
  assert.deepStrictEqual(instantsOf({ from: '2026-10-25', to: '2026-10-25' }), { from: '2026-10-24T21:00:00.000Z', to: '2026-10-25T22:00:00.000Z' });
});

test('a month on from the 31st is the last of the next', () => {
  assert.strictEqual(shifted('2026-01-31', 0, 1), '2026-02-28');
  assert.strictEqual(shifted('2026-03-31', 0, -1), '2026-02-28');
  assert.strictEqual(dateOf('2026-13-01'), null);
});

const SEARCHES = [
  ['', { kind: 'nothing' }], ['  ', { kind: 'nothing' }], ['50', { kind: 'short' }], ['0501239', { kind: 'number', number: '0501239' }],
  ['050-123 (9)', { kind: 'number', number: '0501239' }], ['+1 312 555 0184', { kind: 'number', number: '+13125550184' }], ['\u2066+1 312\u2069', { kind: 'number', number: '+1312' }],
  ['CA00000000000000000000000000E19B7D', { kind: 'call', callSid: 'CA00000000000000000000000000e19b7d' }], ['CA12', { kind: 'unknown' }], ['dana', { kind: 'unknown' }], ['+', { kind: 'short' }],
];
for (const [typed, expected] of SEARCHES) test(`search "${typed}"`, () => assert.deepStrictEqual(searchOf(typed), expected));

test('the filter that a view means', () => {
  const view = { page: 'calls', tab: 'in', q: '050-123', from: '7d', to: '', state: 'failed', call: '', t: null };
  assert.deepStrictEqual(filterOf(view, TODAY), { direction: 'inbound', from: '2026-11-14T22:00:00.000Z', state: 'failed', number: '050123' });
  assert(isNarrowed(view));
  assert.deepStrictEqual(filterOf({ ...view, tab: 'all', q: 'dana', from: '', state: 'nonsense' }, TODAY), {});
});

const at = (text) => new Date(text).getTime();

test('rows lie under the heads of their days', () => {
  const layout = layoutOf(['2026-11-21T14:00', '2026-11-21T00:00', '2026-11-20T23:59', '2026-11-18T12:00'].map(at), 40);
  assert.deepStrictEqual(layout.days.map(({ day, first, count, top }) => [day, first, count, top]), [
    ['2026-11-21', 0, 2, 0], ['2026-11-20', 2, 1, HEAD + 80], ['2026-11-18', 3, 1, 2 * HEAD + 120],
  ]);
  assert.strictEqual(layout.height, 3 * HEAD + 160);
  assert.deepStrictEqual([0, 1, 2, 3].map((index) => topOf(layout, index)), [32, 72, 144, 216]);
});

test('what is at a height', () => {
  const layout = layoutOf(['2026-11-21T14:00', '2026-11-21T00:00', '2026-11-20T23:59'].map(at), 40);
  assert.deepStrictEqual([0, 31, 32, 71, 72, 111, 112, 143, 144, 9999].map((y) => rowAt(layout, y)), [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]);
  assert.strictEqual(rowAt(layoutOf([], 40), 100), 0);
});
