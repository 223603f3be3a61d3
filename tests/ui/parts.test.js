// What the pages are made of: moving in menus and sliders, where a pop-up goes, lengths and sizes, errors in words.
import assert from 'node:assert';
import test, { describe } from 'node:test';
import { load } from './load.js';

const { typedItem, placed, movedByKey, clock, size, errorWords, undecodable, refusalOf, allWords, ApiError } = await load(
  'parts/Menu', 'parts/Popover', 'parts/Slider', 'parts/format', 'parts/errors', 'pages/refusal', 'later_words', 'api',
);

const failed = (code, more = {}) => new ApiError(code, more.text ?? '', more.status ?? 500, more.retryAfterS ?? 0, more.requestId ?? null, more.body ?? {});

describe('letters in a menu', () => {
  const items = ['Play', 'Details', 'Download', 'Delete…'];
  for (const [what, current, typed, expected] of [
    ['the first that begins so', -1, 'd', 1],
    ['the same letter again: the next one', 1, 'd', 2],
    ['round the end', 3, 'd', 1],
    ['more letters look at the current one too', 1, 'de', 1],
    ['upper case is the same', 0, 'P', 0],
    ['none', 0, 'x', -1],
  ]) test(what, () => assert.equal(typedItem(items, current, typed), expected));
});

describe('where a pop-up goes', () => {
  const room = { width: 1000, height: 600 };
  const box = { width: 200, height: 300 };
  for (const [what, anchor, side, isLeft, expected] of [
    ['below, from the left edge', { left: 100, right: 150, top: 50, bottom: 80 }, 'below', true, { left: 100, top: 84, height: 300 }],
    ['from the right edge', { left: 700, right: 750, top: 50, bottom: 80 }, 'below', false, { left: 550, top: 84, height: 300 }],
    ['above, where there is no room below', { left: 100, right: 150, top: 500, bottom: 530 }, 'below', true, { left: 100, top: 196, height: 300 }],
    ['never beyond the right edge', { left: 950, right: 990, top: 50, bottom: 80 }, 'below', true, { left: 792, top: 84, height: 300 }],
    ['never beyond the left edge', { left: 2, right: 40, top: 50, bottom: 80 }, 'below', false, { left: 8, top: 84, height: 300 }],
    ['shortened where there is no room at all', { left: 100, right: 150, top: 250, bottom: 280 }, 'below', true, { left: 100, top: 284, height: 308 - 8 }],
    ['above, when it shall', { left: 100, right: 150, top: 500, bottom: 530 }, 'above', true, { left: 100, top: 196, height: 300 }],
    ['below, when above is too low', { left: 100, right: 150, top: 20, bottom: 50 }, 'above', true, { left: 100, top: 54, height: 300 }],
  ]) test(what, () => assert.deepEqual(placed(anchor, box, room, side, isLeft), expected));

  test('in a low window it is as high as the window lets it be', () => {
    assert.deepEqual(placed({ left: 0, right: 10, top: 40, bottom: 60 }, box, { width: 1000, height: 200 }, 'below', true), { left: 8, top: 64, height: 128 });
  });
});

describe('keys of a slider', () => {
  const slider = { value: 50, min: 0, max: 100, step: 5 };
  for (const [key, expected] of [['ArrowLeft', 45], ['ArrowDown', 45], ['ArrowRight', 55], ['PageUp', 100], ['PageDown', 0], ['Home', 0], ['End', 100], ['a', null], ['Tab', null]]) {
    test(key, () => assert.equal(movedByKey(key, slider), expected));
  }
  test('never beyond its ends', () => assert.equal(movedByKey('ArrowRight', { ...slider, value: 98 }), 100));
});

describe('lengths and sizes', () => {
  for (const [seconds, text] of [[0, '0:00'], [7.9, '0:07'], [59.99, '0:59'], [600, '10:00'], [3599, '59:59'], [3600, '1:00:00'], [14_523, '4:02:03'], [-1, '0:00']]) {
    test(text, () => assert.equal(clock(seconds), text));
  }
  for (const [bytes, text] of [[0, '0 B'], [812, '812 B'], [999, '999 B'], [1000, '1 kB'], [81_860, '81.9 kB'], [999_499, '999 kB'], [999_600, '1 MB'], [5_800_000, '5.8 MB'], [212e9, '212 GB'], [3e18, '3000 PB']]) {
    test(text, () => assert.equal(size(bytes), text));
  }
});

