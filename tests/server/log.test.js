// What stands in the log, and how its lines begin.
import test from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, CREDENTIALS } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { run, temporaryFolder } from './harness/process.js';
import { startStored } from './harness/stored.js';

/** `serve --stdio` until its input ends, with standard error in a file; JOURNAL_STREAM as `streamOf` says. */
async function logOf(t, streamOf) {
  const folder = temporaryFolder(t);
  const file = join(folder, 'log');
  const fd = openSync(file, 'w');
  const { dev, ino } = fstatSync(fd);
  closeSync(fd);
  const { code, stderr } = await run('sh', ['-c', 'exec "$0" serve --stdio --set auth=none --set "data_dir=$1" 2> "$2"', BINARY, join(folder, 'data'), file],
    { input: '', env: { ...CREDENTIALS, JOURNAL_STREAM: streamOf(dev, ino) } });
  assert.equal(code, 0, stderr);
  return readFileSync(file, 'utf8');
}

test('a line begins with the time where standard error is not the journal\'s', async (t) => {
  for (const streamOf of [() => '', () => '8:1', (dev, ino) => `${dev}:${ino}9`]) {
    const lines = (await logOf(t, streamOf)).trim().split('\n');
    for (const line of lines) assert.match(line, /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=\w+ /);
  }
});

test('and with the priority where it is', async (t) => {
  const lines = (await logOf(t, (dev, ino) => `${dev}:${ino}`)).trim().split('\n');
  for (const line of lines) assert.match(line, /^<6>level=info |^<4>level=warn /);
});

test('a play is a line at debug: its recording, the status, the bytes sent, the request', async (t) => {
  const { server, recording } = await startStored(t, { settings: { log_level: 'debug' } });
  const line = (id, status, bytes) => server.line(new RegExp(`level=debug request=${id} .*${recording.recordingSid}.* ${status}, ${bytes} bytes`));
  const whole = await request(server.url + recording.downloadPath);
  assert.equal(whole.status, 200);
  await line(whole.headers['x-request-id'], 200, recording.bytes.length);
  const part = await request(server.url + recording.mediaPath, { headers: { Range: 'bytes=10-19' } });
  await line(part.headers['x-request-id'], 206, 10);
  const head = await request(server.url + recording.mediaPath, { method: 'HEAD' });
  await line(head.headers['x-request-id'], 200, 0);
  const known = await request(server.url + recording.mediaPath, { headers: { 'If-None-Match': whole.headers.etag } });
  await line(known.headers['x-request-id'], 304, 0);
});

test('a play that its listener leaves is told with what was sent', async (t) => {
  const { server, recording } = await startStored(t, { settings: { log_level: 'debug' }, recording: { seconds: 600, format: 'wav' } });
  const connection = await RawConnection.open(server.url);
  connection.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [, id] = await connection.receives(/X-Request-Id: (\S+)/i);
  connection.close();
  const [, sent] = await server.line(new RegExp(`request=${id} .*${recording.recordingSid}.* 200, (\\d+) bytes`));
  assert.ok(Number(sent) < recording.bytes.length, `${sent} of ${recording.bytes.length} bytes`);
});
