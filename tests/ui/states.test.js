// What is shown of a recording: the first that fits.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { load } from './load.js';

const { shownOf, shownText, keptOf, statusText, rowName, whyOf } = await load('list/states', 'list/say');
const { allWords: words } = await load('later_words');

const NOW = Date.parse('2026-11-21T12:00:00Z');
const call = (recording, more = {}) => ({
  call_sid: 'CA00000000000000000000000000e19b7d', key: '1.1', seq: 1, direction: 'inbound', from: '+15035550155', to: '+442079460150', status: 'completed', started_at: '2026-11-21T11:00:00Z',
  ended_at: '2026-11-21T11:10:00Z', duration: 890, main_recording_sid: recording && 'RE1', recording_count: recording ? 1 : 0, recordings: recording ? [{ recording_sid: 'RE1', expires_at: '2026-11-28T11:00:00Z', expired: false, held: false, reason: null, ...recording }] : [], ...more,
});
const waiting = (code, text = 'As the server says it.') => ({ state: 'waiting', reason: { code, text }, next_try_at: '2026-11-21T12:00:12Z' });

const CASES = [
  ['call on, no recording known', call(null, { status: 'in-progress', ended_at: null }), '', null, 'off'],
  ['being recorded', call({ state: 'recording' }), 'Recording now', null, 'live'],
  ['paused', call({ state: 'paused' }), 'Recording paused', null, 'live'],
  ['announced', call({ state: 'announced' }), 'Twilio is preparing it', null, 'plain'],
  ['queued', call({ state: 'queued' }), 'Waiting its turn', 'play', 'plain'],
  ['in flight, length known', call({ state: 'queued', arriving: { bytes: 42, total: 100 } }), 'Arriving 42 %', 'play', 'plain'],
  ['in flight, all bytes here but not stored yet', call({ state: 'queued', arriving: { bytes: 100, total: 100 } }), 'Arriving 99 %', 'play', 'plain'],
  ['in flight, length not known', call({ state: 'waiting', arriving: { bytes: 1200000, total: null } }), 'Arriving, \u20661.2 MB\u2069 so far', 'play', 'plain'],
  ['429', call(waiting('limited')), 'Twilio is limiting us, next try in 12 s', 'play', 'warn'],
  ['5xx', call(waiting('server_error')), 'Twilio did not answer, next try in 12 s', 'play', 'warn'],
  ['timeout', call(waiting('timeout')), 'Twilio did not answer, next try in 12 s', 'play', 'warn'],
  ['broke off', call(waiting('cut')), 'The connection broke, next try in 12 s', 'play', 'warn'],
  ['404 early', call(waiting('not_ready')), 'Not ready at Twilio yet, next try in 12 s', 'play', 'warn'],
  ['another reason', call(waiting('new_word')), 'Twilio did not deliver it, next try in 12 s', 'play', 'warn'],
  ['at 0', call({ ...waiting('timeout'), next_try_at: '2026-11-21T11:59:58Z' }), 'Twilio did not answer, trying now…', 'play', 'warn'],
  ['nobody says when', call({ ...waiting('timeout'), next_try_at: null }), 'Twilio did not answer', 'play', 'warn'],
  ['a wait of minutes', call({ ...waiting('timeout'), next_try_at: '2026-11-21T12:10:00Z' }), 'Twilio did not answer, next try in 10 min', 'play', 'warn'],
  ['account refused', call(waiting('refused')), 'Twilio refuses our credentials', null, 'bad'],
  ['disk full', call(waiting('disk_full')), 'No room to store it; waiting', null, 'bad'],
  ['one recording is refused', call(waiting('forbidden')), 'Twilio refuses us this recording, next try in 12 s', null, 'bad'],
  ['our own disk', call(waiting('disk_failed')), 'callspool could not keep it, next try in 12 s', 'play', 'warn'],
  ['its file was lost here', call({ ...waiting('lost'), next_try_at: null }), 'Waiting its turn', 'play', 'plain'],
  ['absent for want of a key', call({ state: 'absent', reason: { code: 'no_key', text: '' } }), 'None kept: no key to encrypt it with', null, 'off'],
  ['dead for want of the key that opens it', call({ state: 'dead', reason: { code: 'key_missing', text: '' } }), 'Given up: the key that opens it is not here', 'retry', 'bad'],
  ['dead at Twilio', call({ state: 'dead', reason: { code: 'upstream_failed', text: '' } }), 'Given up: Twilio could not keep it', 'retry', 'bad'],
  ['gone upstream', call({ state: 'gone' }), 'Deleted at Twilio', 'retry', 'bad'],
  ['dead letter', call({ state: 'dead', reason: { code: 'timeout', text: '' } }), 'Given up after 24 h: no answer from Twilio', 'retry', 'bad'],
  ['dead letter, the server\'s own reason', call({ state: 'dead', reason: { code: 'x', text: 'The moon was full.' } }), 'Given up after 24 h: The moon was full.', 'retry', 'bad'],
  ['stored', call({ state: 'stored' }), 'Ready', 'play', 'usual'],
  ['stored, length differs', call({ state: 'stored', duration_differs: true }), 'Ready, length differs', 'play', 'plain'],
  ['absent', call({ state: 'absent', reason: { code: 'too_short', text: '' } }), 'None kept: too short', null, 'off'],
  ['absent, and older than recordings are kept', call({ state: 'absent', expired: true, reason: { code: 'silent', text: '' } }), 'None kept: silent', null, 'off'],
  ['absent, nobody says why', call({ state: 'absent' }), 'None kept', null, 'off'],
  ['no recording, call over', call(null), 'Not recorded', null, 'off'],
  ['no recording, not answered', call(null, { status: 'no-answer', ended_at: null }), 'Not recorded', null, 'off'],
  ['expired', call({ state: 'stored', expired: true }), 'Expired', null, 'off'],
  ['deleted', call({ state: 'deleted', expired: true, reason: { code: 'recording_deleted', text: '' } }), 'Deleted', null, 'off'],
  ['purged', call({ state: 'purged', expired: true, reason: { code: 'recording_expired', text: '' } }), 'Removed after its time', null, 'off'],
  ['a state of a newer server', call({ state: 'transcribing' }), 'transcribing', null, 'plain'],
];

