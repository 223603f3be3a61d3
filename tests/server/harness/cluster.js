// Several callspools on one PostgreSQL, each with a data folder of its own and one folder of recordings between them.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { audio } from './audio.js';
import { startServer } from './callspool.js';
import { Gate } from './gated.js';
import { atEnd } from './lifetime.js';
import { temporaryFolder } from './process.js';
import { startUpstream } from './upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './webhook.js';

let ledgers = 0;

/** { serve(name, options), upstream, schema, query(sql) }: a ledger of its own, and a folder in which each process has one. */
export async function startLedger(t, postgres) {
  ledgers += 1;
  const schema = `c${ledgers}`;
  await postgres.query(`CREATE SCHEMA ${schema}`);
  const upstream = await startUpstream(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, 'recordings'));
  const serve = (name, options = {}) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir, { recursive: true });
    try { symlinkSync('../recordings', join(dataDir, 'recordings')); } catch (error) { assert.equal(error.code, 'EEXIST'); }
    return startServer(t, {
      upstream: upstream.url, dataDir, ...options,
      settings: { database: `${postgres.url}&options=-csearch_path%3D${schema}`, ...options.settings },
    });
  };
  return { serve, upstream, schema, query: (sql) => postgres.query(`SET search_path TO ${schema}; ${sql}`) };
}

export const webhook = (server, fields) => postForm(server.url, RECORDING_STATUS, recordingCallback(fields));

/** A recording that arrives as its gate is opened. */
export function gated(upstream, { seconds = 20, media = audio({ seconds }), ...options } = {}) {
  const gate = new Gate(media, { length: true, ...options });
  const callSid = newSid('CA'), recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { callSid, duration: seconds, channels: 2, answer: gate.answer });
  return {
    gate, media, callSid, recordingSid,
    fields: { CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: String(seconds) },
    mediaPath: `/api/recordings/${recordingSid}/media`,
  };
}

/** A port on which nobody listens just now. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * A line between two processes, which can break: cut() ends what is under way, is over as long as isDown.  Each request that went
 * over it is in `requests`, as its text.
 */
export async function startLine(t, to) {
  const sockets = new Set();
  const line = { requests: [], isDown: false };
  const server = net.createServer((near) => {
    if (line.isDown) return near.destroy();
    const far = net.connect(to, '127.0.0.1');
    for (const [from, into] of [[near, far], [far, near]]) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('close', () => { sockets.delete(from); into.destroy(); });
      from.on('data', (chunk) => {
        if (from === near) line.requests.push(chunk.toString('latin1'));
        into.write(chunk);
      });
      from.on('end', () => into.end());
    }
    return undefined;
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  line.port = server.address().port;
  line.cut = () => { for (const socket of sockets) socket.destroy(); };
  atEnd(t, () => { line.cut(); server.close(); });
  return line;
}
