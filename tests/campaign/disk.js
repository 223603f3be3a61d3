// The disk of a schedule: a folder, one that forgets what was not synced, one whose calls fail, a small one of its own, or several of these.
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { startDisk } from '../server/harness/callspool.js';
import { FaultyDisk } from '../server/harness/faulty.js';
import { failNextSync, failNoSync, forgetful, preloaded, rebuild } from '../server/harness/shadow.js';

const SMALL_MIB = 16;
const PIECE = Buffer.alloc(1024 * 1024, 1);

export class Disk {
  /** `clock` (harness/jumping.js) is preloaded beside it, if there is one. */
  static async open(t, folder, { isForgetful, isFaulty, isSmall }, { below, clock }) {
    const disk = new Disk();
    Object.assign(disk, { folder, isForgetful, below, clock, lost: 0 });
    mkdirSync(disk.path);
    if (isSmall) disk.small = await startDisk(t, disk.path, SMALL_MIB);
    if (isFaulty) disk.faulty = new FaultyDisk(folder, join(folder, 'faulty'));
    return disk;
  }

  /** Another one each time that the power went. */
  get path() {
    return join(this.folder, `disk-${this.lost}`);
  }

  get shadow() {
    return join(this.folder, `shadow-${this.lost}`);
  }

  get dataDir() {
    return join(this.path, 'data');
  }

  /** Where we see what the server sees. */
  seen(path = this.dataDir) {
    return this.small ? this.small.seenFrom(path) : path;
  }

  get #filler() {
    return this.seen(join(this.path, 'filler'));
  }

  /** Options of startServer. */
  get options() {
    const above = [this.faulty, this.clock].filter(Boolean).map(({ library }) => library);
    const env = this.isForgetful ? forgetful(this.path, this.shadow, { above }) : above.length > 0 ? preloaded(above) : {};
    return { dataDir: this.dataDir, disk: this.small, env: { ...env, ...this.faulty?.env, ...this.clock?.env } };
  }

  /** The next sync of one of KINDS fails. */
  failSync(kind) {
    failNextSync(this.shadow, kind);
  }

  /** Nothing fails any more, and there is room. */
  calm() {
    if (this.isForgetful) failNoSync(this.shadow);
    this.faulty?.calm();
    this.drain();
  }

  /** Fills the disk but for so many bytes. */
  fill(left) {
    const { bavail, bsize } = statfsSync(this.seen(this.path));
    const fd = openSync(this.#filler, 'a');
    try {
      for (let rest = bavail * bsize - left; rest > 0; rest -= PIECE.length) writeSync(fd, PIECE, 0, Math.min(rest, PIECE.length));
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      closeSync(fd);
    }
  }

  drain() {
    if (this.small) rmSync(this.#filler, { force: true });
  }

  /** The power goes: what was not synced is lost, all of it or by chance. */
  losePower(isTorn) {
    const [disk, shadow] = [this.path, this.shadow];
    failNoSync(shadow);
    this.lost += 1;
    rebuild(disk, shadow, this.path, { isTorn, below: this.below });
    rmSync(disk, { recursive: true });
    rmSync(shadow, { recursive: true });
  }
}
