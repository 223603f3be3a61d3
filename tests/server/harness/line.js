// A line between two programs, which can break, fall silent, or be slow.
import net from 'node:net';
import { atEnd } from './lifetime.js';

const ENDS = Symbol('it sends no more'), CLOSED = Symbol('it is closed');

/** One direction: what was sent and is not there yet. */
class Way {
  constructor(line, into) {
    Object.assign(this, { line, into, kept: [] });
  }

  push(piece) {
    this.kept.push({ piece, at: performance.now() + this.line.delayMs });
    this.pump();
  }

  pump() {
    while (this.kept.length > 0 && !this.line.isSilent) {
      const wait = this.kept[0].at - performance.now();
      if (wait > 0) {
        this.timer ??= setTimeout(() => {
          this.timer = undefined;
          this.pump();
        }, wait);
        return;
      }
      const { piece } = this.kept.shift();
      if (piece === CLOSED) this.into.destroySoon();
      else if (piece === ENDS) this.into.end();
      else if (!this.into.destroyed) this.into.write(piece);
    }
  }
}

/**
 * { port, requests, isDown, isSilent, delayMs, cut(), hear() } to a port, or to the path of a Unix socket.  cut() ends what is under way; as
 * long as isDown nobody gets through.  As long as isSilent nothing arrives, not even that somebody has hung up; hear(): all of it does, late.
 * What went over it is in `requests`, as text, unless `look(near, far)` looks at it: { there(chunk), back(chunk) } give what is to be passed on of
 * what is sent to `to`, and by it.
 */
export async function startLine(t, to, { look } = {}) {
  const pairs = new Set();
  const line = { requests: [], isDown: false, isSilent: false, delayMs: 0 };
  const server = net.createServer((near) => {
    near.on('error', () => {});
    if (line.isDown) return near.destroy();
    const far = typeof to === 'string' ? net.connect(to) : net.connect(to, '127.0.0.1');
    const pair = { near, far, there: new Way(line, far), back: new Way(line, near) };
    const looker = look?.(near, far);
    pairs.add(pair);
    far.on('error', () => {});
    for (const [from, way, sees] of [[near, pair.there, looker?.there], [far, pair.back, looker?.back]]) {
      from.on('data', (chunk) => {
        if (!looker && from === near) line.requests.push(chunk.toString('latin1'));
        const passed = sees ? sees(chunk) : chunk;
        if (passed?.length > 0) way.push(passed);
      });
      from.on('end', () => way.push(ENDS));
      from.on('close', () => {
        way.push(CLOSED);
        if (near.destroyed && far.destroyed) pairs.delete(pair);
      });
    }
    return undefined;
  });
  server.on('connection', (socket) => socket.setNoDelay(true));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  line.port = server.address().port;
  line.cut = () => { for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy(); };
  line.hear = () => {
    line.isSilent = false;
    for (const { there, back } of pairs) for (const way of [there, back]) way.pump();
  };
  atEnd(t, () => {
    line.isSilent = false;
    line.cut();
    server.close();
  });
  return line;
}