for (const [name, one, text, slot, tone] of CASES) {
  test(`${name}: ${text || 'nothing'}`, () => {
    const shown = shownOf(one);
    assert.strictEqual(shownText(shown, NOW), text);
    assert.deepStrictEqual([shown.slot, shown.tone], [slot, tone]);
  });
}

test('what an event told of the bytes counts more than the row', () => {
  const shown = shownOf(call({ state: 'queued', arriving: { bytes: 1, total: 100 } }), undefined, { bytes: 50, total: 100 });
  assert.strictEqual(shownText(shown, NOW), 'Arriving 50 %');
});

test('bytes that were told of do not make a stored recording arrive', () => {
  assert.strictEqual(shownOf(call({ state: 'stored' }), undefined, { bytes: 50, total: 100 }).kind, 'ready');
});

test('each word that the server has is told apart; its sentence is read for none', () => {
  const manual = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
  const section = manual.slice(manual.indexOf('### Why a recording does not play'), manual.indexOf('## Changes as they happen'));
  const told = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, words]) => [...words.matchAll(/`(\w+)`/g)].map(([, word]) => word));
  assert.ok(told.length > 25, told.join());
  const table = readFileSync(new URL('../../src/verdict/verdict.c', import.meta.url), 'utf8');
  const outcomes = [...table.matchAll(/\{ \w+,\s*VERDICT_\w+,\s*VERDICT_\w+,\s*"(\w+)"/g)].map(([, word]) => word).filter((word) => word !== 'stored');
  assert.ok(outcomes.length > 30, outcomes.join());
  assert.deepStrictEqual(outcomes.filter((word) => !told.includes(word)), [], 'docs/api.md has them all');
  for (const word of ['stored', ...outcomes]) assert.ok(Object.hasOwn(words().details.outcomes, word), `the details of a call have words for ${word}`);
  const bySentence = told.filter((code) => whyOf({ reason: { code, text: 'x' } }).kind === 'text');
  assert.deepStrictEqual(bySentence, ['absent', 'gone', 'deleted', 'recording_deleted', 'recording_expired'], 'what the state says already');
  assert.strictEqual(whyOf({ reason: { code: 'new_word', text: 'What came is not audio.' } }).kind, 'text');
  assert.strictEqual(whyOf({ reason: { code: 'toString', text: 'x' } }).kind, 'text');
});

const KEPT = [
  ['far away', {}, 'Sat 28 Nov', 'usual'],
  ['within a day', { expires_at: '2026-11-21T17:30:00Z' }, 'in 5 hours', 'soon'],
  ['one hour', { expires_at: '2026-11-21T13:30:00Z' }, 'in 1 hour', 'soon'],
  ['within an hour', { expires_at: '2026-11-21T12:20:30Z' }, 'in 20 minutes', 'soon'],
  ['held', { held: true }, 'Held', 'held'],
  ['for ever', { expires_at: null }, 'Always', 'usual'],
];
for (const [name, more, text, tone] of KEPT) {
  test(`kept, ${name}: ${text}`, () => {
    const one = call({ state: 'stored', ...more });
    assert.deepStrictEqual(keptOf(one.recordings[0], shownOf(one), NOW), { text, tone });
  });
}
test('nothing is kept of what is not here', () => {
  for (const state of ['absent', 'gone', 'dead', 'purged', 'deleted', 'announced']) {
    const one = call({ state });
    assert.strictEqual(keptOf(one.recordings[0], shownOf(one), NOW), null, state);
  }
});

test('the name of a row has all that is in it', () => {
  const one = call({ state: 'stored', held: true }, { recording_count: 2, started_at: new Date(2026, 10, 21, 14, 32).toISOString() });
  const shown = shownOf(one);
  const name = rowName(one, shown, keptOf(one.recordings[0], shown, NOW), { today: '2026-11-21', yesterday: '2026-11-20', day: '2026-11-21' });
  assert.strictEqual(name, 'Inbound from +1 503 555 0155, today 14:32, 14 minutes 50 seconds, completed, ready, 2 recordings, held');
});

test('a status that this page does not know is shown as it is', () => {
  assert.strictEqual(statusText('transferred'), 'transferred');
  assert.strictEqual(statusText(null), 'Not known yet');
});
