// Requests as a test needs them: everything that came back, nothing followed or decoded; and raw
// sockets for what no HTTP client would send.
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { within } from './until.js';
import { atEnd } from './lifetime.js';
import { checkAnswer } from './openapi.js';

/**
 * One request on a connection of its own.  Resolves with { status, headers, rawHeaders, body, ms },
 * where `body` is a Buffer and `cut` tells that the connection ended before the promised length.
 * onHead is called when the head is here.  An answer that docs/openapi.yaml does not promise is an error.
 */
export async function request(url, { method = 'GET', headers = {}, body, path, agent = false, localAddress, withinMs = 30_000, onHead } = {}) {
  const { hostname, port, pathname, search } = new URL(url);
  const startedAt = process.hrtime.bigint();
  const answer = new Promise((resolve, reject) => {
    const call = http.request({ hostname, port, method, path: path ?? pathname + search, headers, agent, localAddress }, (reply) => {
      const chunks = [];
      let settled = false;
      onHead?.(reply);
      const settle = (cut) => {
        if (settled) return;
        settled = true;
        resolve({
          status: reply.statusCode,
          headers: reply.headers,
          rawHeaders: pairs(reply.rawHeaders),
          body: Buffer.concat(chunks),
          cut,
          ms: Number(process.hrtime.bigint() - startedAt) / 1e6,
        });
      };
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('end', () => settle(!reply.complete));
      reply.on('aborted', () => settle(true));
      reply.on('error', () => settle(true));
      reply.on('close', () => settle(true)); // where the caller ends it, nothing else is told
    });
    call.on('error', reject);
    call.end(body);
  });
  const reply = await within(`${method} ${url}`, answer, withinMs);
  await checkAnswer({ method, url: path ? new URL(path, url).href : url, ...reply });
  return reply;
}

function pairs(flat) {
  const list = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i], flat[i + 1]]);
  return list;
}

/** request() whose body is JSON, in `json`. */
export async function requestJson(url, options) {
  const reply = await request(url, options);
  try {
    reply.json = JSON.parse(reply.body.toString());
  } catch (error) {
    throw new Error(`${url} answered ${reply.status} and no JSON: ${reply.body.toString().slice(0, 300)} (${error.message})`);
  }
  return reply;
}

/** A socket on which the test says each byte. */
export class RawConnection {
  static async open(url) {
    const { hostname, port } = new URL(url);
    const connection = new RawConnection();
    connection.socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    connection.chunks = [];
    connection.ended = false;
    connection.socket.on('data', (chunk) => {
      connection.chunks.push(chunk);
    });
    connection.socket.on('error', (error) => {
      connection.error = error;
    });
    connection.closed = new Promise((resolve) => {
      connection.socket.once('end', () => { connection.ended = true; resolve(); });
      connection.socket.once('close', () => { connection.ended = true; resolve(); });
    });
    await within(`connect to ${url}`, once(connection.socket, 'connect'), 10_000);
    return connection;
  }

  send(text) {
    this.socket.write(Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'));
    return this;
  }

  /** All that came, as one Buffer. */
  get received() {
    if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0] ?? Buffer.alloc(0);
  }

  get text() {
    return this.received.toString('latin1');
  }

  /** Waits until what was received satisfies the pattern; returns the match. */
  async receives(pattern, withinMs = 20_000) {
    const found = new Promise((resolve, reject) => {
      const look = () => {
        const match = this.text.match(pattern);
        if (match) {
          this.socket.off('data', look);
          resolve(match);
        }
        return Boolean(match);
      };
      if (look()) return;
      this.socket.on('data', look);
      this.closed.then(() => look() || reject(new Error(`closed before ${pattern} came: ${JSON.stringify(this.text.slice(0, 500))}`)));
    });
    return within(`${pattern} on a raw connection`, found, withinMs);
  }

  /** Waits until the other side closes; returns all that was received, as latin1. */
  async untilClosed(withinMs = 20_000) {
    await within(`the server closes the connection (so far: ${JSON.stringify(this.text.slice(0, 200))})`, this.closed, withinMs);
    return this.text;
  }

  close() {
    this.socket.destroy();
  }
}

/** Sends the bytes, waits for the close; the replies in order: [{ status, headers, body }]. */
export async function rawExchange(t, url, bytes, withinMs = 20_000) {
  const connection = await RawConnection.open(url);
  atEnd(t, () => connection.close());
  connection.send(bytes);
  await connection.untilClosed(withinMs);
  return parseReplies(connection.received);
}

/** HTTP/1.1 replies with a Content-Length, one after the other, as bytes.  HEAD replies confuse it. */
export function parseReplies(bytes) {
  const replies = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) {
      replies.push({ status: 0, headers: {}, body: rest });
      break;
    }
    const [first, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const status = Number(first.match(/^HTTP\/1\.[01] (\d{3})/)?.[1] ?? 0);
    const length = status < 200 || status === 204 || status === 304 ? 0 : Number(headers['content-length'] ?? rest.length);
    replies.push({ status, headers, body: rest.subarray(end + 4, end + 4 + length) });
    rest = rest.subarray(end + 4 + length);
  }
  return replies;
}
