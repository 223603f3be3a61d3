// The checker of the long test (tests/cluster/checker.js): a history that is well, and for each point one in which it alone is broken.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { check } from '../cluster/checker.js';
import { EXPECTED, noteOf } from '../cluster/said.js';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const CALL = `CA${'1'.repeat(32)}`, OTHER = `CA${'2'.repeat(32)}`;
const ONE = `RE${'1'.repeat(32)}`, TWO = `RE${'2'.repeat(32)}`, THREE = `RE${'3'.repeat(32)}`;
const content = (text) => Buffer.from(text.repeat(50));
const FIRST = content('first'), AGAIN = content('again'), SECOND = content('other');

const piece = (bytes, offset = 0, end = bytes.length) => ({ offset, length: end - offset, total: bytes.length, sha256: sha256(bytes.subarray(offset, end)) });
const play = (at, fields) => ({ at, what: 'play', process: 'b', recordingSid: ONE, from: at - 10, answer: 200, etag: '"1"', pieces: [piece(AGAIN)], ...fields });
const webhook = (at, mark, fields) => ({ at, what: 'webhook', mark, process: 'a', from: at - 5, answer: 200, of: 'recorded', status: 'completed', callSid: CALL, recordingSid: ONE, ...fields });
const feed = (at, after, seq, fields) => ({ at, what: 'feed', reader: 'of a', process: 'a', from: at - 100, after, seq, ...fields });
const asked = (process, from, to) => ({ at: to, what: 'asked', process, recordingSid: ONE, from, to });
const life = (at, process, state, fields) => ({ at, what: 'life', process, state, ...fields });
const file = (recordingSid, generation, bytes) => ({ key: `11/${CALL}.${recordingSid}.${generation}.mp3`, size: bytes.length, sha256: sha256(bytes) });
const listRow = (callSid, key, fields) => ({ callSid, key, direction: 'inbound', from: '+1555000111', to: '+1555000222', ...fields });
const list = (at, rows, fields) => ({ at, what: 'list', process: 'a', from: at - 20, side: 'older', filter: {}, limit: 50, rows, beyond: null, ...fields });
const FIRST_ROW = listRow(CALL, '9000.4'), OTHER_ROW = listRow(OTHER, '9000.7', { direction: 'outbound-api', to: '+1555000333' });
const row = (recordingSid, state, fields) => ({ recordingSid, callSid: CALL, state, reason: null, sha256: null, path: null, size: null, ...fields });
const stored = (recordingSid, generation, bytes) => row(recordingSid, 'stored', { path: file(recordingSid, generation, bytes).key, size: bytes.length, sha256: sha256(bytes) });