describe('errors in words', () => {
  for (const [what, error, text, way, againInS] of [
    ['a limit of Twilio', failed('upstream_unavailable', { body: { reason: 'limited' }, retryAfterS: 12 }), /^Twilio is limiting us\. Next try in 12 s\. It plays by itself/, 'try_now', 12],
    ['Twilio is down', failed('upstream_unavailable', { retryAfterS: 40 }), /^Twilio did not deliver it\. Next try in 40 s\.$/, 'try_now', 40],
    ['Twilio is down, nobody knows for how long', failed('upstream_unavailable'), /^Twilio did not deliver it\.$/, 'try_now', null],
    ['our credentials', failed('upstream_refused'), /credentials/, 'health', null],
    ['no recording yet', failed('recording_not_available'), /no recording yet/, null, null],
    ['encrypted', failed('key_missing'), /key that opens it is not here/, null, null],
    ['kept none', failed('recording_absent'), /too short or silent/, null, null],
    ['expired', failed('recording_expired'), /older than recordings are kept/, null, null],
    ['deleted', failed('recording_deleted'), /deleted/, null, null],
    ['signed out', failed('unauthenticated'), /signed out/, 'sign_in', null],
    ['no right', failed('forbidden'), /may not/, null, null],
    ['too much', failed('overloaded', { retryAfterS: 3 }), /Again in 3 s/, 'retry', 3],
    ['too much, without a time', failed('rate_limited'), /Again in 5 s/, 'retry', 5],
    ['a bug', failed('internal', { requestId: '7f3a-91c2' }), /Request .7f3a-91c2.\./, 'retry', null],
    ['a code of a newer server', failed('brand_new'), /^callspool failed\.$/, 'retry', null],
    ['no answer', failed('no_answer'), /does not answer/, 'retry', 5],
    ['a file that is none', undecodable, /cannot play/, 'download', null],
    ['no error of ours', new TypeError('x'), /^callspool failed\.$/, 'retry', null],
  ]) {
    test(what, () => {
      const said = errorWords(error);
      assert.match(said.text, text);
      assert.deepEqual([said.way, said.againInS], [way, againInS]);
    });
  }
  test('of a call that is over there is nothing to wait for', () => assert.match(errorWords(failed('recording_not_available'), { isOver: true }).text, /was not recorded/));
  test('how many days', () => assert.match(errorWords(failed('recording_expired'), { days: 7 }).text, /\(7 days\)/));
});

describe('what a form was refused', () => {
  const said = (error) => refusalOf(error).text(allWords());
  for (const [what, error, text] of [
    ['wrong, and nobody says which', failed('sign_in_failed'), /^Name or password is wrong\.$/],
    ['wrong, and how many tries are left', failed('sign_in_failed', { body: { tries_left: 3 } }), /^Name or password is wrong\. 3 tries are left before a wait\.$/],
    ['many are left', failed('sign_in_failed', { body: { tries_left: 9 } }), /^Name or password is wrong\.$/],
    ['one is left', failed('sign_in_failed', { body: { tries_left: 1 } }), /1 try is left/],
    ['locked, which no waiting ends', failed('account_locked', { status: 429 }), /locked .* browser that you used before, .* administrator/],
    ['a password that is too short', failed('password_refused', { body: { reason: 'too_short', min: 15 } }), /at least 15 characters/],
    ['a sequence', failed('password_refused', { body: { reason: 'sequence' } }), /one character or a sequence/],
    ['not by TLS', failed('https_required'), /HTTPS/],
    ['no answer', failed('no_answer'), /does not answer/],
    ['a bug without a number', failed('internal', { status: 502 }), /Request .502.\./],
  ]) test(what, () => assert.match(said(error), text));

  test('a wait is counted down, from a second at least', () => {
    assert.equal(refusalOf(failed('rate_limited', { retryAfterS: 30 })).waitS, 30);
    assert.equal(refusalOf(failed('rate_limited')).waitS, 1);
    assert.equal(refusalOf(failed('internal')).waitS, undefined);
    assert.equal(refusalOf(failed('account_locked', { status: 429 })).waitS, undefined);
  });
});
