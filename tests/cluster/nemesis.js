// What is done to the processes and to all that they need: a kind of trouble each, at random, some at the same time, until the time is over.
import { setTimeout as pause } from 'node:timers/promises';
import { run } from '../server/harness/process.js';
import { until } from '../server/harness/until.js';

const HOUR_MS = 3_600_000;
const FLIGHT_WITHIN_MS = 10_000, TAKEN_OVER_WITHIN_MS = 40_000;
const STORED = 3; // catalog/recordings.h
const PLANS_MS = 4000; // for those who connect anew
// What a statement of ours says where somebody else has taken the database away meanwhile, or holds what it locks.
const AWAY = /lock timeout|deadlock detected|FATAL|closed the connection|ECONN|EPIPE|ENOENT|read-only transaction/;

function unlessAway(error) {
  if (!AWAY.test(error.cause?.message)) throw error;
}

/** A statement that holds on until it is ended. */
async function hold(world, database, sql, ms) {
  const { postgres } = world;
  const name = `held-${world.history.now()}`;
  const held = run('psql', ['-XAtqc', `SET application_name = '${name}'; ${sql}; SELECT pg_sleep(600)`, postgres.url.replace('/postgres?', `/${database}?`)], { withinMs: 0 }).catch(() => {});
  await world.rest(ms);
  await until('who holds on is ended', async () => {
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`);
    return true;
  });
  await held;
}

/** Somebody else, as a rule: for it is asked when who was about to do it stands still. */
async function somebodyStored(world, recordingSid) {
  const isStored = () => world.isOver || world.postgres.query(`SELECT 1 FROM recordings WHERE recording_sid = '${recordingSid}' AND state = ${STORED}`);
  await until('it is stored', isStored, TAKEN_OVER_WITHIN_MS).catch(() => {});
}

/** Twilio is slow, breaks off, has other media the next time. */
async function disturbTwilio(world, rules, ms) {
  await world.disturbTwilio('all', rules);
  await world.rest(ms);
  await world.disturbTwilio('all');
}

/** The rows of turns lie in another order, and whoever connects anew is read them as they lie. */
async function layTurnsAnew(world) {
  await world.postgres.query('ALTER ROLE callspool SET enable_indexscan = off; ALTER ROLE callspool SET enable_bitmapscan = off; ALTER ROLE callspool SET enable_indexonlyscan = off');
  await world.postgres.query('SET lock_timeout = \'2s\'; CREATE INDEX turns_backwards ON turns (seq DESC); CLUSTER turns USING turns_backwards; DROP INDEX turns_backwards');
}

/**
 * { for, short: [least, most] in seconds, short where each is tried once; takes: what nobody else may trouble meanwhile ('member': one of the processes), apart: nor that, where each is tried once,
 * weight, run(world, ms, { member, dice }) }.  Of what takes a member `member` is the one.
 */
export const KINDS = {
  kill: { takes: 'member', weight: 4, for: [0, 20], async run(world, ms, { member }) {
    await member.kill();
    await world.rest(ms);
    await member.start();
  } },
  terminate: { takes: 'member', weight: 2, for: [0, 5], async run(world, ms, { member }) {
    await member.stop();
    await world.rest(ms);
    await member.start();
  } },
  stop: { takes: 'member', weight: 5, for: [1, 30], short: [17, 20], async run(world, ms, { member }) {
    member.freeze();
    await world.rest(ms);
    member.thaw();
  } },
  'stop in a flight': { takes: 'member', apart: 'database', weight: 4, for: [0, 10], short: [0, 2], async run(world, ms, { member, dice }) {
    const isStored = Boolean(world.store) && dice.chance(50);
    const recordingSid = await member.freezeInFlight(isStored, world.rest(FLIGHT_WITHIN_MS));
    if (!recordingSid) return;
    try {
      await world.disturbTwilio(member.name, [`changed:${recordingSid}`]); // whoever fetches it meanwhile gets something else
      await somebodyStored(world, recordingSid);
      await world.rest(ms);
    } finally {
      if (isStored) member.mend('store');
      member.thaw();
      await world.disturbTwilio(member.name);
    }
  } },
  'cut off from the database': { takes: 'member', weight: 4, for: [1, 25], async run(world, ms, { member, dice }) {
    member.cut('database', dice.pick(['refused', 'silent', 'silent']));
    await world.rest(ms);
    member.mend('database');
  } },
  'cut off from its peers': { takes: 'member', weight: 2, for: [1, 20], async run(world, ms, { member, dice }) {
    member.cut('peers', dice.pick(['refused', 'silent']));
    await world.rest(ms);
    member.mend('peers');
  } },
  'cut off from the bucket': { takes: 'member', weight: 2, for: [1, 15], needs: (world) => world.store, async run(world, ms, { member, dice }) {
    member.cut('store', dice.pick(['refused', 'silent']));
    await world.rest(ms);
    member.mend('store');
  } },
  'cut off from Twilio': { takes: 'member', weight: 2, for: [1, 15], async run(world, ms, { member, dice }) {
    member.cut('twilio', dice.pick(['refused', 'silent']));
    await world.rest(ms);
    member.mend('twilio');
  } },
  'commits cut': { takes: 'member', weight: 4, for: [1, 6], async run(world, ms, { member, dice }) {
    const endsAt = performance.now() + ms;
    while (performance.now() < endsAt && !world.isOver) {
      if (member.database.commits === 0) member.database.commits = dice.between(1, 12);
      await world.rest(100);
    }
    member.database.commits = 0;
  } },
  deaf: { takes: 'member', weight: 2, for: [5, 30], async run(world, ms, { member }) {
    member.database.isDeaf = true;
    await world.rest(ms);
    member.database.isDeaf = false;
  } },
  'slow way': { takes: 'member', weight: 2, for: [5, 20], async run(world, ms, { member, dice }) {
    member.database.delayMs = dice.between(2, 40);
    await world.rest(ms);
    member.database.delayMs = 0;
  } },
  clock: { takes: 'member', apart: 'database', weight: 3, for: [5, 40], short: [9, 12], async run(world, ms, { member, dice }) {
    const set = (aheadMs) => {
      world.history.add('clock', { process: member.name, aheadMs });
      member.clock.set(aheadMs);
    };
    const endsAt = performance.now() + ms;
    while (performance.now() < endsAt && !world.isOver) {
      set(dice.pick([HOUR_MS, -HOUR_MS, 0].filter((aheadMs) => aheadMs !== member.clock.aheadMs)));
      await world.rest(dice.between(1000, 6000));
    }
    set(0);
  } },
  'database restarted': { takes: 'database', weight: 2, for: [0, 20], async run(world, ms) {
    await world.restartPostgres('SIGQUIT', () => world.rest(ms));
  } },
  'standby without its tail': { takes: 'database', weight: 1, for: [1, 10], async run(world, ms) {
    const from = world.history.now();
    const standby = await world.keepStandby();
    await world.rest(ms);
    await world.promote(standby);
    world.history.add('tail', { from });
  } },
  'bucket stopped': { takes: 'store', weight: 2, for: [1, 12], needs: (world) => world.store, async run(world, ms, { dice }) {
    const { s3 } = world.store;
    if (dice.chance(50)) {
      s3.hold();
      await world.rest(ms);
      s3.release();
    } else {
      await s3.stop();
      await world.rest(ms);
      await s3.start();
    }
  } },
  'snapshot held': { takes: 'snapshot', weight: 1, for: [10, 60], run: (world, ms) => hold(world, 'postgres', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT COUNT(*) FROM calls', ms) },
  'write left open elsewhere': { takes: 'write', weight: 1, for: [10, 60], run: (world, ms) => hold(world, 'elsewhere', 'BEGIN; CREATE TABLE IF NOT EXISTS x (n int); INSERT INTO x VALUES (1)', ms) },
  'turns laid anew': { takes: 'member', weight: 2, for: [2, 6], async run(world, ms, { member }) {
    member.cut('database', 'refused'); // it has some of them to read, then
    await world.rest(ms);
    await layTurnsAnew(world).catch(unlessAway).finally(() => member.mend('database'));
    await world.rest(PLANS_MS);
    await until('plans are its own again', () => world.postgres.query('ALTER ROLE callspool RESET ALL').then(() => true));
  } },
  'Twilio disturbed': { takes: 'upstream', weight: 6, for: [5, 20], run: (world, ms, { dice }) => disturbTwilio(world, [
    ...(dice.chance(70) ? [`slow=${dice.pick([3000, 6000, 20_000])}`] : []), ...(dice.chance(60) ? [`changed@${dice.pick([20, 50, 100])}%`] : []),
    ...(dice.chance(40) ? [`cut=${dice.between(5, 95)}%@${dice.pick([20, 50])}%`] : []), ...(dice.chance(30) ? ['503@30%'] : []), 'ranges@50%'], ms) },
};

export class Nemesis {
  /** `hands`: so many troubles at once; `once`: each kind once and no more, for at most so many seconds; `only`: the names of those that come. */
  constructor(world, { hands = 3, once, only } = {}) {
    Object.assign(this, { world, hands, once, taken: new Set(), dice: world.dice(2), counts: {} });
    this.kinds = Object.entries(KINDS).filter(([name, kind]) => (!only || only.includes(name)) && (!kind.needs || kind.needs(world)));
    this.left = once && this.dice.shuffle(this.kinds);
  }

  start() {
    this.running = Promise.all(Array.from({ length: this.hands }, (_, i) => this.#go(this.world.dice(10 + i))));
    this.running.catch(() => {});
  }

  stop() {
    return this.running;
  }

  /** A process that nothing is done to; of all three one is left alone. */
  #freeMember(dice) {
    const free = this.world.members.filter(({ name }) => !this.taken.has(name));
    return free.length > 1 ? dice.pick(free) : undefined;
  }

  async #go(dice) {
    while (!this.world.isOver) {
      await this.world.rest(dice.between(100, this.once ? 500 : 3000));
      const next = this.once ? this.left.find(([, kind]) => this.#canTake(kind)) : dice.weighted(this.kinds.map((one) => [one[1].weight, one]));
      if (this.once && this.left.length === 0) return;
      if (!next || !this.#canTake(next[1])) continue;
      if (this.once) this.left.splice(this.left.indexOf(next), 1);
      await this.#run(next, dice);
    }
  }

  #canTake({ takes, apart }) {
    if (this.once && this.taken.has(apart)) return false;
    return takes === 'member' ? this.world.members.filter(({ name }) => !this.taken.has(name)).length > 1 : !this.taken.has(takes);
  }

  async #run([name, kind], dice) {
    const member = kind.takes === 'member' ? this.#freeMember(dice) : undefined;
    const taken = [member?.name ?? kind.takes, ...(this.once && kind.apart ? [kind.apart] : [])];
    const [least, most] = this.once ? kind.short ?? kind.for.map((seconds) => Math.min(seconds, this.once)) : kind.for;
    const ms = dice.between(1000 * least, 1000 * most);
    for (const one of taken) this.taken.add(one);
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    this.world.history.add('trouble', { name, process: member?.name, ms });
    try {
      await kind.run(this.world, ms, { member, dice }).catch(unlessAway);
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    } finally {
      for (const one of taken) this.taken.delete(one);
    }
    this.world.history.add('trouble over', { name, process: member?.name });
  }
}
