// The clock in a test's hands: timers, and what Date tells.  That of node:test has no Date in Node 18.
const own = { setTimeout, clearTimeout, setInterval, clearInterval, Date };
let wallMs, passedMs, timers, lastId;

function begin(callback, ms, args, everyMs) {
  timers.set(++lastId, { at: passedMs + Math.max(0, Number(ms) || 0), everyMs, run: () => callback(...args) });
  return lastId;
}

const next = () => [...timers].sort(([a, one], [b, other]) => one.at - other.at || a - b)[0];

/** From now on nothing of it goes by itself. */
export function hold(atMs) {
  [wallMs, passedMs, timers, lastId] = [atMs, 0, new Map(), 0];
  globalThis.setTimeout = (callback, ms, ...args) => begin(callback, ms, args);
  globalThis.setInterval = (callback, ms, ...args) => begin(callback, ms, args, Math.max(1, Number(ms) || 0));
  globalThis.clearTimeout = globalThis.clearInterval = (id) => timers.delete(id);
  globalThis.Date = class extends own.Date {
    constructor(...parts) {
      super(...(parts.length > 0 ? parts : [wallMs]));
    }

    static now() {
      return wallMs;
    }
  };
}

/** So much of it goes by: timers run in their order, each at its time. */
export function tick(ms) {
  const end = passedMs + ms;
  for (let [id, timer] = next() ?? []; timer && timer.at <= end; [id, timer] = next() ?? []) {
    wallMs += timer.at - passedMs;
    passedMs = timer.at;
    if (timer.everyMs) timer.at += timer.everyMs;
    else timers.delete(id);
    timer.run();
  }
  wallMs += end - passedMs;
  passedMs = end;
}

/** What Date tells, and nothing else: the machine slept. */
export const setTime = (ms) => { wallMs = ms; };

export const release = () => Object.assign(globalThis, own);
