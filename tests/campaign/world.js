// One schedule as it is lived: the simulated Twilio, the disk, the server through its lives, callbacks and players.
//
// What must never be is objected to as soon as it is seen; what must be in the end, quiet.js looks at.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer } from '../server/harness/callspool.js';
import { request, requestJson } from '../server/harness/http.js';
import { JumpingClock } from '../server/harness/jumping.js';
import { temporaryFolder } from '../server/harness/process.js';
import { seededBy } from '../server/harness/seeded.js';
import { Callbacks } from './callbacks.js';
import { damage, forget } from './damage.js';
import { Disk } from './disk.js';
import { Keys, holdsPlain } from './keys.js';
import { Players } from './players.js';
import { keptBy } from './schedule.js';
import { Twilio } from './twilio.js';
import { Upkeep } from './upkeep.js';

/** What a server says at level=error of a disk that fails, or is full; of a whole one it says nothing. */
const SYNC_FAILED = [/cannot be trusted|cannot sync/];
const FULL = [/No space left|database or disk is full/, /and so is what was kept for events/];
// An EIO that SQLite gets from a read it takes for a damaged file system, and says so.
const CALL_FAILED = [...SYNC_FAILED, ...FULL, /Input\/output error|disk I\/O error|database disk image is malformed/];
const explained = ({ isForgetful, isFaulty, isSmall }) => [...(isForgetful ? SYNC_FAILED : []), ...(isFaulty ? CALL_FAILED : []), ...(isSmall ? FULL : [])];
const OBJECTIONS_MOST = 5;
const ENDS_WITHIN_MS = 5000;

export class World {
  static async open(t, schedule) {
    const world = new World();
    const folder = temporaryFolder(t, 'campaign');
    Object.assign(world, { t, schedule, folder, recordings: [], calls: [], objections: [], servers: [], beganAt: performance.now() });
    world.clock = new JumpingClock(join(folder, 'ahead'));
    world.keys = new Keys(join(folder, 'keys'));
    world.upkeep = new Upkeep(world);
    world.disk = await Disk.open(t, folder, schedule.disk, { below: seededBy(schedule.seed + 1), clock: schedule.isJumping && world.clock });
    world.twilio = await Twilio.start(t, schedule.seed, schedule.settings.format);
    world.callbacks = new Callbacks(world);
    world.players = new Players(world, schedule.seed, schedule.players);
    world.live = schedule.live;
    world.explained = explained(schedule.disk);
    world.rules = [keptBy(world.live)];
    return world;
  }

  get mayFail() {
    return this.schedule.disk.isForgetful || this.schedule.disk.isFaulty || this.schedule.disk.isSmall;
  }

  /** Webhooks are refused where the ledger cannot be written, and nowhere else. */
  get mayRefuse() {
    return this.mayFail;
  }

  /** Somebody changed its file: a play finds it, or who was to make its digest. */
  explainLoss({ recordingSid }) {
    this.explained.push(new RegExp(`${recordingSid}.*(is lost, and queued to be fetched again|cannot be read)`));
  }

  object(text) {
    if (this.objections.length < OBJECTIONS_MOST) this.objections.push(text);
  }

  /** The server is being ended, or is another one by now: what breaks is no fault. */
  isExcused(server) {
    return server !== this.server || this.isEnding || Boolean(server.status);
  }

