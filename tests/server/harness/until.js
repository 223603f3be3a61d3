// Waiting for a condition, with a bound that a loaded machine does not reach by chance.
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Calls `probe` until it returns something truthy, which is returned.  An exception of `probe`
 * counts as "not yet".  Fails after `withinMs`, saying what was waited for and what came last.
 */
export async function until(what, probe, withinMs = 30_000) {
  const endsAt = Date.now() + withinMs;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > endsAt) {
      const detail = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${withinMs} ms for: ${what}; last: ${detail}`);
    }
    await pause(POLL_MS);
  }
}

/** The promise, or a failure after `withinMs`. */
export async function within(what, promise, withinMs = 30_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${withinMs} ms`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