/** All is well in it: one was fetched twice, as its first holder stood still; one was deleted; one is absent. */
function aRun() {
  return {
    history: [
      webhook(100, 1), webhook(150, 2, { recordingSid: TWO }), webhook(160, 3, { answer: 503 }), webhook(170, 4, { recordingSid: THREE, status: 'absent' }),
      feed(200, undefined, 10), feed(300, 10, 12, { calls: [CALL] }), feed(400, 12, 13, { gone: [OTHER] }),
      { at: 350, what: 'seen', process: 'a', callSid: CALL, main: null }, { at: 360, what: 'seen', process: 'a', callSid: CALL, main: ONE }, { at: 370, what: 'seen', process: 'b', callSid: CALL, main: ONE },
      life(1000, 'a', 'stopped'), asked('a', 900, 25_000), asked('b', 17_000, 18_000), life(26_000, 'a', 'woken'), life(26_500, 'a', 'buried', { number: 1 }),
      play(18_500), play(18_600, { pieces: [piece(AGAIN, 20, 60)], answer: 206 }), play(18_700, { cut: true, pieces: [{ ...piece(AGAIN, 0, 30) }] }),
      play(950, { process: 'a', etag: '"0"', pieces: [piece(FIRST, 0, 40)], cut: true }),
      list(410, [FIRST_ROW]), list(420, [OTHER_ROW, FIRST_ROW]), list(430, [OTHER_ROW], { limit: 1, beyond: '9000.7' }), list(440, [FIRST_ROW], { limit: 1, place: '9000.7', beyond: '9000.4' }),
      list(450, [FIRST_ROW], { side: 'newer', place: '0.1', limit: 1, beyond: '9000.4' }), list(460, [OTHER_ROW], { side: 'newer', place: '9000.4' }),
      list(470, [OTHER_ROW], { filter: { number: '333' } }), list(480, [FIRST_ROW], { filter: { direction: 'inbound' } }), list(490, [], { filter: { state: 'stored' } }),
      list(41_000, [OTHER_ROW], { walk: 1, beyond: '9000.7' }), list(41_010, [FIRST_ROW], { walk: 1, place: '9000.7' }), list(41_020, [FIRST_ROW], { walk: 2, filter: { state: 'stored' }, side: 'newer', place: '0.1' }),
      list(41_030, [FIRST_ROW], { walk: 3, side: 'newer', place: '0.1', beyond: '9000.4' }), list(41_040, [OTHER_ROW], { walk: 3, side: 'newer', place: '9000.4' }),
      { at: 30_000, what: 'person', act: 'delete', process: 'a', recordingSid: TWO, from: 29_900, answer: 200 },
      play(32_000, { recordingSid: TWO, etag: '"2"', pieces: [piece(SECOND)] }), { at: 40_000, what: 'play', process: 'b', recordingSid: TWO, from: 39_900, answer: 410 },
    ],
    truth: {
      marks: [1, 2, 4], projected: [`${CALL}|${ONE}`, `${OTHER}|-`], fresh: [`${OTHER}|-`, `${CALL}|${ONE}`], mains: [[CALL, ONE]],
      calls: [{ callSid: CALL, key: '9000.4', direction: 'inbound', state: 'stored', isHeld: true }, { callSid: OTHER, key: '9000.7', direction: 'outbound', state: 'none', isHeld: false }],
      counts: { 2: 2, 7: 1 }, counted: { 2: 2, 7: 1 },
      media: new Map([[ONE, [FIRST, AGAIN]], [TWO, [SECOND]], [THREE, []]]),
      recordings: [stored(ONE, 2, AGAIN), row(TWO, 'deleted', { path: file(TWO, 3, SECOND).key }), row(THREE, 'absent', { reason: 'too_short' })],
      files: [file(ONE, 2, AGAIN), file(ONE, 1, FIRST), { key: `11/${CALL}.${ONE}.2.peaks`, size: 3, sha256: '' }],
      attempts: [{ recordingSid: ONE, generation: 1 }, { recordingSid: ONE, generation: 2 }, { recordingSid: TWO, generation: 3 }],
      leases: 0, openAttempts: 0, unprojected: 0, setAside: 0,
      turns: [{ seq: 11, changes: [{ what: 1, callSid: CALL }] }, { seq: 12, changes: [{ what: 64, callSid: OTHER }] }, { seq: 13, changes: [{ what: 2, callSid: OTHER }] }], losses: [],
    },
  };
}

test('a run in which all is well', () => {
  const { history, truth } = aRun();
  assert.deepEqual(check(history, truth), []);
});

