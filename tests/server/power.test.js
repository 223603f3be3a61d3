// The power goes at random moments: like crash.test.js, and what was not fsynced is forgotten each time,
// or, every other time, has reached the disk in part.
//
// A round has two lives.  In the first a sync fails at a random moment (of the log, of media, of a folder, in turn):
// the server may end by that, is killed at the latest a while later, and the power stays on.  The second goes on with what
// it finds, is killed, and the power goes.
//
// The data folder itself is made by the first start, so that its own name has to be synced, too.
// POWER_ROUNDS and POWER_WEBHOOKS (in each life) make a longer run of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from './harness/callspool.js';
import { surviveCrashes } from './harness/crashes.js';
import { requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { failNextSync, failNoSync, forgetful, rebuild } from './harness/shadow.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

const ROUNDS = Number(process.env.POWER_ROUNDS ?? 4);
const WEBHOOKS = Number(process.env.POWER_WEBHOOKS ?? 100);
const FAILING = ['log', 'media', 'folder'];
const SYNC_FAILED = [/cannot be trusted/, /cannot sync/];
const FIRST_SYNCS = 14; // more than a start and a webhook have

test(`the power goes ${ROUNDS} times, ${2 * ROUNDS * WEBHOOKS} webhooks`, async (t) => {
  const folder = temporaryFolder(t, 'power');
  const roundOf = (life) => Math.floor(life / 2);
  const disk = (round) => join(folder, `disk-${round}`);
  const shadow = (round) => join(folder, `shadow-${round}`);
  mkdirSync(disk(0));
  await surviveCrashes(t, {
    rounds: 2 * ROUNDS,
    webhooks: WEBHOOKS,
    prepare: (life) => ({
      dataDir: join(disk(roundOf(life)), 'data'),
      env: forgetful(disk(roundOf(life)), shadow(roundOf(life))),
      expectErrors: SYNC_FAILED,
    }),
    during: (life) => {
      if (life % 2 === 0) failNextSync(shadow(roundOf(life)), FAILING[roundOf(life) % FAILING.length]);
    },
    afterKill: (dataDir, life) => {
      const round = roundOf(life);
      failNoSync(shadow(round));
      if (life % 2 === 0) return dataDir;
      rebuild(disk(round), shadow(round), disk(round + 1), { isTorn: round % 2 === 1 });
      rmSync(disk(round), { recursive: true });
      rmSync(shadow(round), { recursive: true });
      return join(disk(round + 1), 'data');
    },
  });
});

/** A disk, the shadow of it, and where it is rebuilt as the power leaves it. */
function newDisk(t) {
  const folder = temporaryFolder(t, 'power');
  const [disk, shadow, after] = ['disk', 'shadow', 'after'].map((name) => join(folder, name));
  mkdirSync(disk);
  const environment = (options) => ({ dataDir: join(disk, 'data'), env: forgetful(disk, shadow, options) });
  return { disk, shadow, after, environment };
}

/** Tells of a new call; its SID once that was acknowledged, or undefined. */
async function tell(server, fields = {}) {
  const callSid = newSid('CA');
  const reply = await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid, ...fields })).catch(() => undefined);
  return reply?.status === 200 ? callSid : undefined;
}

/** The power goes, and all that was acknowledged is there. */
async function losePower(t, { disk, shadow, after }, acknowledged, when) {
  rebuild(disk, shadow, after);
  const server = await startServer(t, { dataDir: join(after, 'data') });
  for (const callSid of acknowledged) {
    await until(`${when}, the event of ${callSid} is there`,
      async () => (await requestJson(`${server.url}/api/calls/${callSid}`)).status === 200, 5000);
  }
  await server.stop('SIGTERM');
}

/** What the next start finds made, it has to sync as if it had made it. */
async function diesAtSync(t, options) {
  const disk = newDisk(t);
  const first = await startServer(t, { ...disk.environment(options), mayDie: true });
  // One that goes on may not rest on what was not synced.
  const acknowledged = [first.url && await tell(first)].filter(Boolean);
  if (first.url) await first.kill();
  if (acknowledged.length === 0) {
    const second = await startServer(t, disk.environment());
    acknowledged.push(await tell(second));
    await second.kill();
  }
  await losePower(t, disk, acknowledged, `after a first start with ${JSON.stringify(options)}`);
  return !first.url;
}

test('the first start is killed at any of its syncs, the second takes a webhook, and the power goes', async (t) => {
  let syncs = 0;
  while (await diesAtSync(t, { syncs })) syncs += 1;
  assert.ok(syncs >= 5, `it has but ${syncs} syncs`);
});

test('any of the first syncs fails, the next start takes a webhook, and the power goes', async (t) => {
  let ended = 0;
  for (let fails = 0; fails < FIRST_SYNCS; fails += 1) if (await diesAtSync(t, { fails })) ended += 1;
  assert.ok(ended >= 5, `${ended} ended it`);
});

for (const kind of ['log', 'ledger']) {
  test(`a sync of the ${kind} fails, the next start takes more, and the power goes`, async (t) => {
    const disk = newDisk(t);
    const first = await startServer(t, { ...disk.environment(), expectErrors: [/cannot be trusted/] });
    const acknowledged = [await tell(first), await tell(first)];
    failNextSync(disk.shadow, kind);
    // The file is synced when the log has grown: not with the first webhook.
    const large = 'x'.repeat(30_000);
    await until('the server has ended', async () => {
      if (first.status) return true;
      for (let i = 0; i < 10; i += 1) acknowledged.push(await tell(first, { Text: kind === 'ledger' ? large : '' }));
      return false;
    });
    await first.kill();
    const second = await startServer(t, disk.environment());
    for (let i = 0; i < 5; i += 1) acknowledged.push(await tell(second));
    await second.kill();
    const kept = acknowledged.filter(Boolean);
    assert.ok(kept.length >= 7, `${kept.length} were acknowledged`);
    await losePower(t, disk, kept, `after a sync of the ${kind} had failed`);
  });
}
