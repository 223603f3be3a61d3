// The power goes at random moments: like crash.test.js, and what was not fsynced is forgotten each time,
// or, every other time, has reached the disk in part.
//
// The data folder itself is made by the first start, so that its own name has to be synced, too.
// POWER_ROUNDS and POWER_WEBHOOKS (in each round) make a longer run of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from './harness/callspool.js';
import { surviveCrashes } from './harness/crashes.js';
import { requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { forgetful, rebuild } from './harness/shadow.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

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

/** What the next start finds made, it has to sync as if it had made it. */
async function diesAtSync(t, syncs) {
  const folder = temporaryFolder(t, 'power');
  const [disk, shadow, after] = ['disk', 'shadow', 'after'].map((name) => join(folder, name));
  mkdirSync(disk);
  const dataDir = join(disk, 'data');
  const first = await startServer(t, { dataDir, mayDie: true, env: forgetful(disk, shadow, { syncs }) });
  if (first.url) {
    await first.kill();
    return false;
  }
  const second = await startServer(t, { dataDir, env: forgetful(disk, shadow) });
  const callSid = newSid('CA');
  assert.equal((await postForm(second.url, CALL_STATUS, callCallback({ CallSid: callSid }))).status, 200);
  await second.kill();
  rebuild(disk, shadow, after);
  const third = await startServer(t, { dataDir: join(after, 'data') });
  await until(`after a first start that died at sync ${syncs}, the event is there`,
    async () => (await requestJson(`${third.url}/api/calls/${callSid}`)).status === 200, 5000);
  await third.stop('SIGTERM');
  return true;
}

test('the first start is killed at any of its syncs, the second takes a webhook, and the power goes', async (t) => {
  let syncs = 0;
  while (await diesAtSync(t, syncs)) syncs += 1;
  assert.ok(syncs >= 5, `it has but ${syncs} syncs`);
});
