// What clients did and heard, what was done to the processes, and what Twilio was asked: line by line, as it happened.
import { createWriteStream } from 'node:fs';

export class History {
  constructor(file) {
    this.entries = [];
    this.beganAt = performance.now();
    this.stream = createWriteStream(file);
  }

  /** Milliseconds since the beginning. */
  now() {
    return Math.round(performance.now() - this.beganAt);
  }

  add(what, fields) {
    const entry = { at: this.now(), what, ...fields };
    this.entries.push(entry);
    if (!this.isClosed) this.stream.write(`${JSON.stringify(entry)}\n`); // who was waited for in vain may be late
    return entry;
  }

  close() {
    this.isClosed = true;
    return new Promise((resolve) => this.stream.end(resolve));
  }
}