const BROKEN = [
  [0, 'an answer that nobody should have', ({ history }) => { history[0].wrong = '500 internal'; }],
  [1, 'an acknowledged event is not in the log', ({ truth }) => { truth.marks = [1, 4]; }],
  [2, 'a row that the log does not make', ({ truth }) => { truth.projected.push('CAx|-'); }],
  [2, 'a row that the log makes is missing', ({ truth }) => { truth.fresh.push('CAx|-'); }],
  [2, 'another main recording in the end', ({ truth }) => { truth.mains = [[CALL, TWO]]; }],
  [2, 'another main recording in between', ({ history }) => { history.push({ at: 365, what: 'seen', process: 'c', callSid: CALL, main: TWO }, { at: 366, what: 'seen', process: 'c', callSid: CALL, main: ONE }); }],
  [3, 'a counter that is one too high', ({ truth }) => { truth.counts[7] = 2; }],
  [3, 'a counter that is missing', ({ truth }) => { delete truth.counts[2]; }],
  [4, 'two ask at the same time, and the first stood still later', ({ history }) => { history.push(asked('c', 17_200, 18_500)); }],
  [4, 'one is taken for dead that lived', ({ history }) => { history.push(life(90_000, 'b', 'buried', { number: 2 })); }],
  [4, 'one is taken for dead long after it stood still', ({ history }) => {
    history.push(life(50_000, 'b', 'stopped'), life(75_000, 'b', 'woken'), { at: 90_000, what: 'database', state: 'away' }, { at: 95_000, what: 'database', state: 'back' }, life(100_200, 'b', 'buried', { number: 2 }));
  }],
  [4, 'one ends by itself', ({ history }) => { history.push(life(90_000, 'b', 'died', { said: ['abort'] })); }],
  [5, 'bytes of nothing that Twilio had', ({ history }) => { history.push(play(50_000, { etag: '"9"', pieces: [piece(content('wrong'))] })); }],
  [5, 'an ETag of two contents of one recording', ({ history }) => { history.push(play(50_000, { pieces: [piece(FIRST)] })); }],
  [5, 'an ETag of two recordings', ({ history }) => { history.push(play(50_000, { recordingSid: TWO, etag: '"1"', process: 'a', from: 29_000, pieces: [piece(SECOND)] })); }],
  [5, 'a length that it has not', ({ history }) => { history.push(play(50_000, { pieces: [{ ...piece(AGAIN, 0, 30), total: 31 }] })); }],
  [5, 'the stored file is another', ({ truth }) => { truth.files[0] = { ...truth.files[0], sha256: sha256(FIRST) }; }],
  [5, 'the stored file is gone', ({ truth }) => { truth.files.shift(); }],
  [5, 'what is stored is nothing that Twilio had', ({ truth }) => { truth.recordings.push(stored(TWO, 3, FIRST)); truth.recordings.splice(1, 1); truth.files.push(file(TWO, 3, FIRST)); }],
  [5, 'what was stored is lost', ({ history }) => { history.push({ at: 50_000, what: 'lost', process: 'b', recordingSid: ONE }); }],
  [5, 'what was stored is lost, and a failover had nothing to do with it', ({ history }) => {
    history.push({ at: 50_000, what: 'lost', process: 'b', recordingSid: ONE }, { at: 49_000, what: 'tail', from: 48_000 });
  }],
  [5, 'what was known is forgotten before a failover', ({ history }) => {
    history.push({ at: 47_000, what: 'forgotten', process: 'b', recordingSid: ONE }, { at: 49_000, what: 'tail', from: 48_000 });
  }],
  [5, 'what was deleted is lost before a failover', ({ history }) => {
    history.push({ at: 35_000, what: 'lost', process: 'b', recordingSid: TWO }, { at: 49_000, what: 'tail', from: 48_000 });
  }],
  [5, 'what was held is lost with a failover', ({ history }) => {
    history.push({ at: 24_500, what: 'person', act: 'hold', process: 'a', recordingSid: TWO, from: 24_400, answer: 200 }, { at: 25_000, what: 'tail', from: 24_000 }, { at: 25_500, what: 'lost', process: 'b', recordingSid: TWO });
  }],
  [5, 'what was deleted later was lost before', ({ history }) => {
    history.push({ at: 25_000, what: 'tail', from: 24_000 }, { at: 25_500, what: 'lost', process: 'b', recordingSid: TWO });
  }],
  [6, 'a change is not told', ({ history }) => { history.push(feed(500, 10, 13, { calls: [CALL] })); }],
  [6, 'the number falls', ({ history }) => { history.push(feed(500, 13, 12)); }],
  [6, 'what was told is gone, and nobody says so', ({ history, truth }) => { truth.losses.push({ lastKept: 12, last: 15, at: 450 }); history.push(feed(600, 14, 5000)); }],
  [6, 'what was told is gone, and who stood still goes on', ({ history, truth }) => {
    truth.losses.push({ lastKept: 12, last: 15, at: 450 });
    history.push(life(440, 'a', 'stopped'), life(590, 'a', 'woken'), feed(600, 14, 15), feed(700, 15, 5000));
  }],
  [7, 'a deleted recording is played by who is connected', ({ history }) => { history.push(play(36_000, { recordingSid: TWO, etag: '"2"', pieces: [piece(SECOND)] })); }],
  [8, 'one waits still', ({ truth }) => { truth.recordings.push(row(`RE${'4'.repeat(32)}`, 'waiting', { reason: 'http_503' })); }],
  [8, 'one was given up, and nobody says why', ({ truth }) => { truth.recordings.push(row(`RE${'4'.repeat(32)}`, 'dead')); }],
  [8, 'one that was acknowledged is not known', ({ history, truth }) => { history.push(webhook(180, 5, { recordingSid: `RE${'5'.repeat(32)}` })); truth.marks.push(5); }],
  [9, 'a lease is left', ({ truth }) => { truth.leases = 1; }],
  [9, 'an attempt is open', ({ truth }) => { truth.openAttempts = 1; }],
  [9, 'an event is not projected', ({ truth }) => { truth.unprojected = 1; }],
  [9, 'an event was set aside', ({ truth }) => { truth.setAside = 1; }],
  [10, 'a file of no attempt', ({ truth }) => { truth.files.push(file(ONE, 7, FIRST)); }],
  [10, 'a file that is nothing of ours', ({ truth }) => { truth.files.push({ key: 'x', size: 1, sha256: '' }); }],
  [10, 'the file of what was deleted', ({ truth }) => { truth.files.push(file(TWO, 3, SECOND)); }],
  [11, 'a page is not in order', ({ history }) => { history.push(list(500, [FIRST_ROW, OTHER_ROW])); }],
  [11, 'a call is there twice', ({ history }) => { history.push(list(500, [OTHER_ROW, OTHER_ROW, FIRST_ROW])); }],
  [11, 'the newer ones are read as if they were the older', ({ history }) => { history.push(list(500, [FIRST_ROW], { side: 'newer', place: '9000.7' })); }],
  [11, 'a page begins with the place behind which it is', ({ history }) => { history.push(list(500, [OTHER_ROW, FIRST_ROW], { place: '9000.7' })); }],
  [11, 'a page goes on from behind what it has', ({ history }) => { history.push(list(500, [OTHER_ROW, FIRST_ROW], { beyond: '9000.7' })); }],
  [11, 'a page goes on from before where it began', ({ history }) => { history.push(list(500, [], { place: '9000.4', beyond: '9000.6' })); }],
  [11, 'the call from which a page goes on is not in it', ({ history }) => { history.push(list(500, [OTHER_ROW], { beyond: '9000.4' })); }],
  [11, 'a call that was there is not in the list', ({ history }) => { history.push(list(500, [OTHER_ROW])); }],
  [11, 'nor between two others, the other way', ({ history }) => { history.push(list(500, [], { side: 'newer', place: '0.1', beyond: '9000.5' })); }],
  [11, 'nor in that of its direction', ({ history }) => { history.push(list(500, [], { filter: { direction: 'inbound' } })); }],
  [11, 'nor among those that have its number', ({ history }) => { history.push(list(500, [OTHER_ROW], { filter: { number: '0001' } })); }],
  [11, 'one of another direction', ({ history }) => { history.push(list(500, [OTHER_ROW, FIRST_ROW], { filter: { direction: 'inbound' } })); }],
  [11, 'one that was told of by the feed is not in the list', ({ history, truth }) => {
    history.push({ at: 495, what: 'seen', process: 'b', main: null, ...listRow(`CA${'3'.repeat(32)}`, '8000.9') }, list(520, [OTHER_ROW, FIRST_ROW]));
    truth.calls.push({ callSid: `CA${'3'.repeat(32)}`, key: '8000.9', direction: 'inbound', state: 'none', isHeld: false });
    history.splice(0, history.length, ...history.filter(({ walk }) => !walk));
  }],
  [11, 'the list in the end has one too few', ({ history }) => { history.push(list(41_050, [], { walk: 4, filter: { state: 'held' } })); }],
  [11, 'the list in the end has one too many', ({ history }) => { history.push(list(41_050, [FIRST_ROW], { walk: 4, filter: { state: 'deleted' } })); }],
];

