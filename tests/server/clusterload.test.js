// A short part of the long test of several processes (docs/testing.md): each kind of trouble once.  script/cluster-test runs as much of it as one likes.
import test from 'node:test';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { liveThrough } from '../cluster/live.js';
import { KINDS } from '../cluster/nemesis.js';
import { temporaryFolder } from './harness/process.js';

const SEED = Number(process.env.TEST_SEED ?? 14);
const SECONDS_MOST = 150;

test(`three processes, and each trouble once, seed ${SEED}`, async (t) => {
  const lived = await liveThrough(t, { seed: SEED, seconds: SECONDS_MOST, once: 6, hands: 4, everyMs: 400, isInBucket: true, log: join(temporaryFolder(t), 'history.jsonl') });
  assert.deepEqual(lived.objections.map(({ point, text }) => `${point}: ${text}`), [], lived.logs.slice(-200).join('\n'));
  assert.deepEqual(Object.keys(lived.troubles).sort(), Object.keys(KINDS).sort(), 'each of them came');
  assert.ok(lived.recordings > 20 && lived.plays > 100 && lived.feeds > 20 && lived.lists > 100, JSON.stringify({ ...lived, logs: undefined }));
});
