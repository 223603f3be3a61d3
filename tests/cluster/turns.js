// All turns that there ever were, as far as anybody saw them: read now and then, for a failover takes some away.
const EVERY_MS = 1000;
const AGAIN = 3000; // numbers before the last one that was seen

/** [{ seq, changes: [[what, callSid], ...], isAll }] of what psql prints. */
function parse(text) {
  return text.split('\n').filter(Boolean).map((line) => {
    const [seq, writer, at, changes] = line.split('|');
    const lines = changes.split(';').filter(Boolean);
    return {
      seq: Number(seq), writer, at: Number(at), isAll: lines.includes('*'),
      changes: lines.filter((one) => one !== '*').map((one) => one.split(' ')).map(([what, callSid, recordingSid]) => ({ what: Number(what), callSid, recordingSid })),
    };
  });
}

const keyOf = ({ seq, writer, at }) => `${seq} ${writer} ${at}`;

export class Turns {
  constructor(postgres) {
    Object.assign(this, { postgres, byKey: new Map(), last: 0 });
  }

  async #read(after = 0) {
    return parse(await this.postgres.query(`SELECT seq, process_id, at_ms, replace(changes, E'\\n', ';') FROM turns WHERE seq > ${after}`));
  }

  /** Those of before as well: nothing is taken for granted here. */
  async look() {
    for (const turn of await this.#read(Math.max(0, this.last - AGAIN))) {
      this.byKey.set(keyOf(turn), turn);
      this.last = Math.max(this.last, turn.seq);
    }
  }

  /** What failovers took away: { lastKept, last, at }: numbers, and when the server was back. */
  losses = [];

  /** A server without the last of them has taken over. */
  async findLost(at) {
    const now = await this.#read();
    const there = new Set(now.map(keyOf));
    const oldest = Math.min(...now.map(({ seq }) => seq));
    const lastKept = Math.max(...now.map(({ seq }) => seq));
    for (const [key, turn] of this.byKey) {
      if (turn.seq < oldest || there.has(key)) continue;
      this.byKey.delete(key);
    }
    this.losses.push({ lastKept, last: this.last, at });
    this.last = lastKept;
  }

  start() {
    this.timer = setInterval(() => { this.looking ??= this.look().catch(() => {}).finally(() => { this.looking = undefined; }); }, EVERY_MS);
  }

  async stop() {
    clearInterval(this.timer);
    await this.looking;
  }

  /** In their order. */
  get all() {
    return [...this.byKey.values()].sort((a, b) => a.seq - b.seq);
  }
}
