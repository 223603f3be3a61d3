// A short part of the fault campaign; script/campaign runs as much of it as one likes.  CAMPAIGN_SCHEDULES makes more of it here.
import test from 'node:test';
import assert from 'node:assert/strict';
import { liveThrough } from '../campaign/live.js';
import { makeSchedule } from '../campaign/schedule.js';
import { SEED } from './harness/seeded.js';

const SCHEDULES = Number(process.env.CAMPAIGN_SCHEDULES ?? 12);
const AT_ONCE = 2;
const FIRST = SEED % 2 ** 30;

test('a seed is a schedule', () => {
  assert.deepEqual(makeSchedule(FIRST), makeSchedule(FIRST));
  assert.notDeepEqual(makeSchedule(FIRST).lives, makeSchedule(FIRST + 1).lives);
});

test(`${SCHEDULES} schedules of faults, from ${FIRST} on`, async () => {
  const failures = [];
  let [next, acknowledged, heard] = [0, 0, 0];
  const work = async () => {
    while (next < SCHEDULES) {
      const lived = await liveThrough(FIRST + next++);
      acknowledged += lived.acknowledged;
      heard += lived.heard;
      if (lived.objections.length > 0) failures.push(`script/campaign --one ${lived.seed}:\n${lived.objections.join('\n')}\n${lived.log.slice(-60).join('\n')}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(failures, []);
  assert.ok(acknowledged > SCHEDULES, `${acknowledged} events were acknowledged`);
  assert.ok(heard > SCHEDULES, `${heard} plays were heard`);
});
