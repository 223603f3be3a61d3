// Lives through one schedule and its quiet, and says what was wrong.
import { makeSchedule } from './schedule.js';
import { World } from './world.js';
import { beQuiet } from './quiet.js';

/** What a schedule started is ended with it: stands in for the `t` of a test. */
function lifetime() {
  const endings = [];
  return { after: (ending) => endings.push(ending), end: async () => { for (const ending of endings) await ending(); } };
}

/** { seed, objections, ms, recordings, acknowledged, heard, servers }: no objections, and all was well. */
export async function liveThrough(seed) {
  const schedule = makeSchedule(seed);
  const t = lifetime();
  const beganAt = performance.now();
  const objections = [];
  let world;
  try {
    world = await World.open(t, schedule);
    await world.liveOn();
    if (world.objections.length === 0) await beQuiet(world);
  } catch (error) {
    objections.push(error.message);
  } finally {
    if (world) world.isEnding = true;
    await world?.players.stop();
    await t.end().catch((error) => objections.push(error.message));
  }
  return {
    seed, ms: performance.now() - beganAt, schedule, objections: [...(world?.objections ?? []), ...new Set(objections)],
    log: world?.servers.flatMap((server, i) => [`--- server ${i + 1}`, ...server.err]) ?? [],
    recordings: world?.recordings.length ?? 0, acknowledged: world?.callbacks.acknowledged.size ?? 0, heard: world?.players.heard ?? 0,
    names: world?.players.names.size ?? 0, servers: world?.servers.length ?? 0, orphans: world?.orphans?.length ?? 0, hits: world?.disk.faulty?.hits() ?? 0,
  };
}
