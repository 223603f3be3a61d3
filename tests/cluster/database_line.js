// The line from a process to PostgreSQL: a line that knows what goes over it.
import { startLine } from '../server/harness/line.js';

/** The name by which db/db_postgres.c calls a statement. */
function nameOf(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return `cs_${hash.toString(16).padStart(16, '0')}`;
}

const COMMIT = Buffer.from(nameOf('COMMIT'));
const NAMELESS_COMMIT = Buffer.from('COMMIT\0');
const NOTIFICATION = 'A'.charCodeAt(0);

/** Whole messages of a server: those that are passed on. */
class Messages {
  constructor(line) {
    Object.assign(this, { line, rest: Buffer.alloc(0) });
  }

  take(chunk) {
    this.rest = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    const whole = [];
    while (this.rest.length >= 5) {
      const size = 1 + this.rest.readUInt32BE(1);
      if (this.rest.length < size) break;
      if (this.rest[0] !== NOTIFICATION || !this.line.isDeaf) whole.push(this.rest.subarray(0, size));
      else this.line.unheard += 1;
      this.rest = this.rest.subarray(size);
    }
    return Buffer.concat(whole);
  }
}

/**
 * startLine() to the Unix socket of a PostgreSQL, and more: isDeaf: no notification comes through; commits: so many COMMITs more, and the connection
 * that says it is cut when it was passed on, before its answer.  unheard and cuts count both.
 */
export async function startDatabaseLine(t, socket) {
  const look = (near, far) => {
    const messages = new Messages(line);
    let isToCut = false;
    return {
      there(chunk) {
        if (line.commits > 0 && (chunk.includes(COMMIT) || chunk.includes(NAMELESS_COMMIT))) {
          line.commits -= 1;
          isToCut = line.commits === 0;
        }
        return chunk;
      },
      back(chunk) {
        if (!isToCut) return messages.take(chunk);
        line.cuts += 1;
        near.destroy();
        far.destroy();
        return undefined;
      },
    };
  };
  const line = await startLine(t, socket, { look });
  return Object.assign(line, { isDeaf: false, commits: 0, unheard: 0, cuts: 0 });
}
