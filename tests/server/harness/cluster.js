// Several callspools on one PostgreSQL, each with a data folder of its own and one folder of recordings between them.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { audio } from './audio.js';
import { startServer } from './callspool.js';
import { Gate } from './gated.js';
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
