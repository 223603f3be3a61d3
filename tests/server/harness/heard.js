// What a player asks for at random, and what a reply holds; for those who play all the time and look at each byte.
import { parseByteranges } from './multipart.js';

const TICK_MS = 100;

/** For how long this process itself did not turn, in all: what it was late by is no fault of the server's. */
let stalledMs = 0;
let tickedAt = performance.now();
setInterval(() => {
  stalledMs += Math.max(0, performance.now() - tickedAt - 2 * TICK_MS);
  tickedAt = performance.now();
}, TICK_MS).unref();

/** A watch that stands still while this process does. */
export function startWatch() {
  const [beganAt, stalledBefore] = [performance.now(), stalledMs];
  return () => performance.now() - beganAt - (stalledMs - stalledBefore);
}

/** A Range of something of about `size` bytes, or none. */
export function rangeFor(dice, size) {
  const at = () => dice.below(size + 20);
  const pair = () => {
    const [first, last] = [at(), at()].sort((a, b) => a - b);
    return `${first}-${last}`;
  };
  return dice.weighted([
    [6, () => undefined], [3, () => 'bytes=0-'], [3, () => 'bytes=0-1'], [5, () => `bytes=${pair()}`], [4, () => `bytes=${at()}-`], [2, () => `bytes=-${at()}`],
    [1, () => `bytes=${pair()}, ${pair()}`],
  ])();
}

/** What a reply holds: [{ offset, bytes, total }]; none where it cannot be told. */
export function piecesOf({ status, headers, body, cut }) {
  if (status === 200) return [{ offset: 0, bytes: body, total: headers['content-length'] === undefined ? undefined : Number(headers['content-length']) }];
  if (headers['content-type'].startsWith('multipart/byteranges')) {
    if (cut) return [];
    return parseByteranges(headers['content-type'], body).map(({ first, bytes, total }) => ({ offset: first, bytes, total }));
  }
  const [, first, last, total] = headers['content-range'].match(/^bytes (\d+)-(\d+)\/(\d+)$/).map(Number);
  if (!cut && body.length !== last - first + 1) throw new Error(`${headers['content-range']} with ${body.length} bytes`);
  return [{ offset: first, bytes: body, total }];
}
