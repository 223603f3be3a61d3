// Another binary in place of the one that runs: sockets that the service manager passes, `callspool upgrade` where there is none,
// and what the people who call meanwhile see of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, callspool, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { CALL_STATUS, callCallback, newSid, postForm } from './harness/webhook.js';

const TIMES = Number(process.env.TEST_UPGRADES ?? 3);
const SENDERS = 6;
const LISTENERS = 2;
const SOUND_SECONDS = 600; // 19 MB of WAV
const PIECE = 1 << 20;

const upgrade = (server, args = []) => callspool(['upgrade', '--set', `data_dir=${server.dataDir}`, ...args]);
const tell = (server, word) => server.child.stdin.write(`${word}\n`);
/** How many lines of its output match. */
const said = (server, pattern) => [...server.out, ...server.err].filter((line) => pattern.test(line)).length;
const again = (server, pattern, before) => until(`${pattern} is said again`, () => said(server, pattern) > before);

/** Webhooks, one after the other from each sender, until stop(): what was acknowledged, and how long each took. */
function startSenders(server) {
  const sent = { acknowledged: [], ms: [], failures: [] };
  let isOver = false;
  const agents = [false, new http.Agent({ keepAlive: true })];
  const send = async (agent) => {
    while (!isOver) {
      const CallSid = newSid('CA');
      try {
        const { status, ms } = await postForm(server.url, CALL_STATUS, callCallback({ CallSid }), { agent });
        if (status === 200) sent.acknowledged.push(CallSid);
        else sent.failures.push(status);
        sent.ms.push(ms);
      } catch (error) {
        sent.failures.push(error.code ?? error.message);
      }
    }
  };
  const all = Array.from({ length: SENDERS }, (_, i) => send(agents[i % agents.length]));
  return {
    ...sent,
    stop: async () => {
      isOver = true;
      await Promise.all(all);
      agents[1].destroy();
    },
  };
}

/** Somebody who hears it slowly, and asks by Range for the rest when the connection ends: { pieces, isRight }. */
async function listen(server, { mediaPath, bytes }, state) {
  const { headers: { etag } } = await request(server.url + mediaPath, { method: 'HEAD' });
  while (!state.isOver) {
    let at = 0;
    let pieces = 0;
    while (at < bytes.length) {
      const reply = await request(server.url + mediaPath, {
        headers: { Range: `bytes=${at}-`, 'If-Range': etag },
        withinMs: 120_000,
        onHead: (head) => {
          // A megabyte, then a breath: long enough to be cut, whatever the machine.
          let taken = 0;
          head.on('data', (chunk) => {
            taken += chunk.length;
            if (taken < PIECE) return;
            taken = 0;
            head.pause();
            setTimeout(() => head.resume(), 40);
          });
        },
      });
      assert.equal(reply.status, 206, `from ${at} on: ${reply.body.toString('latin1').slice(0, 200)}`);
      assert.equal(reply.headers['content-range'], `bytes ${at}-${bytes.length - 1}/${bytes.length}`);
      assert.ok(reply.body.equals(bytes.subarray(at, at + reply.body.length)), `the bytes from ${at} on`);
      at += reply.body.length;
      pieces += 1;
    }
    state.whole += 1;
    state.cut += pieces - 1;
  }
}

const percentile = (list, share) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];

/** Upgrades some times under load; `replace` does it once and waits until the next process serves. */
async function upgradeUnderLoad(name, server, upstream, replace, times = TIMES) {
  const recording = await store(server, upstream, { format: 'wav', seconds: SOUND_SECONDS });
  const senders = startSenders(server);
  const heard = { whole: 0, cut: 0, isOver: false };
  const listeners = Array.from({ length: LISTENERS }, () => listen(server, recording, heard));
  for (let i = 0; i < times; i += 1) {
    const before = senders.acknowledged.length;
    await until('webhooks come in', () => senders.acknowledged.length > before + SENDERS);
    await replace(i);
  }
  const after = senders.acknowledged.length;
  await until('webhooks come in after the last one', () => senders.acknowledged.length > after + SENDERS);
  heard.isOver = true;
  await Promise.all([senders.stop(), ...listeners]);
  console.log(`| ${name}, ${times} times: ${senders.acknowledged.length} webhooks answered, p50 ${percentile(senders.ms, 0.5).toFixed(0)} ms, `
    + `p99 ${percentile(senders.ms, 0.99).toFixed(0)} ms, most ${percentile(senders.ms, 1).toFixed(0)} ms; ${heard.whole} long plays whole, cut ${heard.cut} times`);
  assert.deepEqual(senders.failures, [], 'each webhook was answered, and with 200');
  assert.ok(heard.whole >= LISTENERS);
  for (const sid of senders.acknowledged) {
    await until(`${sid}, which was acknowledged, is there`, async () => (await requestJson(`${server.url}/api/calls/${sid}`)).status === 200);
  }
}

