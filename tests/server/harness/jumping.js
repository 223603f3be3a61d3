// A wall clock that a test sets while the server runs, by tests/tools/jumping.c, which is preloaded under it.
import { closeSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY } from './callspool.js';

const LIBRARY = join(dirname(BINARY), 'tests/tools/jumping.so');

export class JumpingClock {
  /** `control` is a file that is made for it. */
  constructor(control) {
    if (!existsSync(LIBRARY)) throw new Error(`there is no ${LIBRARY}: ninja builds it with the server`);
    writeFileSync(control, Buffer.alloc(8));
    this.control = control;
    this.library = LIBRARY;
    this.env = { JUMPING_CONTROL: control };
    this.aheadMs = 0;
  }

  /** From now on it is so many milliseconds ahead of the machine's; below 0: behind. */
  set(aheadMs) {
    const word = Buffer.alloc(8);
    word.writeBigInt64LE(BigInt(aheadMs));
    const fd = openSync(this.control, 'r+'); // in place: it is mapped
    writeSync(fd, word, 0, word.length, 0);
    closeSync(fd);
    this.aheadMs = aheadMs;
  }
}
