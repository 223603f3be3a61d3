// What the program says of a configuration, and what nginx does with it: the same requests to both.
//
// nginx tells by what its back ends see, by its answers, and by its debug log: the location that it takes, the limits that
// it sets its timers to, whether it holds the answer back.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from './harness/http.js';
import { freePort } from './harness/nginx.js';
import { Program, run, temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';
import { atEnd } from './harness/lifetime.js';
import { BINARY } from './harness/callspool.js';
import { CONFIGURATIONS } from './harness/nginx_cases.js';

const NGINX = '/usr/sbin/nginx';
const CLIENT = '127.0.0.1';

/** Answers everything, and keeps what it was sent. */
async function startBackend(t) {
  const seen = [];
  const server = http.createServer((incoming, reply) => {
    const headers = [];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.push([incoming.rawHeaders[i].toLowerCase(), incoming.rawHeaders[i + 1]]);
    seen.push({ target: incoming.url, version: incoming.httpVersion, headers });
    incoming.resume();
    incoming.on('end', () => {
      reply.writeHead(incoming.url.includes('fail') ? 500 : 200, { 'Content-Type': 'text/html', 'X-From': 'backend' });
      reply.end('a'.repeat(3000));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${server.address().port}`, seen };
}

async function start(t, configuration) {
  const folder = temporaryFolder(t, 'nginxforce');
  const [a, b] = [await startBackend(t), await startBackend(t)];
  for (const name of ['b', 'p', 'f', 'u', 's', 'html']) mkdirSync(join(folder, name));
  for (let attempt = 1; ; attempt += 1) {
    const [port, other] = [await freePort(), await freePort()];
    const fill = (text) => text.replaceAll('PORT2', other).replaceAll('PORT', port).replaceAll('BACKEND_A', a.address)
      .replaceAll('BACKEND_B', b.address).replaceAll('FOLDER', folder);
    for (const [name, text] of Object.entries(configuration.files ?? {})) writeFileSync(join(folder, name), fill(text));
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, `${process.getuid() === 0 ? 'user root;\n' : ''}daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/debug.log debug;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  proxy_cache_path ${folder}/cache keys_zone=zone:1m; limit_req_zone $binary_remote_addr zone=per_client:1m rate=1000r/s;
  ${fill(configuration.http)}
}
`);
    const tested = await run(NGINX, ['-t', '-q', '-p', folder, '-c', file]);
    assert.equal(tested.code, 0, `${configuration.name}: ${tested.stderr}`);
    const program = new Program(NGINX, ['-p', folder, '-c', file]);
    const log = () => readFileSync(join(folder, 'debug.log'), 'utf8');
    await until('nginx has started', () => program.status ?? log().includes('start worker process '), 15_000);
    if (!program.status) {
      atEnd(t, () => program.stop('SIGTERM'));
      return { file, port, other, a, b, log, fill };
    }
    assert.ok(attempt < 3, `${configuration.name}: nginx ended: ${program.said}`);
  }
}

/** The lines of one request, once it is closed. */
async function debugLines(nginx, from) {
  const text = await until('nginx has finished the request', () => {
    const log = nginx.log().slice(from);
    return log.includes('close http connection') && log;
  });
  return text.split('\n').map((line) => line.replace(/^.*?\*\d+ /, ''));
}

function timerBehind(lines, text) {
  const at = lines.findIndex((line) => line.startsWith(text));
  const timer = at < 0 ? undefined : lines.slice(at).find((line) => line.startsWith('event timer add: '));
  return timer && Number(timer.split(' ')[4].split(':')[0]);
}

function observedIn(lines) {
  const used = lines.map((line) => /^using configuration "(.*)"$|^using location: (\S+)/.exec(line)).filter(Boolean).map(([, path, name]) => path ?? name);
  return {
    path: used.at(-1),
    connect: timerBehind(lines, 'http upstream connect: -2'),
    read: timerBehind(lines, 'http upstream send request body'),
    buffered: lines.includes('http upstream process upstream') || (lines.includes('http upstream process non buffered upstream') ? false : undefined),
  };
}

async function ask(nginx, one) {
  const from = nginx.log().length;
  const before = { a: nginx.a.seen.length, b: nginx.b.seen.length };
  const port = one.second ? nginx.other : nginx.port;
  const headers = { Host: `${one.host ?? 'x.example'}:${port}`, Connection: 'close', ...one.headers };
  const reply = await request(`http://127.0.0.1:${port}`, { path: one.path, method: one.method ?? 'GET', headers, body: one.body });
  const lines = await debugLines(nginx, from);
  const sawA = nginx.a.seen.slice(before.a);
  const sawB = nginx.b.seen.slice(before.b);
  return { reply, ...observedIn(lines), backend: sawA[0] ? nginx.a.address : sawB[0] && nginx.b.address, seen: sawA[0] ?? sawB[0], times: sawA.length + sawB.length };
}

/** What the program says of each: those that differ in their address alone are asked together. */
async function explainAll(nginx, requests) {
  const groups = new Map();
  for (const one of requests) {
    const { Host: host, ...headers } = one.headers;
    const port = one.second ? nginx.other : nginx.port;
    const key = JSON.stringify([one.method ?? 'GET', headers]);
    groups.set(key, [...(groups.get(key) ?? []), { one, url: `http://${host ?? one.host ?? 'x.example'}:${port}${one.path}` }]);
  }
  const said = new Map();
  for (const [key, members] of groups) {
    const [method, headers] = JSON.parse(key);
    const args = ['nginx', '--json', '--explain', nginx.file, '--client', CLIENT, '--header', 'Connection: close', '--method', method];
    for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`);
    for (const { url } of members) args.push('--url', url);
    const ran = await run(BINARY, args);
    assert.equal(ran.code, 0, ran.stderr);
    ran.stdout.trim().split('\n').forEach((line, i) => said.set(members[i].one, JSON.parse(line)));
  }
  return said;
}

const toMs = (text) => Math.round(Number(text.replace(/ms|s|m$/, '')) * (text.endsWith('ms') ? 1 : /m$/.test(text) ? 60_000 : 1000));
const first = (said, name, fallback) => said.in_force[name]?.words[0][0] ?? fallback;

function compareHeaders(said, real, what) {
  const known = said.sent.filter((sent) => sent.known).map((sent) => `${sent.name.toLowerCase()}: ${sent.value}`);
  const unknown = said.sent.filter((sent) => !sent.known).map((sent) => sent.name.toLowerCase());
  // What a body is sent with is nginx's to decide.
  const seen = real.seen.headers.filter(([name]) => !unknown.includes(name) && name !== 'content-length').map(([name, value]) => `${name}: ${value}`);
  assert.deepEqual(known.sort(), seen.sort(), `${what}: headers`);
  for (const name of unknown) assert.ok(real.seen.headers.some(([key]) => key === name), `${what}: ${name} is sent`);
}

function compareAdded(said, real, what) {
  const good = [200, 201, 204, 206, 301, 302, 303, 304, 307, 308].includes(real.reply.status);
  const added = (said.in_force.add_header?.words ?? []).filter((words) => good || words[2] === 'always')
    .filter(([, value]) => value !== '' && !value.includes('$')).map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  const got = Object.entries(real.reply.headers).filter(([name]) => name.startsWith('x-') && name !== 'x-from').map(([name, value]) => `${name}: ${value}`);
  assert.deepEqual(got.sort(), added.sort(), `${what}: add_header`);
}

function compareProxied(said, real, what) {
  assert.equal(real.times, 1, `${what}: it comes to a back end`);
  const upstream = said.upstream !== null;
  if (!upstream) assert.equal(said.to, real.backend, `${what}: which back end`);
  assert.equal(said.version, real.seen.version, `${what}: version`);
  if (said.target_known) assert.equal(said.target, real.seen.target, `${what}: target`);
  compareHeaders(said, real, what);
  // On a connection that was kept there is no connecting.
  if (real.connect !== undefined) assert.equal(toMs(first(said, 'proxy_connect_timeout', '60s')), real.connect, `${what}: proxy_connect_timeout`);
  assert.equal(toMs(first(said, 'proxy_read_timeout', '60s')), real.read, `${what}: proxy_read_timeout`);
  const intercepted = first(said, 'proxy_intercept_errors', 'off') === 'on' && real.reply.headers['x-from'] === undefined;
  if (!intercepted) {
    if (real.buffered !== undefined) assert.equal(first(said, 'proxy_buffering', 'on') === 'on' || first(said, 'proxy_cache', 'off') !== 'off', real.buffered, `${what}: proxy_buffering`);
    assert.equal(first(said, 'gzip', 'off') === 'on' && first(said, 'sub_filter', '') === '' && real.reply.status === 200,
      real.reply.headers['content-encoding'] === 'gzip', `${what}: gzip`);
    compareAdded(said, real, what);
  }
}

function compare(said, real, what) {
  if (said.end === 'proxied') {
    assert.equal(said.path, real.path, `${what}: location`);
    compareProxied(said, real, what);
    return;
  }
  assert.equal(real.times, 0, `${what}: ${said.end}, and a back end was asked`);
  if (said.end === 'answered') assert.equal(said.status, real.reply.status, `${what}: status`);
  else assert.equal(said.end, 'files', what);
}

test('what is in force is what nginx does', { concurrency: 3 }, async (t) => {
  assert.ok(CONFIGURATIONS.length >= 30);
  await Promise.all(CONFIGURATIONS.map((configuration) => t.test(configuration.name, async (each) => {
    const nginx = await start(each, configuration);
    const requests = configuration.requests.map((one) => ({ ...one, headers: { 'Accept-Encoding': 'gzip', 'User-Agent': 'test', ...one.headers } }));
    const said = await explainAll(nginx, requests);
    for (const one of requests) compare(said.get(one), await ask(nginx, one), `${one.method ?? 'GET'} ${one.host ?? ''}${one.path}`);
  })));
});
