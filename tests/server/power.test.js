// The power goes at random moments: like crash.test.js, and what was not fsynced is forgotten each time,
// or, every other time, has reached the disk in part.
//
// The data folder itself is made by the first start, so that its own name has to be synced, too.
// POWER_ROUNDS and POWER_WEBHOOKS (in each round) make a longer run of it.
import test from 'node:test';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { surviveCrashes } from './harness/crashes.js';
import { temporaryFolder } from './harness/process.js';
import { forgetful, rebuild } from './harness/shadow.js';

const ROUNDS = Number(process.env.POWER_ROUNDS ?? 4);
const WEBHOOKS = Number(process.env.POWER_WEBHOOKS ?? 100);

test(`the power goes ${ROUNDS} times, ${ROUNDS * WEBHOOKS} webhooks`, async (t) => {
  const folder = temporaryFolder(t, 'power');
  const disk = (round) => join(folder, `disk-${round}`);
  const shadow = (round) => join(folder, `shadow-${round}`);
  mkdirSync(disk(0));
  await surviveCrashes(t, {
    rounds: ROUNDS,
    webhooks: WEBHOOKS,
    prepare: (round) => ({ dataDir: join(disk(round), 'data'), env: forgetful(disk(round), shadow(round)) }),
    afterKill: (_, round) => {
      rebuild(disk(round), shadow(round), disk(round + 1), { isTorn: round % 2 === 1 });
      rmSync(disk(round), { recursive: true });
      rmSync(shadow(round), { recursive: true });
      return join(disk(round + 1), 'data');
    },
  });
});