  #writeSettings() {
    writeFileSync(this.config, Object.entries(this.live).map(([key, value]) => `${key} = ${value}\n`).join(''));
  }

  async startServer() {
    this.config = join(this.folder, 'settings');
    this.#writeSettings();
    const { settings } = this.schedule;
    const options = { ...this.disk.options, upstream: this.twilio.url, settings: { ...settings, 'twilio.private_key_file': this.keys.folder }, args: ['--config', this.config], expectErrors: this.explained, mayDie: this.mayFail };
    let server = await startServer(this.t, options);
    if (!server.url) {
      // A start that meets a failing disk may say so and end; on a whole one it serves.
      this.disk.calm();
      server = await startServer(this.t, { ...options, mayDie: false });
    }
    this.servers.push(server);
    this.server = server;
    this.#watch(server);
    this.isEnding = false;
  }

  /** What broke is no fault where the server was being ended; one that ends by itself may be seen to a moment later. */
  async isExcusedSoon(server) {
    if (!this.isExcused(server) && this.mayFail) await Promise.race([server.exited, pause(ENDS_WITHIN_MS)]);
    return this.isExcused(server);
  }

  /** A ledger that cannot be synced ends it, which counts as killed; nothing else does. */
  #watch(server) {
    server.exited.then((status) => {
      const isExplained = this.mayFail && server.err.some((line) => /cannot be trusted/.test(line));
      if (!isExplained && (server !== this.server || this.isEnding)) return;
      server.killed = true;
      server.finished = status;
      if (!isExplained) this.object(`the server ended by itself: ${JSON.stringify(status)}`);
    });
  }

  async #end(how) {
    const { server } = this;
    this.isEnding = true;
    if (how === 'stop' && !server.status) await server.stop('SIGTERM');
    else if (!server.status) await server.kill();
    await server.finish();
    await this.upkeep.end();
    await this.callbacks.settle();
    this.#lookForPlain();
    if (how === 'power' || how === 'torn') this.disk.losePower(how === 'torn');
  }

  /** What Twilio encrypted and is on its way lies on the disk as it came, whatever ended the server. */
  #lookForPlain() {
    const sealed = this.recordings.filter(({ key }) => key);
    const arriving = this.disk.seen(join(this.disk.dataDir, 'arriving'));
    if (sealed.length === 0) return;
    for (const name of readdirSync(arriving)) {
      // What came of another recording may sound the same.
      const its = sealed.filter(({ recordingSid }) => name.startsWith(recordingSid) || !name.startsWith('RE'));
      if (its.some(({ contents }) => contents.some((content) => holdsPlain(join(arriving, name), content)))) this.object(`arriving/${name} has what was encrypted, opened`);
    }
  }

  /** As the calls page shows it; undefined: it is not known. */
  async rowOf({ callSid, recordingSid }) {
    const { status, json } = await requestJson(`${this.server.url}/api/calls/${callSid}`);
    if (status !== 200) return undefined;
    return json.recordings.find((row) => row.recording_sid === recordingSid);
  }

  async restart(how) {
    await this.#end(how);
    await this.startServer();
  }

  async stop() {
    await this.#end('stop');
  }

  /** Lives through all but the quiet. */
  async liveOn() {
    await this.startServer();
    this.players.start();
    for (const [number, life] of this.schedule.lives.entries()) {
      for (const step of life.steps) {
        if (step.ms > 0) await pause(step.ms);
        if (this.objections.length > 0) return;
        if (this.server.status) break;
        await this.#take(step);
      }
      await pause(life.ms);
      if (number < this.schedule.lives.length - 1) await this.restart(life.end);
    }
  }

  async #take(step) {
    const recording = this.recordings[step.number];
    switch (step.what) {
      case 'place': return this.#place(step);
      case 'fault': return this.#fault(step.rules);
      case 'calm': return this.twilio.clearFaults();
      case 'late': return this.callbacks.sendLate();
      case 'tell': return recording && this.callbacks.tellAgain(recording);
      case 'ask': return this.#ask();
      case 'hup': return this.#reload(step.settings);
      case 'hold': case 'lift': case 'delete': case 'retry': return recording && this.#change(step.what, recording);
      case 'sync': return this.disk.failSync(step.kind);
      case 'io': return this.disk.faulty.fail(step);
      case 'fill': return this.disk.fill(step.left);
      case 'drain': return this.disk.drain();
      case 'clock': return this.clock.set(step.ahead * 1000);
      case 'key': return this.upkeep.addKey();
      case 'purge': return this.upkeep.purge(step);
      case 'verify': return this.upkeep.verify(step);
      case 'damage': return recording && damage(this, recording, step);
      case 'forget': return recording && forget(this, recording);
      default: throw new Error(`no such step: ${step.what}`);
    }
  }

  async #place(step) {
    const call = await this.twilio.place(step);
    this.calls.push(call);
    this.recordings.push(...call.recordings.map((recording) => ({ ...recording, held: 'no', deleted: 'no', rulesBefore: this.rules.length - 1 })));
    this.callbacks.announce(step, { ...call, recordings: this.recordings.slice(-call.recordings.length) });
  }

  async #fault(rules) {
    if (rules.some((rule) => rule.startsWith('changed'))) this.hasChanged = true;
    if (rules.some((rule) => rule.startsWith('length'))) this.hasLied = true;
    await this.twilio.addFaults(rules).catch((error) => {
      if (!/faults already/.test(error.message)) throw error;
    });
  }

  /** By a rule that is, or was, in force since it was placed its bytes could be removed. */
  couldBePurged({ age, rulesBefore }) {
    return this.rules.slice(rulesBefore).some(({ retention, grace }) => age > retention + grace);
  }

  #reload(settings) {
    this.live = settings;
    this.rules.push(keptBy(settings));
    this.#writeSettings();
    process.kill(this.server.pid, 'SIGHUP');
  }

  /** What an operator looks at now and then. */
  async #ask() {
    const { server } = this;
    await Promise.all(['/health', '/api/status', '/api/calls?limit=20', '/metrics'].map(async (path) => {
      try {
        const { status, body } = await request(server.url + path);
        if (status !== 200 && !(status === 503 && path === '/health') && !(status >= 500 && (this.mayFail || this.isExcused(server)))) this.object(`${path} answers ${status} ${body}`);
      } catch (error) {
        if (!await this.isExcusedSoon(server)) this.object(`${path}: ${error.message}`);
      }
    }));
  }

  /**
   * Holds, lifts, deletes or retries a recording.  What was answered 200 is so from then on; of what was answered by a
   * broken connection or by 5xx nobody knows.
   */
  async #change(what, recording) {
    const { server } = this;
    const path = `/api/recordings/${recording.recordingSid}`;
    const [method, address, body] = {
      hold: ['POST', `${path}/hold`, '{"reason": "campaign"}'], lift: ['DELETE', `${path}/hold`], delete: ['DELETE', path], retry: ['POST', `${path}/retry`],
    }[what];
    const before = { ...recording };
    const [member, value] = { hold: ['held', 'yes'], lift: ['held', 'no'], delete: ['deleted', 'yes'], retry: [] }[what];
    if (member && recording[member] !== value) recording[member] = 'maybe';
    const settle = (settled) => { if (member) recording[member] = settled; };
    let reply;
    try {
      reply = await request(server.url + address, { method, body, headers: body ? { 'Content-Type': 'application/json' } : {} });
    } catch (error) {
      if (!await this.isExcusedSoon(server)) this.object(`${what} of ${recording.recordingSid}: ${error.message}`);
      return;
    }
    if (reply.status === 200) {
      settle(value);
      if (what === 'delete' && before.held === 'yes') this.object(`${recording.recordingSid} was deleted though it is held`);
      if (what !== 'delete' && what !== 'lift' && before.deleted === 'yes') this.object(`${what} of ${recording.recordingSid} was answered 200, though it is deleted`);
    } else if (reply.status < 500) {
      settle(before[member]);
      this.#judgeRefusal(what, before, reply);
    } else if (!this.mayFail && !this.isExcused(server)) {
      this.object(`${what} of ${recording.recordingSid} was answered ${reply.status} ${reply.body}`);
    }
  }

  #judgeRefusal(what, before, { status, body }) {
    const { recordingSid, held, deleted } = before;
    const isRemoved = deleted !== 'no' || this.couldBePurged(before);
    const why = { hold: isRemoved, lift: isRemoved, delete: held !== 'no' || isRemoved, retry: true }[what];
    // Who is not known yet cannot be held: no callback came, and the list was not read.
    if (status === 404 || (status === 409 && why)) return;
    this.object(`${what} of ${recordingSid}, held: ${held}, deleted: ${deleted}, was answered ${status} ${body}`);
  }
}
