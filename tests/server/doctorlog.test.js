// callspool doctor --nginx-log on logs that a real nginx wrote: each fault makes its line, and is named by it.
//
// docs/502.md says which line each cause makes and by which words the doctor names it: what stands there is what is seen here.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { startNginx } from './harness/nginx.js';
import { temporaryFolder } from './harness/process.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const PAGE = readFileSync(new URL('../../docs/502.md', import.meta.url), 'utf8');
/** The rows of the page's tables: [line in the log, how the doctor names it]. */
const SAID = [...PAGE.matchAll(/^\| `([^`]+)`[^|]*\| `([a-z-]+)`: ([^|]+?) \|/gm)].map(([, line, name, says]) => ({ line, name, says }));

/** { code, json } of logs: files, or text for standard input. */
async function explain(files, input) {
  const { code, stdout, stderr } = await callspool(['doctor', '--json', ...files.flatMap((file) => ['--nginx-log', file])], { input, env: { TZ: 'UTC' } });
  assert.equal(stderr, '');
  return { code, json: JSON.parse(stdout) };
}

/** A back end of one behaviour; its address. */
async function backend(t, behave) {
  const sockets = new Set();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => behave(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** A Unix socket whose queue is full: its server is stopped, and as many wait as it takes. */
async function fullSocket(t, path) {
  const listen = `require('net').createServer().listen({ path: process.argv[1], backlog: 1 }, () => { console.log('on'); process.kill(process.pid, 'SIGSTOP'); })`;
  const child = spawn(process.execPath, ['-e', listen, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await until('the queue is full', () => new Promise((resolve) => {
    const socket = net.connect(path, () => resolve(false)).on('error', ({ code }) => resolve(code === 'EAGAIN'));
    t.after(() => socket.destroy());
  }));
  return path;
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 100000\r\n\r\n';

/** What goes wrong, by the cause's name: lines of a location, or of a server. */
const faults = async (t, folder) => {
  const closed = '127.0.0.1:1'; // nobody listens there, nor is it given to anybody meanwhile
  const passing = (address, more = '') => `location / { proxy_pass http://${address}; ${more} }`;
  return {
    refused: { lines: passing(closed) },
    'no-socket': { lines: `location / { proxy_pass http://unix:${folder}/none.sock:/; }` },
    'queue-full': { lines: `location / { proxy_pass http://unix:${await fullSocket(t, join(folder, 'full.sock'))}:/; }` },
    'no-live': { upstream: `server ${closed} max_fails=1 fail_timeout=60s; server ${closed.replace('.1:', '.2:')} max_fails=1 fail_timeout=60s;`, lines: passing('no-live'), times: 2, also: ['refused'] },
    'read-timeout': { lines: passing(await backend(t, () => {}), 'proxy_read_timeout 50ms;') },
    'body-timeout': { lines: passing(await backend(t, (socket) => socket.write(HEAD)), 'proxy_read_timeout 1s; proxy_buffering off;') }, // the head comes before that
    'closed-early': { lines: passing(await backend(t, (socket) => socket.end())) },
    'closed-in-play': { lines: passing(await backend(t, (socket) => socket.end(`${HEAD}abc`)), 'proxy_buffering off;') },
    reset: { lines: passing(await backend(t, (socket) => socket.resetAndDestroy())) },
    'reset-in-play': { cause: 'reset', lines: passing(await backend(t, (socket) => socket.write(HEAD + 'x'.repeat(30000), () => socket.resetAndDestroy()))) },
    'big-header': { lines: passing(await backend(t, (socket) => socket.end(`HTTP/1.1 200 OK\r\nSet-Cookie: ${'x'.repeat(20000)}\r\n\r\n`))) },
    'invalid-header': { lines: passing(await backend(t, (socket) => socket.end('\x15\x03\x01\x00\x02\x02\n\r\n\r\n')), 'proxy_http_version 1.1;') },
    'no-name': { lines: 'set $name http://callspool.invalid:8080; location / { proxy_pass $name; }' },
    tls: { lines: `location / { proxy_pass https://${await backend(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))}; }` },
    'too-large': { lines: passing(closed, 'client_max_body_size 10;'), body: 'x'.repeat(100) },
    limited: { http: 'limit_req_zone $server_name zone=few:1m rate=1r/m;', lines: passing(closed, 'limit_req zone=few;'), times: 2, also: ['refused'] },
    'file-served': { lines: `root ${folder}/none;` },
    buffered: { lines: passing(await backend(t, (socket) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${16 << 20}\r\n\r\n${'x'.repeat(16 << 20)}`))), slow: true },
    'redirect-cycle': { lines: 'location / { rewrite ^ /again last; }' },
  };
};

test('each cause of nginx is named by the line that it makes', async (t) => {
  const folder = temporaryFolder(t, 'logs');
  const kinds = await faults(t, folder);
  let port;
  const nginx = await startNginx(t, 'http://127.0.0.1:1', {
    site: (_, free) => {
      port = free;
      return [`server { listen 127.0.0.1:${free} default_server; access_log ${_}/access.log; return 204; }`,
        ...Object.entries(kinds).map(([name, { lines, upstream, http = '' }]) => `${upstream ? `upstream ${name} { ${upstream} }` : ''} ${http}
          server { listen 127.0.0.1:${free}; server_name ${name}.test; access_log ${folder}/${name}.access; error_log ${folder}/${name}.error warn; ${lines} }`)].join('\n');
    },
  });
  assert.ok(nginx.url);
  for (const [name, { times = 1, body, slow }] of Object.entries(kinds)) {
    for (let i = 0; i < times; i++) {
      const asked = { path: '/api/calls/CA1/download', headers: { Host: `${name}.test` }, ...(body && { method: 'POST', body }) };
      if (slow) await readSlowly(t, port, asked);
      else await request(`http://127.0.0.1:${port}`, asked).catch(() => {}); // some are cut short: that is the fault
    }
  }
  const told = await Promise.all(Object.keys(kinds).map(async (name) => {
    const [error, access] = [join(folder, `${name}.error`), join(folder, `${name}.access`)];
    await until(`nginx says ${name}`, () => readFileSync(error, 'utf8').length > 0);
    return { name, log: readFileSync(error, 'utf8'), ...await explain([error, access]) };
  }));
  for (const { name, log, code, json } of told) {
    const { also = [], cause = name } = kinds[name];
    await t.test(name, () => {
      const named = json.causes.map((row) => row.cause).filter((other) => !also.includes(other));
      assert.deepEqual(named, [cause], log);
      assert.equal(code, 7);
      const said = SAID.filter((row) => row.name === cause);
      assert.ok(said.length > 0, 'docs/502.md tells of it');
      const { says } = json.causes.find((row) => row.cause === cause);
      for (const row of said) assert.equal(row.says, says, 'in the words of the doctor');
      assert.ok(said.some(({ line }) => log.includes(line)), `the page's line is nginx's: ${said.map(({ line }) => line)}\n${log}`);
      for (const failure of json.failures) if (failure.status >= 500) assert.ok([cause, ...also].includes(failure.cause), JSON.stringify(failure));
    });
  }
});

/** A player who reads nothing for a while: what waits for it goes to nginx's disk. */
async function readSlowly(t, port, { path, headers }) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${headers.Host}\r\n\r\n`);
  t.after(() => socket.destroy());
}

test('the lines of the replaced back end are named as the page says', async () => {
  const rows = SAID.filter(({ line }) => /Download recording|RECORDING_SERVICE|WORKER TIMEOUT|SIGKILL|Traceback|Exception|boot/.test(line));
  assert.ok(rows.length >= 8);
  for (const { line, name, says } of rows) {
    const { code, json } = await explain(['-'], `backend-1  | 2026-11-29 12:03:04,123 ERROR ${line} CA1\n`);
    assert.equal(code, 7);
    assert.deepEqual(json.causes.map(({ cause, says: words }) => [cause, words]), [[name, says]], line);
  }
});

test('a 502 is explained by both logs, rotated and gzipped, and through docker compose', async (t) => {
  const folder = temporaryFolder(t, 'logs');
  const [error, access] = [join(folder, 'error.log'), join(folder, 'access.log')];
  const line = (minute) => `2026/11/29 12:0${minute}:04 [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, server: _, request: "GET /api/calls/CA${minute}/download HTTP/1.1", upstream: "http://127.0.0.1:5000/", host: "x"\n`;
  const answered = (minute, status = 502) => `203.0.113.7 - - [29/Nov/2026:12:0${minute}:04 +0000] "GET /api/calls/CA${minute}/download HTTP/1.1" ${status} 157 "-" "curl/8"\n`;
  writeFileSync(error, line(3));
  writeFileSync(`${error}.1`, line(2));
  writeFileSync(`${error}.2.gz`, gzipSync(line(1)));
  writeFileSync(access, answered(3) + answered(4, 206));
  writeFileSync(`${access}.1`, answered(1) + answered(2));
  const { json } = await explain([error, access]);
  assert.equal(json.says, 'the back end was down');
  assert.equal(json.causes[0].count, 3);
  assert.deepEqual(json.failures.map(({ at, cause }) => [at, cause]), [3, 2, 1].map((minute) => [`2026-11-29T12:0${minute}:04.000Z`, 'refused']), 'the newest first');
  assert.equal(json.failures[0].cause_by, 'time and request line: probable');
  const { json: composed } = await explain(['-'], [...line(5).split('\n'), ...answered(5).split('\n')].filter(Boolean).map((text) => `nginx-1    | ${text}\n`).join(''));
  assert.equal(composed.failures[0].cause, 'refused');
  const { stdout } = await callspool(['doctor', '--nginx-log', error, '--nginx-log', access], { env: { TZ: 'UTC' } });
  assert.match(stdout.trimEnd().split('\n').at(-1), /^502: the back end was down \(3 times\)\.$/);
  assert.doesNotMatch(stdout, /\x1b/);
});

test('what callspool says of it itself is found by the id of the request', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { play_wait: '300ms', trusted_proxies: '127.0.0.1', log_level: 'debug' } });
  const folder = temporaryFolder(t, 'logs');
  const nginx = await startNginx(t, server.url);
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { callSid, answer: (_, reply) => reply.writeHead(500).end() });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  const { status, headers } = await request(`${nginx.url}/api/calls/${callSid}/download`);
  assert.equal(status, 503);
  await nginx.logs(new RegExp(headers['x-request-id']));
  const examined = await callspool(['doctor', 'playback', '--json', '--url', nginx.url, '--set', `data_dir=${server.dataDir}`]);
  assert.ok(JSON.parse(examined.stdout).good > 10, examined.stdout);
  const [log, journal] = [join(folder, 'access.log'), join(folder, 'journal.log')];
  writeFileSync(log, nginx.written());
  await until('the journal has it', () => server.err.some((line) => line.includes(headers['x-request-id'])));
  writeFileSync(journal, server.err.join('\n'));
  for (const files of [[log, journal], [journal, log]]) {
    const { code, json } = await explain(files);
    assert.equal(code, 7);
    assert.deepEqual(json.causes, [], 'what the doctor played is no fault');
    assert.deepEqual(json.answers.map(({ status: answer }) => answer).filter((answer) => answer !== 403), [503], 'nor what it was answered, but for what public_url is not that of'); // its WebSocket
    const failure = json.failures.find(({ request_id: id }) => id === headers['x-request-id']);
    assert.equal(failure.of_back_end, true);
    assert.equal(failure.journal_by, 'request id');
    assert.ok(failure.journal.length > 0);
  }
});

test('a traceback is that of what stands before it, and by itself none of a request', async () => {
  const traceback = 'Traceback (most recent call last):\n  File "app.py", line 7, in <module>\nModuleNotFoundError: No module named \'twilio\'\n';
  const boot = `[2026-11-29 12:00:00 +0000] [7] [ERROR] Exception in worker process\n${traceback}[2026-11-29 12:00:01 +0000] [1] [ERROR] Reason: Worker failed to boot.\n`;
  const counts = async (text) => {
    const { code, json } = await explain(['-'], text.replaceAll(/^(?=.)/gm, 'backend-1  | '));
    return [code, Object.fromEntries(json.causes.map(({ cause, count }) => [cause, count]))];
  };
  assert.deepEqual(await counts(boot + boot), [7, { 'boot-failed': 2 }]);
  assert.deepEqual(await counts(`[2026-11-29 12:00:00,123] ERROR in app: Exception on /api/calls/CA1/download [GET]\n${traceback}`), [7, { exception: 1 }]);
  assert.deepEqual(await counts(traceback), [7, { traceback: 1 }]);
});

test('what says nothing says so; what is not there is told', async (t) => {
  const folder = temporaryFolder(t, 'logs');
  const file = join(folder, 'access.log');
  writeFileSync(file, '');
  appendFileSync(file, '203.0.113.7 - - [29/Nov/2026:12:03:04 +0000] "GET / HTTP/1.1" 206 157 "-" "x"\n');
  const { code, json } = await explain([file]);
  assert.equal(code, 0);
  assert.equal(json.says, null);
  assert.equal(json.verdict, 'good');
  const text = async (...files) => callspool(['doctor', ...files.flatMap((name) => ['--nginx-log', name])]);
  assert.match((await text(file)).stdout, /Answers\n +1 x none of them an error\n/);
  const [empty, strange, errors] = ['empty.log', 'strange.log', 'error.log'].map((name) => join(folder, name));
  writeFileSync(empty, '');
  writeFileSync(strange, 'a log of another kind\n'.repeat(3));
  for (const [files, says] of [[[empty], /no line in it/], [[strange], /not one line of '.*strange\.log' is of a log that is known/], [[file, strange], /No failure was found, but not all could be read/]]) {
    const said = await text(...files);
    assert.equal(said.code, 8, said.stdout);
    assert.match(said.stdout.replaceAll('\n', ' '), says);
  }
  assert.equal((await text(file, empty)).code, 0, 'an empty one beside it is none');
  writeFileSync(errors, '2026/11/29 12:00:00 [notice] 1#1: start worker processes\n');
  appendFileSync(file, '203.0.113.7 - - [29/Nov/2026:12:03:05 +0000] "GET /api/calls/CA1/download HTTP/1.1" 500 157 "-" "x"\n');
  assert.match((await text(file)).stdout, /give nginx's error log, too/);
  const both = await text(file, errors);
  assert.equal(both.code, 7);
  assert.doesNotMatch(both.stdout, /give nginx's error log/);
  assert.match(both.stdout.replaceAll(/\s+/g, ' '), /answered so by the back end itself.*give the back end's own log, too/);
  const missing = await callspool(['doctor', '--nginx-log', join(folder, 'none')]);
  assert.equal(missing.code, 8);
  assert.match(missing.stderr, /there is no/);
  const mixed = await callspool(['doctor', 'playback', '--nginx-log', file]);
  assert.equal(mixed.code, 2);
});
