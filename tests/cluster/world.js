// What a run is about: a PostgreSQL, a place for media, a simulated Twilio, three processes, and what is known of them.
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Dice } from '../server/harness/dice.js';
import { startPostgres } from '../server/harness/postgres.js';
import { run, temporaryFolder } from '../server/harness/process.js';
import { startS3 } from '../server/harness/s3_store.js';
import { Simulator } from '../server/harness/simulator.js';
import { History } from './history.js';
import { Member } from './member.js';
import { Turns } from './turns.js';

const NAMES = ['a', 'b', 'c'];
/** Of what is fetched here, and cannot be written (docs/api.md). */
const OUR_DATABASE = /Our database could not be written/;
const LAWFUL = new Set([200, 206, 304, 404, 409, 410, 412, 416, 503]);

export class World {
  /** options: seed, isInBucket; s3 of somebody else's. */
  static async open(t, { seed, isInBucket, s3, log }) {
    const world = new World();
    const folder = temporaryFolder(t, 'cluster');
    Object.assign(world, { t, seed, folder, isOver: false, recordings: [], calls: [], failovers: 0, resting: new Set(), rules: new Map() });
    world.history = new History(log ?? join(folder, 'history.jsonl'));
    t.after(() => world.history.close());
    world.postgres = await startPostgres(t);
    await world.postgres.query('CREATE DATABASE elsewhere');
    if (isInBucket) {
      const store = { s3: s3 ?? await startS3(t) };
      store.bucket = await store.s3.bucket();
      world.store = store;
    } else mkdirSync(join(folder, 'recordings'));
    world.simulator = await Simulator.start(t, ['--seed', String(1 + (seed % 1_000_000))]);
    world.members = [];
    for (const name of NAMES) world.members.push(await Member.open(world, name));
    for (const member of world.members) await member.start();
    world.turns = new Turns(world.postgres);
    return world;
  }

  /** So long, or until the time of troubles is over. */
  rest(ms) {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => { this.resting.delete(wake); resolve(); }, ms);
      const wake = () => { clearTimeout(timer); resolve(); };
      this.resting.add(wake);
    });
  }

  /** No more trouble from now on. */
  end() {
    this.isOver = true;
    for (const wake of this.resting) wake();
    this.resting.clear();
  }

  /** What was found is enough: clients and troubles end, and nothing is waited for. */
  giveUp() {
    this.isGivenUp = true;
    this.end();
  }

  /** Of a reply, or of an error in its place: what nobody should be answered, whatever happens; undefined: it is lawful. */
  isWrong({ status, body, error }) {
    if (error) return /does not promise/.test(error.message) ? error.message : undefined;
    return LAWFUL.has(status) || (status === 500 && OUR_DATABASE.test(body)) ? undefined : `${status} ${body}`;
  }

  /** How the simulated Twilio fails, as `owner` wants it; none: no more.  What others want stays. */
  disturbTwilio(owner, rules = []) {
    this.rules.set(owner, rules);
    this.disturbing = (this.disturbing ?? Promise.resolve()).catch(() => {}).then(async () => {
      await this.simulator.clearFaults();
      const all = [...this.rules.values()].flat();
      if (all.length > 0) await this.simulator.addFaults(...all);
    });
    return this.disturbing;
  }

  dice(use) {
    return new Dice(this.seed + 7919 * use);
  }

  /** Somebody who answers, or might. */
  someMember(dice) {
    return dice.pick(this.members);
  }

  /** The server ends at once, or in order, and comes back. */
  async restartPostgres(signal, pauseFor) {
    this.history.add('database', { state: 'away' });
    await this.postgres.stop(signal);
    await pauseFor();
    await this.postgres.start();
    this.history.add('database', { state: 'back' });
  }

  /** What it holds now, to be taken up again later, as by a standby that has got no further. */
  async keepStandby() {
    const data = join(this.postgres.folder, 'data');
    this.failovers += 1;
    const standby = join(this.postgres.folder, `standby-${this.failovers}`);
    this.history.add('database', { state: 'away' });
    await this.postgres.stop('SIGINT');
    await run('cp', ['-a', data, standby]);
    await this.postgres.start();
    this.history.add('database', { state: 'back' });
    return standby;
  }

  async promote(standby) {
    const data = join(this.postgres.folder, 'data');
    this.history.add('database', { state: 'away' });
    await this.postgres.stop('SIGQUIT');
    renameSync(data, join(this.postgres.folder, `lost-${this.failovers}`));
    renameSync(standby, data);
    writeFileSync(join(data, 'recovery.signal'), '');
    appendFileSync(join(data, 'postgresql.conf'), "restore_command = 'false'\n");
    await this.postgres.start();
    await this.turns.findLost(this.history.now());
    this.history.add('database', { state: 'back' });
  }
}
