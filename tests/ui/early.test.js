// What is asked for before the page's script is here: read to its end by the time somebody takes it.
import assert from 'node:assert/strict';
import test from 'node:test';
import { load } from './load.js';

const { askEarly, takeEarly } = await load('early');
const answers = { '/good': () => Promise.resolve({ n: 1 }), '/no-json': () => Promise.reject(new SyntaxError('no JSON')) };
let reads = 0;
globalThis.fetch = async (address) => {
  if (!answers[address]) throw new TypeError('no answer');
  return { ok: true, json: () => { reads += 1; return answers[address](); } };
};

test('an answer is taken once, with its body read already', async () => {
  askEarly(['/good', '/no-json', '/none']);
  const answer = await takeEarly('/good');
  assert.equal(reads, 2, 'of both that came');
  assert.deepEqual(await answer.json(), { n: 1 });
  assert.equal(reads, 2, 'and not once more');
  assert.equal(takeEarly('/good'), null);
});

test('what is wrong with it is told to who takes it', async () => {
  await assert.rejects((await takeEarly('/no-json')).json(), SyntaxError);
  await assert.rejects(takeEarly('/none'), TypeError);
  assert.equal(takeEarly('/never-asked-for'), null);
});
