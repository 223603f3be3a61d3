// Clients of /api/events: a WebSocket (or a long poll) that gathers what it is told, and what a page makes of it.
import WebSocket from 'ws';
import { requestJson } from './http.js';
import { atEnd } from './lifetime.js';
import { checkAnswer } from './openapi.js';
import { until, within } from './until.js';
import { PUBLIC_URL } from './webhook.js';

/** A message is what a poll is answered, and of the form that docs/openapi.yaml promises. */
const OF_A_POLL = { 'x-request-id': 'of the WebSocket', 'content-type': 'application/json' };

/** A WebSocket to /api/events that is open; `messages` is all that it was told. */
export class Events {
  constructor(server, query = '', { headers = {}, origin = PUBLIC_URL } = {}) {
    this.messages = [];
    this.socket = new WebSocket(`${server.url.replace(/^http/, 'ws')}/api/events${query}`, { headers, ...(origin ? { origin } : {}) });
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(data));
      checkAnswer({ method: 'GET', url: `${server.url}/api/events`, status: 200, headers: OF_A_POLL, body: data })
        .catch((error) => { this.wrong ??= error; });
    });
    this.close = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
    });
    this.opened.catch(() => {});
  }

  static async open(t, server, query, options) {
    const events = new Events(server, query, options);
    atEnd(t, () => events.socket.terminate());
    await within('a WebSocket opens', events.opened, 20_000);
    return events;
  }

  /** The status that refuses one. */
  static async refusal(server, query = '', options = {}) {
    const events = new Events(server, query, options);
    return within('a WebSocket is refused', new Promise((resolve, reject) => {
      events.socket.on('open', () => { events.socket.terminate(); reject(new Error('it was opened')); });
      events.socket.on('unexpected-response', (request, reply) => {
        const chunks = [];
        reply.on('data', (chunk) => chunks.push(chunk));
        reply.on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, json: JSON.parse(Buffer.concat(chunks)) }));
      });
    }), 20_000);
  }

  say(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message for which it is so, among those from `from` on. */
  async hears(what, isSo, from = 0) {
    const found = await until(what, () => this.messages.slice(from).find(isSo));
    if (this.wrong) throw this.wrong;
    return found;
  }

  /** { code, reason } of its end. */
  get closed() {
    return within('a WebSocket is closed', this.close, 20_000);
  }

  get seq() {
    return this.messages.reduce((most, { seq }) => Math.max(most, seq ?? 0), 0);
  }
}

/** What a page holds of the calls that it is told of: by SID the row with the highest seq. */
export class Rows {
  constructor() {
    this.bySid = new Map();
    this.seq = 0;
    this.resets = 0;
    this.mores = 0;
    this.told = []; // the seq of each message with something in it
  }

  /** As a page that has read the list: `seq` is of before it was read. */
  become({ calls, seq }) {
    this.bySid = new Map(calls.map((row) => [row.call_sid, row]));
    this.seq = seq;
  }

  take(message) {
    if (message.seq !== undefined) {
      if (message.seq < this.seq) throw new Error(`seq fell from ${this.seq} to ${message.seq}`);
      this.seq = message.seq;
    }
    if (message.reset) this.resets += 1;
    if (message.more) this.mores += 1;
    if (message.calls) this.told.push(message.seq);
    for (const row of message.calls ?? []) {
      const had = this.bySid.get(row.call_sid);
      if (!had || row.seq >= had.seq) this.bySid.set(row.call_sid, row);
    }
    for (const sid of message.gone ?? []) this.bySid.delete(sid);
  }
}

/** A long poll. */
export const poll = (server, query = '', options) => requestJson(`${server.url}/api/events${query}`, { withinMs: 60_000, ...options });
