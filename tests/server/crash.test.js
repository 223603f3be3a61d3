// kill -9 at random moments while webhooks come in, recordings are fetched and people listen.
//
// CRASH_ROUNDS and CRASH_WEBHOOKS (in each round) make a longer run of it: 20 and 600 are some thousands
// of events acknowledged.  TEST_SEED, which is printed, gives the same moments again.
import test from 'node:test';
import { surviveCrashes } from './harness/crashes.js';

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 6);
const WEBHOOKS = Number(process.env.CRASH_WEBHOOKS ?? 200);

test(`${ROUNDS} times kill -9, ${ROUNDS * WEBHOOKS} webhooks`, async (t) => {
  await surviveCrashes(t, { rounds: ROUNDS, webhooks: WEBHOOKS });
});