const WAV = { format: 'wav', drain_timeout: '500ms' };

test('restarts by a service manager that holds the sockets: nobody is refused, nothing is lost', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: WAV, manager: ['--listen', '127.0.0.1:0', '--notify'] });
  const [, address] = await server.line(/^manager listen (\S+)/);
  assert.equal(server.url, `http://${address}`, 'the ready line names the socket that was passed');
  await server.line(/^manager notify READY=1/);
  await upgradeUnderLoad('restart', server, upstream, async () => {
    const before = said(server, /^manager notify READY=1/);
    tell(server, 'restart');
    await again(server, /^manager notify READY=1/, before);
  });
  assert.equal(said(server, /^manager notify STOPPING=1/), TIMES);
});

for (const manager of [[], ['--notify']]) {
  test(`callspool upgrade${manager.length ? ' under a service manager' : ''}: nobody is refused, nothing is lost`, async (t) => {
    const upstream = await startUpstream(t);
    const server = await startServer(t, { upstream: upstream.url, settings: WAV, manager });
    const times = manager.length && !process.env.TEST_UPGRADES ? 1 : TIMES;
    const pids = new Set();
    await upgradeUnderLoad('upgrade', server, upstream, async () => {
      const { code, stdout, stderr } = await upgrade(server, ['--json']);
      assert.equal(code, 0, stderr);
      pids.add(JSON.parse(stdout).pid);
      if (manager.length) await server.line(new RegExp(`^manager main ${JSON.parse(stdout).pid}$`));
    }, times);
    assert.equal(pids.size, times, 'another process each time');
  });
}

/** A program in place of callspool, in a folder of its own. */
function program(t, text) {
  const path = join(temporaryFolder(t), 'callspool');
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** A successor that is prepared, and then does not serve. */
const PREPARED_AND = (then) => `#!/usr/bin/env python3
import os, socket, time
channel = socket.socket(fileno=int(os.environ['CALLSPOOL_HANDOVER']))
channel.recv(65536)
channel.send(b'prepared 9.9.9')
assert channel.recv(100) == b'yours'
${then}
`;

for (const [name, text, code, says] of [
  ['ends at once', '#!/bin/sh\nexit 3\n', 5, /ended with status 3/],
  ['is no program', 'callspool\n', 2, /cannot start/],
  ['does not know its arguments', `#!/bin/sh\nexec ${BINARY} srve\n`, 5, /ended with status 2/],
  ['refuses a setting', `#!/bin/sh\nexec ${BINARY} "$@" --set retention=soon\n`, 2, /retention = soon/],
  ['fails when it has everything', PREPARED_AND("channel.send(b'failed 5 no room'); time.sleep(60)"), 1, /goes on as it was: no room/],
  ['dies when it has everything', PREPARED_AND('os.kill(os.getpid(), 9)'), 5, /goes on as it was: .*signal 9/],
]) {
  test(`a successor that ${name}: the server goes on, and the command says why`, async (t) => {
    const server = await startServer(t);
    const CallSid = newSid('CA');
    const { code: got, stderr } = await upgrade(server, ['--binary', program(t, text)]);
    assert.equal(got, code, stderr);
    assert.match(stderr, says);
    assert.equal((await postForm(server.url, CALL_STATUS, callCallback({ CallSid }))).status, 200);
    await until('its event is projected', async () => (await requestJson(`${server.url}/api/calls/${CallSid}`)).status === 200);
    assert.equal(existsSync(join(server.dataDir, 'admin.sock')), true);
    assert.ok(server.err.some((line) => line.includes('level=warn') && says.test(line.replace('upgrade failed: ', 'server goes on as it was: '))), 'the log says it, too');
    assert.equal(server.status, undefined, 'it is the same process');
  });
}

test('a ledger that only the successor that failed could open: the server ends with a status after which it is started again', async (t) => {
  const server = await startServer(t, { expectErrors: [/.*/] });
  const then = `import sqlite3
ledger = sqlite3.connect('${join(server.dataDir, 'ledger.db')}')
ledger.execute("INSERT INTO schema_version (version, program) VALUES (999, '9.8.7')")
ledger.commit()
ledger.close()
channel.send(b'failed 5 no room')
time.sleep(60)`;
  await upgrade(server, ['--binary', program(t, PREPARED_AND(then))]);
  server.killed = true;
  server.finished = await server.exited;
  assert.equal(server.finished.code, 5, server.said);
  assert.match(server.said, /newer callspool, 9\.8\.7/);
});

test('what an upgrade keeps: a Unix socket, a settings file as it is by then, a secret of the environment', async (t) => {
  const folder = temporaryFolder(t);
  const [file, socket] = [join(folder, 'callspool.conf'), join(folder, 'http')];
  writeFileSync(file, 'retention = 7d\n');
  const server = await startServer(t, { args: ['--config', file], settings: { listen: `127.0.0.1:0 unix:${socket}` }, manager: [] });
  const over = () => new Promise((resolve, reject) => {
    http.get({ socketPath: socket, path: '/health', headers: { Host: 'localhost' } }, (reply) => resolve(reply.resume().statusCode)).on('error', reject);
  });
  writeFileSync(file, 'retention = soon\n');
  const refused = await upgrade(server);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /callspool\.conf:1/);
  writeFileSync(file, 'retention = 9d\n');
  const { code, stdout, stderr } = await upgrade(server);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^process \d+ serves now, version \d+\.\d+\.\d+; it took \d+\.\d\d s$/m);
  await server.line(/the settings were read anew/);
  assert.equal(await over(), 200);
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200, 'the token that checks signatures is known');
  await server.finish();
  assert.equal(existsSync(socket), false, 'it goes with the last process');
});

