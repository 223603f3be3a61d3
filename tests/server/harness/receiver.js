// Who is told what becomes of recordings: a server that notes each webhook, and answers as a test says.
//
//	const receiver = await startReceiver(t);
//	const server = await startServer(t, { settings: receiver.settings(t) });
//	await receiver.until('recording.stored', recordingSid)
//
// Each webhook: { id, type, data, timestamp, headers, body, status }, kept in `told` in the order of arrival.  `receiver.answer` is
// (request, reply, webhook) => ..., the default takes everything.  Each is checked by the convention's own library.
import http from 'node:http';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { atEnd } from './lifetime.js';
import { temporaryFolder } from './process.js';
import { until } from './until.js';

export const newSecret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`;

/** The settings that name a receiver: its URL, and a file with the secrets. */
export function notifySettings(t, url, ...secrets) {
  const path = join(temporaryFolder(t), 'secret');
  writeFileSync(path, `${secrets.join(' ')}\n`, { mode: 0o600 });
  return { notify_url: url, notify_secret_file: path, notify_retry_first: '20ms' };
}

export async function startReceiver(t, { secret = newSecret(), port = 0 } = {}) {
  const told = [];
  const sockets = new Set();
  const receiver = { told, secret, answer: (_, reply) => reply.writeHead(204).end(), underWay: 0, mostUnderWay: 0 };
  const server = http.createServer((request, reply) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const { type, data, timestamp } = JSON.parse(body);
      let verified = true;
      try {
        new Webhook(secret).verify(body, request.headers);
      } catch (error) {
        verified = error.message;
      }
      const webhook = { id: request.headers['webhook-id'], type, data, timestamp, headers: request.headers, url: request.url, method: request.method, body, verified };
      told.push(webhook);
      receiver.underWay++;
      receiver.mostUnderWay = Math.max(receiver.mostUnderWay, receiver.underWay);
      reply.on('close', () => { receiver.underWay--; });
      receiver.answer(request, reply, webhook);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise((listening) => { server.listen(port, '127.0.0.1', listening); });
  receiver.port = server.address().port;
  receiver.url = `http://127.0.0.1:${receiver.port}/hooks?from=callspool`;
  receiver.settings = (settings = {}) => ({ ...notifySettings(t, receiver.url, secret), ...settings });
  receiver.of = (type, recordingSid) => told.filter((one) => one.type === type && (!recordingSid || one.data.recording_sid === recordingSid));
  /** The first webhook of that type, and of that recording, once it is there. */
  receiver.until = (type, recordingSid) => until(`${type} of ${recordingSid} is told`, () => receiver.of(type, recordingSid)[0]);
  receiver.close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => { server.close(closed); });
  };
  atEnd(t, () => receiver.close());
  return receiver;
}
