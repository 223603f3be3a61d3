// The recordings of a call, as the player goes through them.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { inOrder, withNews, chapterAfter, isPlayable, mainOf, durationOf } = await load('player/recordings');
const recording = (sid, more = {}) => ({ recording_sid: sid, state: 'stored', started_at: `2026-11-21T10:0${sid.at(-1)}:00Z`, expired: false, duration: 60, ...more });
const sids = (recordings) => recordings.map(({ recording_sid: sid }) => sid);

test('in the order in which they were made', () => {
  assert.deepEqual(sids(inOrder([recording('RE3'), recording('RE1'), recording('RE2', { started_at: null })])), ['RE2', 'RE1', 'RE3']);
});

test('a row has the main one alone: what is known of the others stays', () => {
  const known = [recording('RE1', { state: 'waiting' }), recording('RE2')];
  const news = withNews(known, [recording('RE1')]);
  assert.deepEqual(news.map(({ state }) => state), ['stored', 'stored']);
  assert.deepEqual(sids(withNews(known, [recording('RE3'), recording('RE0')])), ['RE0', 'RE1', 'RE2', 'RE3'], 'and what is new comes in its place');
});

test('the next chapter is the next that can be played', () => {
  const all = [recording('RE1'), recording('RE2', { state: 'gone' }), recording('RE3', { expired: true }), recording('RE4', { state: 'queued' })];
  assert.equal(chapterAfter(all, 'RE1').recording_sid, 'RE4');
  assert.equal(chapterAfter(all, 'RE4'), null);
  assert.equal(chapterAfter(all, 'RE9'), null, 'not one of them');
});

test('what can be played', () => {
  for (const state of ['stored', 'queued', 'waiting']) assert.equal(isPlayable(recording('RE1', { state })), true, state);
  for (const state of ['recording', 'paused', 'announced', 'absent', 'dead', 'gone', 'purged', 'some news']) assert.equal(isPlayable(recording('RE1', { state })), false, state);
  assert.equal(isPlayable(recording('RE1', { expired: true })), false);
});

test('the main one, and how long it is', () => {
  assert.equal(mainOf({ main_recording_sid: 'RE2', recordings: [recording('RE1')] }), 'RE2');
  assert.equal(mainOf({ main_recording_sid: null, recordings: [recording('RE1')] }), 'RE1');
  assert.equal(mainOf({ main_recording_sid: null, recordings: [] }), null);
  assert.equal(durationOf(recording('RE1', { measured_duration: 59.5 })), 59.5, 'as measured');
  assert.equal(durationOf(recording('RE1')), 60);
  assert.equal(durationOf(undefined), null);
});