test('where no server runs there is nothing to upgrade', async (t) => {
  const dataDir = temporaryFolder(t);
  const { code, stderr } = await callspool(['upgrade', '--set', `data_dir=${dataDir}`]);
  assert.equal(code, 3, stderr);
});

test('sockets that others than this machine reach are refused without sign-in', async (t) => {
  const server = await startServer(t, { manager: ['--listen', '0.0.0.0:0', '--names', 'web'], mayDie: true });
  assert.equal(server.finished.code, 2, server.said);
  assert.match(server.said, /auth = none lets everybody in/);
});

test('a play that waits when the server is restarted is answered, and not only cut', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { drain_timeout: '0s', threads: 1 }, manager: ['--listen', '127.0.0.1:0'] });
  let isAsked;
  upstream.answer = () => { isAsked = true; };
  const play = request(`${server.url}/api/calls/${newSid('CA')}/download`);
  await until('Twilio is asked', () => isAsked);
  tell(server, 'restart');
  const { status, headers } = await play;
  assert.equal(status, 503);
  assert.ok(headers['retry-after']);
  assert.equal((await request(`${server.url}/health`)).status, 200, 'by the next process');
});

test('a loop that hangs is not fed for: the service manager kills it', async (t) => {
  const { server, recording } = await startStored(t, { manager: ['--watchdog', '1'], settings: { log_level: 'debug', core_dumps: 'off' } });
  await server.line(/^manager notify READY=1/);
  // Nobody reads what it logs: the loop that writes the next line waits for ever.
  server.child.stderr.pause();
  let isOver = false;
  const play = async () => {
    while (!isOver) await request(server.url + recording.mediaPath, { headers: { Range: 'bytes=0-1' }, withinMs: 60_000 }).catch(() => {});
  };
  const plays = [play(), play(), play(), play()];
  await server.line(/^manager watchdog/, 60_000);
  isOver = true;
  server.child.stderr.resume();
  await server.line(/^manager exit SIGABRT/);
  server.killed = true;
  await Promise.all(plays);
});

test('SIGHUP: what is live changes, what is not is told, and a mistake changes nothing', async (t) => {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, 'retention = 7d\n');
  const { server, recording } = await startStored(t, { args: ['--config', file], manager: ['--notify'] });
  const status = async () => (await request(server.url + recording.mediaPath)).status;
  const reload = async (lines) => {
    const before = said(server, /^manager notify READY=1/);
    writeFileSync(file, `${lines.join('\n')}\n`);
    tell(server, 'reload');
    await again(server, /^manager notify READY=1/, before);
  };
  assert.equal(await status(), 200);
  await reload(['retention = 1s', 'cors_origins = https://crm.test', 'fetch.concurrency = 3']);
  assert.equal(said(server, /^manager notify RELOADING=1/), 1);
  await server.line(/level=info msg="retention = 1s, and was 7d"/);
  await server.line(/level=info msg="fetch\.concurrency = 3, and was 32"/);
  await server.line(/level=warn msg="cors_origins has changed: it takes effect at the next start"/);
  assert.equal(await status(), 410);
  await reload(['', 'retention = 7d', 'play_wait = soon']);
  await server.line(/level=warn msg="the settings are as they were: .*callspool\.conf:3.*play_wait/);
  assert.equal(await status(), 410);
  await reload([]);
  await server.line(/level=warn msg="the settings are as they were: .*gives no setting any more/);
  assert.equal(await status(), 410);
  await reload(['retention = 7d']);
  assert.equal(await status(), 200);
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200, 'the secret of the environment is still known');
  assert.equal(said(server, /auth_token has changed/), 0, 'and is thought to be what it was');
});

test('a ledger of a newer version is refused, and by which to open it', async (t) => {
  const server = await startServer(t);
  await server.finish();
  spawnSync('sqlite3', [join(server.dataDir, 'ledger.db'), "INSERT INTO schema_version (version, program) VALUES (999, '9.8.7')"]);
  const { code, stderr } = await callspool(['serve', '--set', 'listen=127.0.0.1:0', '--set', 'auth=none', '--set', `data_dir=${server.dataDir}`]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /newer callspool, 9\.8\.7 .*backup/);
});
