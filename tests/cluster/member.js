// One of the processes: its lines to all others, its clock, its lives.  What is done to it is told in the history.
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../server/harness/callspool.js';
import { freePort } from '../server/harness/cluster.js';
import { JumpingClock } from '../server/harness/jumping.js';
import { startLine } from '../server/harness/line.js';
import { preloaded } from '../server/harness/shadow.js';
import { until } from '../server/harness/until.js';
import { startDatabaseLine } from './database_line.js';
import { startDoor } from './door.js';
import { EXPECTED, noteOf } from './said.js';

const STARTS_WITHIN_MS = 180_000, ENDS_WITHIN_MS = 180_000; // of a busy machine, with the database away for some of it
const UPLOAD = /^PUT \S+(RE[0-9a-f]{32})[^ /]*\.(mp3|wav) [^]*?\r\nContent-Length: (\d+)\r\n[^]*?\r\n\r\n/i;
const BURIED = /process (\d+) was taken for dead, or left behind/;

export class Member {
  static async open(world, name) {
    const { t, folder, history, postgres, store } = world;
    const member = new Member();
    const dataDir = join(folder, name);
    mkdirSync(dataDir);
    Object.assign(member, { world, name, dataDir, lives: [] });
    member.database = await startDatabaseLine(t, join(postgres.folder, '.s.PGSQL.5432'));
    member.twilio = await startDoor(t, world.simulator.url, { history, process: name });
    member.store = store && await startLine(t, store.s3.port, { look: () => member.#lookForUploads() });
    const peerPort = await freePort();
    member.peers = await startLine(t, peerPort, { look: () => ({}) });
    member.clock = new JumpingClock(join(folder, `${name}.clock`));
    member.port = await freePort();
    member.settings = {
      listen: `127.0.0.1:${member.port}`,
      database: `postgresql://callspool@127.0.0.1:${member.database.port}/postgres?sslmode=disable&gssencmode=disable`,
      cluster_listen: `127.0.0.1:${peerPort}`, cluster_address: `127.0.0.1:${member.peers.port}`,
      play_wait: '5s', 'fetch.retry_first': '100ms', 'fetch.retry_most': '2s', 'fetch.stall_timeout': '5s',
      ...(store ? { ...store.bucket.settings, 's3.endpoint': `http://127.0.0.1:${member.store.port}` } : {}),
    };
    if (!store && !existsSync(join(dataDir, 'recordings'))) symlinkSync('../recordings', join(dataDir, 'recordings'));
    return member;
  }

  /** onUpload(recordingSid): before the last of its media is passed on to the bucket. */
  #lookForUploads() {
    let sent, left;
    return { there: (chunk) => {
      const [head, recordingSid, , length] = sent ? [] : chunk.toString('latin1').match(UPLOAD) ?? [];
      if (head) [sent, left] = [recordingSid, head.length + Number(length)];
      if (!sent) return chunk;
      left -= chunk.length;
      if (left > 0) return chunk;
      this.onUpload?.(sent);
      sent = undefined;
      return chunk;
    } };
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get isUp() {
    return Boolean(this.server?.url) && !this.server.status && !this.isEnding;
  }

  get lines() {
    return [this.database, this.twilio, this.peers, ...(this.store ? [this.store] : [])];
  }

  #tell(state, more) {
    this.world.history.add('life', { process: this.name, state, ...more });
  }

  async #startOnce() {
    const { t, store } = this.world;
    let spawned;
    const server = await startServer(t, {
      dataDir: this.dataDir, upstream: this.twilio.url, settings: this.settings, expectErrors: EXPECTED, mayDie: true,
      env: { ...store?.bucket.env, ...preloaded([this.clock.library]), ...this.clock.env }, spawned: (program) => { spawned = program; },
    }).catch(async (error) => {
      // Too late: no two may run in one folder.
      spawned.killed = true;
      spawned.finished = await spawned.stop('SIGKILL');
      throw error;
    });
    this.lives.push(spawned);
    return server.url ? server : undefined;
  }

  /** Again and again while the database is away. */
  async start() {
    this.#tell('starts');
    this.server = await until(`${this.name} starts`, () => this.#startOnce(), STARTS_WITHIN_MS).catch((error) => {
      throw new Error(`${error.message}\n${this.lives.at(-1)?.said}`);
    });
    this.isEnding = false;
    this.#watch(this.server);
    this.#tell('up', { pid: this.server.pid });
  }

  #watch(server) {
    server.on('line', (line) => {
      const [, number] = line.match(BURIED) ?? [];
      if (number) this.#tell('buried', { number: Number(number) });
      const note = noteOf(line);
      if (note) this.world.history.add(note.what, { process: this.name, recordingSid: note.recordingSid });
    });
    server.exited.then((status) => {
      if (this.isEnding || server !== this.server) return;
      server.killed = true;
      server.finished = status;
      this.#tell('died', { status, said: server.err.slice(-30) });
      this.world.giveUp();
    });
  }

  async kill() {
    this.isEnding = true;
    this.#tell('killed');
    if (!this.server.status) await this.server.kill();
    this.#tell('ended');
  }

  async stop() {
    this.isEnding = true;
    this.#tell('stops');
    if (!this.server.status) this.server.finished = await this.server.stop('SIGTERM', ENDS_WITHIN_MS);
    this.#tell('ended');
  }

  freeze() {
    this.#tell('stopped');
    if (!this.server.status) process.kill(this.server.pid, 'SIGSTOP');
    this.isFrozen = true;
  }

  /**
   * Stands still as soon as a recording has come from Twilio, of which nobody else knows yet; with `isStored` as it is on its way to the bucket, where the last of it
   * arrives when the line is mended.  Gives its SID; undefined: none came while `rest` went on.
   */
  async freezeInFlight(isStored, rest) {
    const door = this.twilio;
    let come;
    const coming = new Promise((resolve) => { come = resolve; });
    const stop = (recordingSid) => {
      this.onUpload = door.onEnd = undefined;
      if (isStored) this.cut('store', 'silent');
      this.freeze();
      come(recordingSid);
    };
    if (isStored) this.onUpload = stop;
    else door.onEnd = stop;
    const recordingSid = await Promise.race([coming, rest]);
    this.onUpload = door.onEnd = undefined;
    return recordingSid;
  }

  thaw() {
    if (!this.server.status) process.kill(this.server.pid, 'SIGCONT');
    this.isFrozen = false;
    this.#tell('woken');
  }

  /** Nobody gets through (refused), or nothing arrives. */
  cut(name, how) {
    const line = this[name];
    this.world.history.add('cut', { process: this.name, line: name, how });
    if (how === 'silent') line.isSilent = true;
    else {
      line.isDown = true;
      line.cut();
    }
  }

  mend(name) {
    const line = this[name];
    line.isDown = false;
    line.hear();
    this.world.history.add('mended', { process: this.name, line: name });
  }

  /** All lines lead somewhere, nothing is late, the clock is right; whether it runs is another matter. */
  heal() {
    for (const line of this.lines) {
      line.isDown = false;
      line.delayMs = 0;
      if (line.isSilent) line.hear();
    }
    this.database.isDeaf = false;
    this.database.commits = 0;
    this.clock.set(0);
  }
}
