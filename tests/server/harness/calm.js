// Another server, to which nothing happens, beside the one under test: what is slow on both is the machine's doing.
//
// A limit in milliseconds holds on one machine and fails on a busier one.  So the same webhooks go to a calm
// server at the same time, one after the other, and the limit is a multiple of what they take there.
import { startServer } from './callspool.js';
import { atEnd } from './lifetime.js';
import { CALL_STATUS, callCallback, postForm } from './webhook.js';

/** The most that a webhook may take: so many times what it takes the calm server, and a hiccup. */
const SLOWER = 5;
const HICCUP_MS = 500;

/** Posts one webhook after the other to a server until it is stopped. */
export class WebhookPump {
  constructor(server) {
    this.sent = []; // { at, ms }, by performance.now()
    this.done = this.#run(server);
    this.done.catch(() => {}); // it is told by stop()
  }

  async #run(server) {
    while (!this.isStopped) {
      this.beganAt = performance.now();
      const { status, ms } = await postForm(server.url, CALL_STATUS, callCallback());
      if (status !== 200) throw new Error(`a webhook was answered ${status}`);
      this.sent.push({ at: this.beganAt, ms });
    }
  }

  /** All that were sent. */
  async stop() {
    this.isStopped = true;
    await this.done;
    return this.sent;
  }

  /** The longest that one took, or takes, which was under way between the two times. */
  slowest(from, until) {
    const all = [...this.sent, { at: this.beganAt, ms: performance.now() - this.beganAt }];
    return Math.max(0, ...all.filter(({ at, ms }) => at < until && at + ms > from).map(({ ms }) => ms));
  }
}

/** A calm server, and webhooks to it until t is over. */
export async function startCalm(t) {
  const pump = new WebhookPump(await startServer(t));
  atEnd(t, () => pump.stop());
  return {
    /** Of some webhooks [{ at, ms }], those that took too long, in words. */
    tooSlow: (sent) => sent.map(({ at, ms }) => ({ ms, calm: pump.slowest(at, at + ms) }))
      .filter(({ ms, calm }) => ms > SLOWER * calm + HICCUP_MS)
      .map(({ ms, calm }) => `${Math.round(ms)} ms, while a calm server took ${Math.round(calm)} ms`),
  };
}
