// The line between one callspool and PostgreSQL, which a test holds up in the middle of a transaction, or cuts.
//
//	const wire = await startWire(t, postgres);     // wire.database(schema) is the 'database' of who is to use it
//	wire.holdAt(({ sql, before }) => sql === 'COMMIT' && ...);  await until('...', () => wire.isHeld);  wire.release();
//	wire.mode = 'black'        nothing goes through, either way, and nobody is told; 'cut': all ends, nobody is let in;
//	wire.mode = 'deaf'         what others notify does not arrive; 'open'
import net from 'node:net';
import { atEnd } from './lifetime.js';

const text = (frame, from) => frame.toString('utf8', from, frame.indexOf(0, from));

/** Frames of a stream that has any pieces; the first one of a client has no type. */
class Frames {
  constructor(isClient) {
    this.rest = Buffer.alloc(0);
    this.isFirst = isClient;
  }

  take(chunk) {
    this.rest = Buffer.concat([this.rest, chunk]);
    const frames = [];
    for (;;) {
      const head = this.isFirst ? 0 : 1;
      if (this.rest.length < head + 4) return frames;
      const size = head + this.rest.readUInt32BE(head);
      if (this.rest.length < size) return frames;
      frames.push({ type: this.isFirst ? '' : String.fromCharCode(this.rest[0]), bytes: this.rest.subarray(0, size) });
      this.rest = this.rest.subarray(size);
      this.isFirst = false;
    }
  }
}

export async function startWire(t, postgres) {
  const lines = new Set();
  const wire = { isHeld: false, matches: null, way: 'open', connections: 0 };
  const connect = (near) => {
    if (wire.way === 'cut') return near.destroy();
    wire.connections += 1;
    const far = net.connect(`${postgres.folder}/.s.PGSQL.5432`);
    const line = { near, far, named: new Map(), before: [], held: null, waiting: [] };
    const [asks, answers] = [new Frames(true), new Frames(false)];
    lines.add(line);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => {});
      one.on('close', () => {
        lines.delete(line);
        if (one === far || !line.held) other.destroy(); // what is held up is on its way, whoever sent it
      });
    }
    /** What is to be run, or undefined. */
    const sqlOf = ({ type, bytes }) => {
      if (type === 'P') line.named.set(text(bytes, 5), text(bytes, bytes.indexOf(0, 5) + 1));
      if (type !== 'B') return undefined;
      return line.named.get(text(bytes, bytes.indexOf(0, 5) + 1));
    };
    near.on('data', (chunk) => {
      for (const frame of asks.take(chunk)) {
        const sql = sqlOf(frame);
        if (sql?.startsWith('BEGIN')) line.before = [];
        if (sql && !line.held && wire.matches?.({ sql, before: line.before, sinceSync: line.sinceSync })) {
          Object.assign(wire, { matches: null, isHeld: true, line });
          line.held = [];
        }
        if (sql) line.before.push(sql);
        if (frame.type === 'S') line.sinceSync = [];
        else if (sql) (line.sinceSync ??= []).push(sql);
        if (line.held) line.held.push(frame.bytes);
        else if (wire.way === 'black') line.waiting.push([far, frame.bytes]);
        else far.write(frame.bytes);
      }
    });
    far.on('data', (chunk) => {
      for (const frame of answers.take(chunk)) {
        if (wire.way === 'black') line.waiting.push([near, frame.bytes]);
        else if (wire.way !== 'deaf' || frame.type !== 'A') near.write(frame.bytes);
      }
    });
    return undefined;
  };
  const server = net.createServer(connect);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  wire.port = server.address().port;
  wire.database = (schema) => `postgresql://callspool@127.0.0.1:${wire.port}/postgres?sslmode=disable&gssencmode=disable&options=-csearch_path%3D${schema}`;
  /** The first statement for which `matches` is true waits, and all behind it in its connection. */
  wire.holdAt = (matches) => Object.assign(wire, { matches, isHeld: false });
  wire.release = () => {
    wire.matches = null;
    for (const bytes of wire.line?.held?.splice(0) ?? []) wire.line.far.write(bytes);
    if (wire.line) wire.line.held = null;
    wire.line = null;
  };
  const cut = () => {
    for (const { near, far } of lines) {
      near.destroy();
      far.destroy();
    }
  };
  Object.defineProperty(wire, 'mode', {
    set: (way) => {
      const wasBlack = wire.way === 'black';
      wire.way = way;
      if (way === 'cut') cut();
      else if (wasBlack) for (const { waiting } of lines) for (const [into, bytes] of waiting.splice(0)) into.write(bytes);
    },
  });
  atEnd(t, () => {
    cut();
    wire.line?.far.destroy();
    server.close();
  });
  return wire;
}