for (const [point, name, breaks] of BROKEN) {
  test(`point ${point}: ${name}`, () => {
    const run = aRun();
    breaks(run);
    const found = check(run.history, run.truth);
    assert.ok(found.length > 0, 'it is found');
    assert.deepEqual([...new Set(found.map((one) => one.point))], [point], JSON.stringify(found));
  });
}

const EXCUSED = [
  ['what a failover lost', ({ history, truth }) => { truth.marks = [1, 4]; history.push({ at: 160, what: 'tail', from: 140 }); }],
  ['a reset after it', ({ history, truth }) => { truth.losses.push({ lastKept: 12, last: 15, at: 450 }); history.push(feed(600, 14, 5000, { reset: true })); }],
  ['a deleted recording is played by who was cut off', ({ history }) => {
    history.push({ at: 29_000, what: 'cut', process: 'b', line: 'database' }, play(36_000, { recordingSid: TWO, etag: '"2"', pieces: [piece(SECOND)] }), { at: 37_000, what: 'mended', process: 'b', line: 'database' });
  }],
  ['a call that moved is not where it was', ({ history, truth }) => {
    history.push(list(500, [listRow(CALL, '9500.4'), OTHER_ROW]), list(510, [FIRST_ROW], { place: '9000.7' }));
    truth.calls[0].key = '9500.4';
    history.splice(0, history.length, ...history.filter(({ walk }) => !walk));
  }],
  ['a call has moved, as the ledger knows, and nobody saw it', ({ history, truth }) => {
    history.push(list(510, [], { place: '9000.7' }));
    truth.calls[0].key = '9500.4';
    history.splice(0, history.length, ...history.filter(({ walk }) => !walk));
  }],
  ['a failover took away that a file was deleted', ({ history }) => {
    history.push({ at: 30_500, what: 'tail', from: 29_800 }, { at: 31_000, what: 'lost', process: 'b', recordingSid: TWO });
  }],
  ['a failover took all of a recording away', ({ history }) => {
    history.push({ at: 28_000, what: 'forgotten', process: 'b', recordingSid: ONE }, { at: 28_500, what: 'tail', from: 27_000 });
  }],
  ['a failover took away that a file was replaced', ({ history }) => {
    history.push({ at: 20_000, what: 'tail', from: 19_000 }, { at: 28_000, what: 'lost', process: 'b', recordingSid: ONE });
  }],
  ['a list while a failover goes on', ({ history }) => { history.push(list(510, [OTHER_ROW]), { at: 520, what: 'tail', from: 499 }); }],
  ['a call that a failover took away is in no list', ({ history }) => {
    history.push({ at: 495, what: 'seen', process: 'b', main: null, ...listRow(`CA${'3'.repeat(32)}`, '8000.9') }, { at: 505, what: 'tail', from: 492 }, list(540, [OTHER_ROW, FIRST_ROW]));
  }],
  ['one that stood still finds out when the database is back', ({ history }) => {
    history.push(life(50_000, 'b', 'stopped'), { at: 60_000, what: 'database', state: 'away' }, life(75_000, 'b', 'woken'), { at: 100_000, what: 'database', state: 'back' }, life(100_200, 'b', 'buried', { number: 2 }));
  }],
  ['who stood still during a failover goes on, and finds out at once', ({ history, truth }) => {
    truth.losses.push({ lastKept: 12, last: 15, at: 450 });
    history.push(life(440, 'a', 'stopped'), life(590, 'a', 'woken'), feed(600, 14, 15), feed(700, 15, 5000, { more: 200 }));
  }],
  ['two requests of one process', ({ history }) => { history.push(asked('b', 17_100, 17_900)); }],
  ['many changes at once', ({ history }) => { history.push(feed(500, 10, 13, { more: 200 })); }],
  ['one that cannot be had, and it is told why', ({ truth }) => { truth.recordings.push(row(`RE${'4'.repeat(32)}`, 'dead', { reason: 'http_404' })); }],
];

