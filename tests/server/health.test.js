// callspool health: does the server answer?
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { BINARY, callspool, startServer } from './harness/callspool.js';
import { freeze, run, temporaryFolder } from './harness/process.js';
import { RECORDING_STATUS, postForm, recordingCallback } from './harness/webhook.js';

const health = (dataDir, ...args) => callspool(['health', ...args, '--set', `data_dir=${dataDir}`]);

test('a server that answers is healthy, and so is one that is degraded', async (t) => {
  const server = await startServer(t);
  const well = await health(server.dataDir);
  assert.equal(well.code, 0, well.stderr);
  assert.match(well.stdout, /^callspool \d+\.\d+\.\d+\S* answers\n$/);

  const publicUrl = 'https://calls.example.org';
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), { publicUrl })).status, 403);
  const degraded = await health(server.dataDir);
  assert.equal(degraded.code, 0, degraded.stderr);
  assert.match(degraded.stdout, /answers, but is degraded/);
  const { code, stdout } = await health(server.dataDir, '--json');
  assert.deepEqual([code, JSON.parse(stdout).degraded], [0, true]);
});

test('where none runs the status is 5: without a folder, after a stop, and after kill -9', async (t) => {
  const none = await health(join(temporaryFolder(t), 'none'));
  assert.deepEqual([none.code, none.stdout], [5, '']);
  assert.match(none.stderr, /no server runs/);

  const first = await startServer(t);
  await first.stop('SIGTERM');
  assert.equal((await health(first.dataDir)).code, 5);
  const second = await startServer(t, { dataDir: first.dataDir });
  await second.kill();
  assert.ok(existsSync(join(first.dataDir, 'admin.sock')), 'its socket is left');
  assert.equal((await health(first.dataDir)).code, 5);
});

test('a server that hangs is told from one that answers', async (t) => {
  const server = await startServer(t);
  await freeze(t, server);
  const { code, stderr } = await health(server.dataDir);
  assert.equal(code, 5, stderr);
  assert.match(stderr, /did not answer/);
});

test('one that cannot read its ledger answers, for what is in memory plays, and says so', async (t) => {
  const server = await startServer(t, { expectErrors: [/cannot answer/] });
  execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', 'ALTER TABLE recordings RENAME TO elsewhere']);
  const { code, stdout } = await health(server.dataDir);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /degraded/);
});

test('nor does a stranger on the socket', async (t) => {
  const folder = temporaryFolder(t);
  const stranger = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'));
  });
  await new Promise((resolve) => { stranger.listen(join(folder, 'admin.sock'), resolve); });
  t.after(() => stranger.close());
  const { code, stderr } = await health(folder);
  assert.equal(code, 5, stderr);
  assert.match(stderr, /no callspool/);
});

test('run by another user it says so, with status 8', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'ledger.db'), '');
  let tool = [BINARY];
  if (process.getuid() === 0) {
    chmodSync(folder, 0o700);
    tool = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', BINARY];
  } else {
    chmodSync(folder, 0);
    t.after(() => chmodSync(folder, 0o750));
  }
  const { code, stderr } = await run(tool[0], [...tool.slice(1), 'health', '--set', `data_dir=${folder}`]);
  assert.equal(code, 8, stderr);
});
