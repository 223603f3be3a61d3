// A server where people sign in: the first administrator, others whom they invite, tokens and links.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from './http.js';

import { startServer } from './callspool.js';
import { store } from './stored.js';
import { startUpstream } from './upstream.js';
import { lifetime } from './lifetime.js';

/** The least that a password may cost: the tests wait for many. */
export const SIGN_IN = { auth: 'password', 'password.memory': '19M', 'password.passes': '2', trusted_proxies: '127.0.0.1' };

export const passwordOf = (name) => `correct horse of ${name} 7`;

let networks = 0;
/** An address that no test used before: a network of its own for the throttles. */
export const newAddress = () => {
  networks += 1;
  return `198.18.${networks >> 8}.${networks & 255}`;
};

const cookiesOf = (reply) => Object.fromEntries((reply.headers['set-cookie'] ?? [])
  .map((line) => line.split(';')[0].split(/=(.*)/s).slice(0, 2)));

/** Somebody with a browser (cookies), or a program (bearer), at an address of their own. */
export class Caller {
  constructor(server, { bearer, address = newAddress(), headers = {}, cookies = {} } = {}) {
    Object.assign(this, { server, bearer, address, headers, cookies: { ...cookies } });
  }

  /** request() as this caller; `json` is sent as the body.  What is answered is parsed where it is JSON. */
  async ask(method, path, { json, headers = {}, body, agent, keeps = true } = {}) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = json === undefined ? body : JSON.stringify(json);
    const reply = await request(this.server.url, {
      method,
      path,
      agent,
      body: sent,
      headers: {
        'X-Forwarded-For': this.address,
        ...(json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(sent) }), // Node gives DELETE none
        ...(cookie ? { Cookie: cookie } : {}),
        ...(this.bearer ? { Authorization: `Bearer ${this.bearer}` } : {}),
        ...this.headers,
        ...headers,
      },
    });
    if (keeps) Object.assign(this.cookies, cookiesOf(reply));
    try {
      reply.json = JSON.parse(reply.body.toString());
    } catch { /* media, or a page */ }
    return reply;
  }

  async asks(status, method, path, options) {
    const reply = await this.ask(method, path, options);
    if (reply.status !== status) throw new Error(`${method} ${path}: ${reply.status}, not ${status}: ${reply.body.toString().slice(0, 300)}`);
    return reply;
  }

  signIn(name, password = passwordOf(name), options = {}) {
    return this.ask('POST', '/api/session', { json: { name, password }, ...options });
  }
}

const secretOf = (url) => url.trim().split('#')[1];

/** Takes an invitation, and signs in: the Caller of that person. */
export async function takeInvitation(server, invitation, name, { isFirst = false } = {}) {
  const person = new Caller(server);
  await person.asks(200, 'POST', '/join', { json: { invitation, password: passwordOf(name), ...(isFirst ? { name } : {}) } });
  const signedIn = await person.signIn(name);
  if (signedIn.status !== 200) throw new Error(`${name} cannot sign in: ${signedIn.status} ${signedIn.body}`);
  return Object.assign(person, { name });
}

/** The administrator whom the file in the data folder invites. */
export function firstAdministrator(server, name = 'ruth') {
  return takeInvitation(server, secretOf(readFileSync(join(server.dataDir, 'first-administrator'), 'utf8')), name, { isFirst: true });
}

export async function invite(admin, name, role = 'listener') {
  const { json } = await admin.asks(200, 'POST', '/api/users', { json: { name, role } });
  return secretOf(json.url);
}

export const addPerson = async (admin, name, role) => takeInvitation(admin.server, await invite(admin, name, role), name);

/** A program with a token of these rights: its Caller, and the token's public name. */
export async function addToken(admin, rights, more = {}) {
  const { json } = await admin.asks(200, 'POST', '/api/tokens', { json: { rights, note: 'of a test', ...more } });
  return Object.assign(new Caller(admin.server, { bearer: json.token }), { name: json.name });
}

/** A link: { name, secret, mediaPath }. */
export async function addLink(who, recording, more = {}) {
  const { json } = await who.asks(200, 'POST', '/api/links', { json: { recording_sid: recording.recordingSid, ...more } });
  return { name: json.name, secret: secretOf(json.url), mediaPath: new URL(json.media_url).pathname };
}

/** Makes a folder with one recording (or `count`) in it, and `others` of the first one's call, then starts the server on it where people sign in. */
export async function startWithPeople(t = lifetime, { settings = {}, count = 1, others = 0, ...options } = {}) {
  const upstream = await startUpstream(t);
  const filling = await startServer(t, { upstream: upstream.url });
  const recordings = [];
  for (let i = 0; i < count; i++) recordings.push(await store(filling, upstream, { seconds: 1 }));
  for (let i = 0; i < others; i++) recordings.push(await store(filling, upstream, { seconds: 2, callSid: recordings[0].callSid }));
  await filling.stop('SIGTERM');
  filling.finished = { code: 0, signal: null };
  const server = await startServer(t, { upstream: upstream.url, dataDir: filling.dataDir, settings: { ...SIGN_IN, ...settings }, ...options });
  return { server, upstream, recordings, recording: recordings[0] };
}

