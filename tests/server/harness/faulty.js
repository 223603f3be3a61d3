// Reads, writes and names that fail, by tests/tools/faulty.c, which is preloaded under the server.
import { closeSync, existsSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { BINARY } from './callspool.js';

const LIBRARY = join(dirname(BINARY), 'tests/tools/faulty.so');

// The order of tests/tools/faulty.c.
export const CALLS = ['open', 'read', 'write', 'sync', 'rename', 'remove', 'cut'];
export const FILES = ['ledger', 'log', 'media'];
const HEAD = 16;
const SLOT = 16;

export class FaultyDisk {
  /** The files of `folder` can fail; `control` is a file that is made for it. */
  constructor(folder, control) {
    if (!existsSync(LIBRARY)) throw new Error(`there is no ${LIBRARY}: ninja builds it with the server`);
    this.slots = Buffer.alloc(HEAD + SLOT * CALLS.length * FILES.length);
    writeFileSync(control, this.slots);
    this.fd = openSync(control, 'r+');
    this.library = LIBRARY;
    this.env = { FAULTY_DIR: folder, FAULTY_CONTROL: control };
  }

  /** Lets `after` calls on files of the kind pass, then `count` fail: 'EIO', 'ENOSPC'. */
  fail({ call, file, after = 0, count = 1, error = 'EIO' }) {
    const at = HEAD + SLOT * (CALLS.indexOf(call) * FILES.length + FILES.indexOf(file));
    const slot = Buffer.alloc(12);
    slot.writeInt32LE(after, 0);
    slot.writeInt32LE(count, 4);
    slot.writeInt32LE(constants.errno[error], 8);
    writeSync(this.fd, slot, 0, slot.length, at);
    this.#arm(1);
  }

  /** Nothing fails any more. */
  calm() {
    this.#arm(0);
    for (let at = HEAD; at < this.slots.length; at += SLOT) writeSync(this.fd, Buffer.alloc(8), 0, 8, at);
  }

  /** How many calls have failed, of one kind of file or of all. */
  hits(file) {
    readSync(this.fd, this.slots, 0, this.slots.length, 0);
    let sum = 0;
    for (let slot = 0; slot < CALLS.length * FILES.length; slot += 1) {
      if (!file || FILES[slot % FILES.length] === file) sum += this.slots.readInt32LE(HEAD + SLOT * slot + 12);
    }
    return sum;
  }

  close() {
    closeSync(this.fd);
  }

  #arm(armed) {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(armed);
    writeSync(this.fd, word, 0, word.length, 0);
  }
}
