// An <audio> for the player's modules (ui/src/player) in Node, and as much of a browser as they look at.

/** As much of an <audio> as the engine sees. */
export class FakeAudio extends EventTarget {
  paused = true;
  ended = false;
  seeking = false;
  error = null;
  readyState = 0;
  duration = Number.NaN;
  buffered = { length: 0 };
  plays = 0;
  loads = [];
  #src = null;
  #time = 0;
  get src() { return this.#src ?? ''; }
  set src(address) {
    this.#src = address;
    this.loads.push(address);
    Object.assign(this, { paused: true, ended: false, error: null, readyState: 0, duration: Number.NaN });
    this.#time = 0;
  }
  getAttribute() { return this.#src; }
  removeAttribute() { this.#src = null; }
  load() {}
  get currentTime() { return this.#time; }
  set currentTime(time) { this.#time = time; }
  async play() {
    this.plays++;
    this.paused = false;
    this.ended = false;
  }
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.tell('pause');
  }
  tell(name) { this.dispatchEvent(new Event(name)); }
  /** It sounds at that time. */
  sounds(time = 0, duration = 100) {
    Object.assign(this, { readyState: 4, duration });
    this.tell('durationchange');
    this.tell('loadedmetadata');
    this.#time = time;
    this.tell('playing');
  }
  breaks(code, message = '') {
    this.error = { code, message };
    this.tell('error');
  }
  ends(time) {
    this.#time = time;
    this.ended = true;
    this.paused = true;
    this.tell('pause');
    this.tell('ended');
  }
}

/** What is told to the window: `online`, `offline`. */
export const page = new EventTarget();

/** Puts it all in place; `window`: timers.  Returns what gives the one <audio>, once the page has made it. */
export function installAudio(window) {
  let audio = null;
  Object.assign(globalThis, {
    HTMLMediaElement: { HAVE_METADATA: 1 },
    document: { createElement: () => (audio = new FakeAudio()), body: { append() {} } },
    window,
    addEventListener: page.addEventListener.bind(page),
  });
  Object.defineProperty(globalThis, 'navigator', { value: { onLine: true }, writable: true });
  return () => audio;
}

/**
 * All that follows from what was done is done.  What is asked here is answered by promises that are kept at once, so that
 * nothing is left of it when the event loop comes round.
 */
export const settled = () => new Promise((done) => setImmediate(done));