for (const [name, happens] of EXCUSED) {
  test(`no fault: ${name}`, () => {
    const run = aRun();
    happens(run);
    assert.deepEqual(check(run.history, run.truth), []);
  });
}

// What is said, whether it may be at level=error, and what becomes of it in the history.
const SAID = [
  [`level=error msg="recording ${ONE} is lost, and queued to be fetched again: cannot open 'x'"`, true, { what: 'lost', recordingSid: ONE }],
  [`level=error msg="recording ${ONE}: cannot be read: cannot open 'x'"`, true, { what: 'lost', recordingSid: ONE }],
  [`level=error msg="recording ${ONE}: its waveform cannot be made: cannot write"`, false, undefined],
  [`level=error msg="recording ${ONE}: its waveform cannot be made: no recording '${ONE}' in the ledger"`, false, { what: 'forgotten', recordingSid: ONE }],
  [`level=warn msg="recording ${ONE}: its waveform cannot be made: no recording '${ONE}' in the ledger"`, false, { what: 'forgotten', recordingSid: ONE }],
  ['level=error msg="cannot commit an event: PostgreSQL: it does not answer"', true, undefined],
];

test('what a process may say as an error, and what of it is looked at', () => {
  for (const [line, isExpected, note] of SAID) {
    assert.equal(EXPECTED.some((pattern) => pattern.test(line)), isExpected, line);
    assert.deepEqual(noteOf(line), note, line);
  }
});
