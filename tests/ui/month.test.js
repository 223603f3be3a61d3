// A month of the calendar, and days as people type them.
import assert from 'node:assert';
import test from 'node:test';
import { load } from './load.js';

const { weeksOf, typedDay, firstWeekday, weekdayNames } = await load('list/month');

test('a month from Monday on', () => {
  const weeks = weeksOf('2026-11-21', 1);
  assert.deepStrictEqual(weeks[0], [null, null, null, null, null, null, '2026-11-01']);
  assert.strictEqual(weeks.length, 6);
  assert.deepStrictEqual(weeks[5].slice(0, 2), ['2026-11-30', null]);
});

test('a month from Sunday on', () => {
  assert.strictEqual(weeksOf('2026-11-21', 0)[0][0], '2026-11-01');
  assert.strictEqual(weeksOf('2026-02-01', 0).length, 4);
});

test('each month has all its days once, wherever its weeks begin', () => {
  for (let month = 0; month < 48; month++) {
    const day = `${2024 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`;
    for (let first = 0; first < 7; first++) {
      const days = weeksOf(day, first).flat().filter(Boolean);
      assert.strictEqual(days.length, new Date(Number(day.slice(0, 4)), (month % 12) + 1, 0).getDate());
      assert.strictEqual(new Set(days).size, days.length);
      assert.strictEqual(new Date(`${weeksOf(day, first)[1][0]}T00:00`).getDay(), first);
    }
  }
});

test('weeks begin where people say so', () => {
  assert.strictEqual(firstWeekday('he'), 0);
  assert.strictEqual(firstWeekday('en-GB'), 1);
  assert.strictEqual(firstWeekday('en-US'), 0);
  assert.deepStrictEqual(weekdayNames('en-GB', 1).map(({ long }) => long)[0], 'Monday');
});

const TYPED = [
  ['21 Nov 2026', '2026-11-21'], ['21 November', '2026-11-21'], ['Nov 21', '2026-11-21'], ['21.11.2026', '2026-11-21'], ['21/11/26', '2026-11-21'], ['1-2', '2026-02-01'], ['2026-11-21', '2026-11-21'],
  ['31 Feb', null], ['21', null], ['soon', null], ['21 xx 2026', null], ['21 11 2026 3', null], ['21.11.12345', null], ['2026-13-01', null], ['99 Nov', null],
];
for (const [text, day] of TYPED) test(`"${text}" is ${day ?? 'no day'}`, () => assert.strictEqual(typedDay(text, '2026-06-15', 'en-GB'), day));
test('in Hebrew as it is shown', () => {
  for (const text of ['21 בנוב׳ 2026', '21 בנובמבר 2026', '21.11.2026', '21 נובמבר 2026']) assert.strictEqual(typedDay(text, '2026-06-15', 'he'), '2026-11-21', text);
});
