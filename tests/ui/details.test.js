// The details of a call: tries that are folded, and why something does not play.
import assert from 'node:assert';
import test, { describe } from 'node:test';
import { load } from './load.js';

const { attemptRows, toneOf, verdictOf, triedHours, allWords } = await load('details/tries', 'details/verdict', 'later_words');

const at = (s) => new Date(Date.UTC(2026, 10, 21, 14) + s * 1000).toISOString();
let serial = 0;
const tried = (s, outcome, more = {}) => ({
  attempt: (serial += 1), generation: 1, began_at: at(s), ended_at: at(s + 1), outcome, text: null, http_status: outcome === 'not_ready' ? 404 : 200, bytes: 0, ...more,
});
const rowsOf = (attempts) => attemptRows({ attempts });

describe('tries', () => {
  const many = (count, outcome = 'not_ready') => Array.from({ length: count }, (_, i) => tried(i * 10, outcome));

  for (const [what, attempts, expected] of [
    ['none', [], []],
    ['newest first, however they came', [tried(20, 'stored'), tried(0, 'cut'), tried(10, 'limited')], [['stored', 0], ['limited', 0], ['cut', 0]]],
    ['four alike are four', many(4), Array(4).fill(['not_ready', 0])],
    ['five alike are one, with four earlier ones', many(5), [['not_ready', 4]]],
    ['alike are only neighbours', [...many(3), tried(100, 'cut'), ...many(3).map((one) => ({ ...one, began_at: at(200) }))],
      [...Array(3).fill(['not_ready', 0]), ['cut', 0], ...Array(3).fill(['not_ready', 0])]],
    ['another status is not alike', [...many(4), tried(50, 'not_ready', { http_status: 500 })], Array(5).fill(['not_ready', 0])],
    ['one that is under way', [tried(5, null, { ended_at: null }), ...many(5).map((one) => ({ ...one, began_at: at(1) }))], [[null, 0], ['not_ready', 4]]],
  ]) {
    test(what, () => assert.deepEqual(rowsOf(attempts).map(({ attempt, alike }) => [attempt.outcome, alike.length]), expected));
  }

  test('a wait is from the end of a try to the beginning of the next', () => {
    const rows = rowsOf([tried(0, 'limited'), tried(13, 'cut'), tried(14, 'stored')]);
    assert.deepEqual(rows.map(({ waitedS }) => waitedS), [null, null, 12]);
  });

  test('a clock that was set back is no wait', () => {
    assert.equal(rowsOf([tried(10, 'cut', { ended_at: at(20) }), tried(11, 'stored')]).at(-1).waitedS, null);
  });

  test('an outcome of a newer server is told of as one that may come yet', () => assert.equal(toneOf(tried(0, 'brand_new')), 'w'));
});

describe('why it does not play', () => {
  const call = { status: 'completed', ended_at: at(60), recordings: [] };
  const recording = (state, more = {}) => ({ state, expired: false, reason: null, next_try_at: null, attempts: [], ...more });
  const verdict = (one, of = call) => verdictOf(of, one, Date.now(), allWords());

  for (const [what, one, expected] of [
    ['stored plays', recording('stored'), null],
    ['queued plays', recording('queued'), null],
    ['announced: nothing is wrong', recording('announced'), null],
    ['what arrives can be heard', recording('waiting', { arriving: { bytes: 1, total: null } }), null],
    ['of a state of a newer server nothing is said', recording('brand_new'), null],
    ['deleted at Twilio', recording('gone'), ['f', 'retry']],
    ['given up', recording('dead'), ['f', 'retry']],
    ['Twilio kept none', recording('absent'), ['n', null]],
    ['removed after its time', recording('purged', { expired: true }), ['n', null]],
    ['deleted here', recording('deleted'), ['n', null]],
    ['expired', recording('stored', { expired: true }), ['n', null]],
    ['waiting', recording('waiting', { reason: { code: 'timeout', text: '' } }), ['w', 'try_now']],
    ['our credentials are refused', recording('waiting', { reason: { code: 'upstream_refused', text: 'x' } }), ['f', 'try_now']],
    ['our disk is full', recording('waiting', { reason: { code: 'disk_full', text: '' } }), ['f', 'try_now']],
    ['no recording', undefined, ['n', null]],
  ]) {
    test(what, () => {
      const said = verdict(one);
      assert.deepEqual(said && [said.tone, said.way], expected);
    });
  }

  test('of a call that is on, the recording may come yet', () => {
    assert.match(verdict(undefined, { ...call, status: 'in-progress', ended_at: null }).why, /no recording yet/);
    assert.match(verdict(undefined).why, /was not recorded/);
  });

  test('a limit says when the next try is', () => {
    const said = verdict(recording('waiting', { reason: { code: 'limited', text: '' }, next_try_at: new Date(Date.now() + 11_500).toISOString() }));
    assert.match(said.why, /^Twilio is limiting us, next try in 12 s\.$/);
  });

  test('what has no words of ours is told in the words of the server', () => {
    const said = verdict(recording('waiting', { reason: { code: 'new_word', text: 'The moon is full.' } }));
    assert.match(said.why, /^The moon is full\. Twilio did not deliver it\.$/);
    assert.match(verdict(recording('waiting', { reason: { code: 'error_page', text: '' } })).why, /^Twilio did not deliver it\. The last reason: no sound came\.$/);
    assert.match(verdict(recording('waiting', { reason: { code: 'cut', text: '' }, next_try_at: new Date(Date.now() - 5000).toISOString() })).why, /^The connection broke, trying now…$/);
    assert.match(verdict(recording('absent', { reason: { code: 'no_key', text: '' } })).why, /no key/);
    assert.match(verdict(recording('dead', { reason: { code: 'timeout', text: '' } })).why, /^callspool gave up\. The last reason: no answer from Twilio\.$/);
  });

  test('what has expired says after how many days, and until when it can come back', () => {
    const kept = { expired: true, started_at: at(0), expires_at: at(7 * 86_400) };
    assert.equal(verdict(recording('stored', kept)).why, 'It is older than recordings are kept (7 days).');
    const inADay = new Date(Date.now() + 86_400_000);
    assert.match(verdict(recording('stored', { ...kept, removal_at: inADay.toISOString() })).why, new RegExp(`\\(7 days\\)\\. It is removed on \\w+ ${inADay.getDate()} \\w+; until then a hold brings it back\\.$`));
    assert.doesNotMatch(verdict(recording('stored', { ...kept, removal_at: at(0).replace('2026', '2020') })).why, /brings it back/);
    assert.equal(verdict(recording('stored', { ...kept, expires_at: at(60) })).why, 'It is older than recordings are kept.');
  });

  test('how long was tried is from the first try to the last', () => {
    assert.equal(triedHours({ attempts: [tried(0, 'cut'), tried(24 * 3600, 'cut')] }), 24);
    assert.equal(triedHours({ attempts: [tried(0, 'cut')] }), null);
    assert.equal(triedHours({}), null);
  });
});
