// Numbers that look random and come again: from TEST_SEED, or a new seed, which is printed with the results.
import { randomInt } from 'node:crypto';

export const SEED = Number(process.env.TEST_SEED ?? randomInt(2 ** 31));

/** A function below(n) that gives integers of 0 to n - 1 (mulberry32); each use takes its own. */
export const seeded = (use = 0) => seededBy(SEED + use * 0x9e3779b9);

/** The same, from a seed of the caller's. */
export function seededBy(seed) {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * n);
  };
}
