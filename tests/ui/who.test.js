// Which side is whose, as a person says it: kept for the next time, for each direction.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const kept = new Map();
globalThis.localStorage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };

const { wayOf, saidBefore, who, swap, nameAgent } = await load('player/who');

test('all of Twilio\'s directions are one of two', () => {
  assert.deepEqual(['inbound', 'outbound-api', 'outbound-dial', 'trunking-terminating', null].map(wayOf), ['inbound', 'outbound', 'outbound', 'outbound', 'outbound']);
});

test('what was said of calls in one direction is known the next time, and of these alone', () => {
  const nothing = { isSwapped: false, agent: null };
  assert.deepEqual(['inbound', 'outbound'].map(saidBefore), [nothing, nothing]);
  swap(wayOf('outbound-api'));
  assert.deepEqual(['inbound', 'outbound'].map(saidBefore), [nothing, { isSwapped: true, agent: null }]);
  nameAgent(wayOf('inbound'), 1);
  assert.deepEqual(['inbound', 'outbound'].map(saidBefore), [{ isSwapped: false, agent: 1 }, { isSwapped: true, agent: null }]);
  assert.deepEqual(who.value, { inbound: saidBefore('inbound'), outbound: saidBefore('outbound') });
  nameAgent(wayOf('inbound'), 0);
  assert.equal(saidBefore('inbound').agent, 0);
  nameAgent(wayOf('inbound'), 0);
  swap(wayOf('outbound-api'));
  assert.deepEqual(['inbound', 'outbound'].map(saidBefore), [nothing, nothing]);
});

test('what is no channel is none', () => {
  kept.set('callspool.agent-inbound', '7');
  assert.equal(saidBefore('inbound').agent, null);
});
