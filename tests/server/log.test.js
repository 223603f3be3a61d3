// What stands in the log, and how its lines begin.
import test from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, CREDENTIALS } from './harness/callspool.js';
import { run, temporaryFolder } from './harness/process.js';

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
