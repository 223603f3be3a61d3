// callspool doctor: services, limits, strategy, and what it says where no server runs.  Each check finds one fault, and is
// quiet about what looks like it.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { ACCOUNT, TOKEN, callspool, startServer, untilState } from './harness/callspool.js';
import { makeCertificate } from './harness/certificate.js';
import { Gate } from './harness/gated.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { freePort, startNginx } from './harness/nginx.js';
import { Program, temporaryFolder } from './harness/process.js';
import { SIGN_IN, firstAdministrator } from './harness/people.js';
import { startStored } from './harness/stored.js';
import { audio } from './harness/audio.js';
import { Simulator } from './harness/simulator.js';
import { startTunnel } from './harness/tunnel.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const PUBLIC = 'http://callspool.test';

/** { code, json, names of findings, of(check), says } of a run. */
async function examine(server, args, { settings = {}, env } = {}) {
  const sets = Object.entries({ data_dir: server.dataDir, public_url: PUBLIC, ...settings }).filter(([, value]) => value !== undefined).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const url = args.includes('--url') ? [] : ['--url', server.url ?? 'http://127.0.0.1:1'];
  const { code, stdout, stderr } = await callspool(['doctor', '--json', ...args, ...url, ...sets], { env });
  if (stdout === '') return { code, stderr };
  const json = JSON.parse(stdout);
  const findings = json.checks.filter(({ result }) => result === 'finding');
  return { code, json, findings, names: findings.map(({ check }) => check), of: (name) => json.checks.find(({ check }) => check === name) };
}

let stored;
/** By a name that a proxy could have. */
const elsewhere = () => ['--url', stored.server.url.replace('127.0.0.1', 'localhost')];
before(async () => {
  stored = await startStored(lifetime, { settings: { 'fetch.give_up_after': '1s' }, expectErrors: [/./] });
});

test('a server that is well has no finding, and the newest recording plays', async () => {
  const result = await examine(stored.server, elsewhere(), { settings: { 'twilio.api_url': stored.upstream.url, trusted_proxies: '127.0.0.1' } });
  assert.deepEqual(result.names.filter((name) => !['client-arrives', 'events'].includes(name)), [], JSON.stringify(result.findings)); // no proxy stands here, and public_url is another
  assert.match(result.of('stored').detail, new RegExp(stored.recording.recordingSid));
  assert.equal(result.of('store').result, 'good');
  assert.equal(result.of('read-limit').result, 'unchecked', 'nobody hears that all is well where a limit is not known');
});

test('what is not in use is no gap, also where it was asked for by name; a limit that nobody knows is one', async () => {
  const KNOWN = ['--proxy-read-timeout', '60s', '--proxy-connect-timeout', '5s', '--proxy-send-timeout', '60s', '--proxy-keepalive', '60s'];
  const [unused, direct, unknown, known] = await Promise.all([['cors', 'private', 'forged-sign-in'], ['limits'], ['limits', ...elsewhere()], ['limits', ...elsewhere(), ...KNOWN]].map((args) => examine(stored.server, args)));
  assert.equal(unused.code, 0);
  assert.deepEqual([direct.code, direct.of('read-limit').result], [0, 'left_out'], 'no proxy has a limit');
  assert.deepEqual([unknown.code, unknown.of('read-limit').result], [8, 'unchecked']);
  assert.match(unknown.of('read-limit').because, /not known: give --nginx-conf FILE, or --proxy-read-timeout TIME/);
  assert.equal(known.code, 0);
});

test('no trace is left but the token in the audit: no call, no play, no webhook is counted', async () => {
  const { server } = stored;
  const calls = async () => (await requestJson(`${server.url}/api/calls`)).json.calls.length;
  const metrics = async () => (await request(`${server.url}/metrics`)).body.toString().split('\n').filter((line) => /callspool_(plays|webhooks)/.test(line) && !/_bucket|_sum/.test(line)).join('\n');
  const [beforeCalls, beforeMetrics] = [await calls(), await metrics()];
  await examine(server, ['sign-in', 'first-bytes', 'flight-first-bytes', 'stored', 'webhook', '--url', server.url]);
  assert.equal(await calls(), beforeCalls);
  assert.equal(await metrics(), beforeMetrics);
  const { json } = await requestJson(`${server.url}/api/audit`);
  assert.ok(json.entries.some(({ kind }) => kind === 'doctor_token_made'));
});

test('the doctor\'s calls are nobody else\'s', async (t) => {
  const server = await startServer(t, { settings: SIGN_IN });
  const admin = await firstAdministrator(server);
  const reserved = 'CAd0c70000d0c70000' + '0'.repeat(16);
  assert.equal((await admin.ask('GET', `/api/calls/${reserved}/download`)).json.code, 'call_not_found');
  const { status } = await admin.ask('POST', '/api/probes', { json: {} });
  assert.equal(status, 403);
});


test('services: what this machine and Twilio say', async (t) => {
  const upstream = http.createServer((_, reply) => reply.writeHead(_.headers.authorization?.includes(Buffer.from(`${ACCOUNT}:${'f'.repeat(32)}`).toString('base64')) ? 401 : 200, { Date: new Date(Date.now() - _.socket.server.behind).toUTCString(), 'Content-Type': 'application/json' }).end('{}'));
  upstream.behind = 0;
  await new Promise((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    upstream.close();
    upstream.closeAllConnections();
  });
  const api = { 'twilio.api_url': `http://127.0.0.1:${upstream.address().port}` };
  const { server } = stored;
  const well = await examine(server, ['services'], { settings: api });
  assert.deepEqual(well.names, [], JSON.stringify(well.findings));

  const refused = await examine(server, ['services'], { settings: api, env: { TWILIO_AUTH_TOKEN: 'f'.repeat(32) } });
  assert.deepEqual(refused.names, ['twilio']);
  assert.match(refused.json.says, /refuses the credentials/);
  const away = await examine(server, ['services'], { settings: { 'twilio.api_url': 'http://127.0.0.1:1' } });
  assert.deepEqual(away.names, ['twilio']);
  assert.match(away.json.says, /cannot be reached/);
  assert.equal(away.of('clocks').result, 'unchecked');

  upstream.behind = 3_600_000;
  const late = await examine(server, ['services'], { settings: api });
  assert.deepEqual(late.names, ['clocks']);
  assert.match(late.findings[0].looked_at, /3\d\d\d s behind/);
  upstream.behind = 10_000;
  assert.deepEqual((await examine(server, ['clocks'], { settings: api })).names, [], 'some seconds are none');

  const unset = await examine(server, ['twilio'], { settings: api, env: { TWILIO_ACCOUNT_SID: undefined, TWILIO_AUTH_TOKEN: undefined } });
  assert.deepEqual([unset.code, unset.of('twilio').result], [0, 'good'], 'what the command was not told the server knows');

  assert.deepEqual((await examine(server, ['disk'], { settings: { min_free: '9000T' } })).names, [], 'by the min_free of the server it is fetched');
});

test('services: Twilio is asked as recordings are fetched, through fetch.proxy and trusting fetch.ca_file', async (t) => {
  const { certificate, key } = await makeCertificate(temporaryFolder(t, 'tls'));
  const upstream = await startUpstream(t, { tls: { cert: readFileSync(certificate), key: readFileSync(key) } });
  const tunnel = await startTunnel(t, upstream.url);
  const way = { 'twilio.api_url': 'https://callspool.test', 'fetch.proxy': tunnel.url, 'fetch.ca_file': certificate }; // by a name that no DNS has
  const port = await freePort();
  const server = await startServer(t, { settings: { ...way, listen: `127.0.0.1:${port}`, public_url: `http://127.0.0.1:${port}`, trusted_proxies: '127.0.0.1' } });
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, media: audio() });
  await postForm(server.url, RECORDING_STATUS, fields, { publicUrl: server.url });
  await untilState(server, fields.CallSid, 'stored');
  const result = await examine(server, ['twilio', 'clocks'], { settings: way });
  assert.deepEqual([result.code, result.names], [0, []], JSON.stringify(result.findings));

  const { json: { checks } } = await requestJson(`${server.url}/api/health/check`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' });
  const resultOf = (name) => checks.checks.find(({ check }) => check === name).result;
  assert.deepEqual(['twilio', 'clocks'].map(resultOf), ['good', 'good']);
  const { json: { degraded, causes } } = await requestJson(`${server.url}/api/health`);
  assert.deepEqual([degraded, causes], [false, []]);
});

test('services: accounts that stand in twilio.accounts_file alone are accounts', async (t) => {
  const upstream = await startUpstream(t);
  const folder = temporaryFolder(t);
  const file = join(folder, 'accounts');
  writeFileSync(file, `${ACCOUNT} ${upstream.url} ${TOKEN}\n`, { mode: 0o600 });
  const env = { TWILIO_ACCOUNT_SID: undefined, TWILIO_AUTH_TOKEN: undefined };
  const settings = { 'twilio.accounts_file': file, public_url: undefined };
  const before = await examine({ dataDir: folder }, ['twilio'], { settings, env });
  assert.deepEqual([before.code, before.of('twilio').result], [8, 'unchecked'], JSON.stringify(before.findings));
  const unset = await examine({ dataDir: folder }, ['twilio'], { env });
  assert.deepEqual(unset.names, ['twilio'], 'where there is none, that is a finding');

  const server = await startServer(t, { settings, env });
  const [told, untold] = await Promise.all([settings, {}].map((given) => examine(server, ['twilio'], { settings: given, env })));
  assert.deepEqual([told.code, told.of('twilio').result], [0, 'good'], JSON.stringify(told.findings));
  assert.deepEqual([untold.code, untold.of('twilio').result], [0, 'good'], 'what the command was not told the server knows');
  const { json: { checks } } = await requestJson(`${server.url}/api/health/check`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"checks":["twilio"]}' });
  assert.equal(checks.checks[0].result, 'good', 'and so does its own examination');
});

test('services: what the server says', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { public_url: undefined, min_free: '9000T' } });
  const result = await examine(server, ['services'], { settings: { 'twilio.api_url': upstream.url, public_url: undefined } });
  assert.deepEqual(result.names, ['disk', 'public-url']);
  assert.equal(result.of('health').result, 'good', 'the full disk is told by the check of the disk');
});

test('without a server what can be checked is checked, and the rest is said', async (t) => {
  const folder = join(temporaryFolder(t), 'data');
  mkdirSync(folder);
  const nobody = await examine({ dataDir: folder }, [], { settings: { 'twilio.api_url': stored.upstream.url } });
  assert.equal(nobody.code, 7);
  assert.deepEqual(nobody.names, ['runs']);
  assert.equal(nobody.json.says, 'callspool does not run');
  assert.equal(nobody.of('store').result, 'good');
  assert.equal(nobody.of('twilio').result, 'good');
  assert.equal(nobody.of('play-wait').result, 'good');
  assert.equal(nobody.of('first-bytes').result, 'left_out');
  assert.match(nobody.of('first-bytes').because, /no server runs/);
  const lacking = [['first-bytes'], ['playback'], ['strategy', 'disk'], ['buffering'], ['proxy'], ['public']];
  await Promise.all(lacking.map(async (names) => assert.equal((await examine({ dataDir: folder }, names)).code, 8, `${names}: what was asked for by name was not checked`)));
  assert.deepEqual((await examine({ dataDir: '/proc/self' }, ['store'])).names, ['store'], 'a folder that takes no file');
  assert.deepEqual((await examine({ dataDir: folder }, ['disk'], { settings: { min_free: '9000T' } })).names, ['disk']);
});

test('limits: each pair that contradicts', async () => {
  const { server } = stored;
  const cases = [
    [[], []],
    [['--proxy-read-timeout', '60s', '--proxy-connect-timeout', '5s', '--proxy-keepalive', '60s', '--proxy-send-timeout', '60s'], []],
    [['--proxy-read-timeout', '20s'], ['read-limit'], /gives up before/, 'proxy_read_timeout 60s;'],
    [['--proxy-read-timeout', '27s'], []],
    [['--proxy-read-timeout', '300s'], []],
    [['--proxy-read-timeout', '1h'], ['stuck-limit'], /never told/, 'proxy_read_timeout 60s;'],
    [['--proxy-connect-timeout', '100ms'], ['connect-limit'], /before a lost packet/, 'proxy_connect_timeout 5s;'],
    [['--proxy-keepalive', '75s'], ['keepalive-limit'], /longer than callspool/, 'keepalive_timeout 60s;    # in the upstream block'],
    [['--proxy-keepalive', '74s'], []],
  ];
  await Promise.all(cases.map(async ([args, finds, says, write]) => {
    const result = await examine(server, ['limits', 'runs', ...args]);
    assert.deepEqual(result.names, finds, args.join(' '));
    assert.equal(result.json.limits.length, 8);
    if (finds.length === 0) return;
    assert.match(result.json.says, says);
    assert.equal(result.findings[0].write, write);
  }));
  const wrong = await callspool(['doctor', '--proxy-read-timeout', 'soon', '--set', `data_dir=${server.dataDir}`]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /expected a duration/);
});

test('limits: play_wait itself', async (t) => {
  const { names, json } = await examine({ dataDir: temporaryFolder(t) }, ['play-wait', 'read-limit', '--proxy-read-timeout', '120s'], { settings: { play_wait: '65s' } });
  assert.deepEqual(names, ['play-wait']);
  assert.match(json.says, /longer than proxies/);
});

/** One recording that is given up. */
async function giveUp(server, upstream) {
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { callSid, answer: (_, reply) => reply.writeHead(500).end() });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  await untilState(server, callSid, 'dead');
}

test('strategy: what was given up, what was refused, and what was fetched only when it was played', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.give_up_after': '1s' }, expectErrors: [/./] });
  assert.deepEqual((await examine(server, ['strategy'])).names, [], 'nothing has come yet');
  await giveUp(server, upstream);
  const dead = await examine(server, ['strategy']);
  assert.deepEqual(dead.names, ['given-up']);
  assert.equal(dead.findings[0].write, 'callspool retry --all');

  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: newSid('CA'), RecordingSid: newSid('RE') }), { token: 'f'.repeat(32) });
  assert.deepEqual((await examine(server, ['webhooks-taken'])).names, ['webhooks-taken']);
});

test('services: no connection is left, and where there is', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { threads: 1, connections_max: 3 } });
  const sockets = [];
  const hold = async (count) => {
    while (sockets.length < count) {
      const socket = net.connect(new URL(server.url).port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
    }
  };
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  const look = () => examine(server, ['services', '--url', server.url.replace('127.0.0.1', 'localhost')], { settings: { 'twilio.api_url': upstream.url } });
  await hold(1);
  assert.deepEqual((await look()).names, [], 'some are');
  await hold(3);
  const { names, json, of } = await look();
  assert.deepEqual(names, ['answers']);
  assert.match(json.says, /does not answer on the address/);
  assert.match(of('public').because, /follows from answers/);
  sockets.splice(0).forEach((socket) => socket.destroy());
  await until('it answers again', async () => (await look()).names.length === 0);
});

test('strategy: a list that cannot be read, webhooks that have stopped, what waits too long, what was set aside', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { reconcile_interval: '1s' }, expectErrors: [/./] });
  const names = async (...of) => (await examine(server, of.length ? of : ['strategy', 'health'])).names;
  const announce = (recordingSid, callSid) => postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  const failing = { callSid: newSid('CA'), answer: (_, reply) => reply.writeHead(500).end() };
  const waiting = newSid('RE');
  upstream.recordings.set(waiting, failing);
  await announce(waiting, failing.callSid);
  assert.deepEqual(await names(), [], 'one recording that Twilio does not send is no list');
  upstream.answer = (_, reply, { path }) => (path.endsWith('/Recordings.json') && !path.includes('/Calls/') ? reply.writeHead(500).end() : false);
  await until('the list cannot be read', async () => `${await names()}` === 'list');
  upstream.answer = undefined;
  await until('it can', async () => (await names()).length === 0);

  const startedAt = new Date(Date.now() + 2000).toUTCString().replace('GMT', '+0000');
  const unannounced = (count) => Array.from({ length: count }, () => upstream.recordings.set(newSid('RE'), { callSid: newSid('CA'), listed: true, startedAt, media: audio({ seconds: 1 }) }));
  const stored = async (count) => until(`${count} came by the list`, async () => JSON.parse((await callspool(['status', '--json', '--set', `data_dir=${server.dataDir}`])).stdout).recordings.stored === count);
  unannounced(4);
  await stored(4);
  assert.deepEqual(await names(), [], 'four may be on their way');
  unannounced(1);
  await stored(5);
  assert.deepEqual(await names(), ['webhooks-come']);
  await until('a webhook comes', async () => {
    await announce(waiting, failing.callSid);
    return (await names()).length === 0;
  });

  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  const sql = (statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), statement]);
  const since = (minutes) => sql(`UPDATE recordings SET queued_at_ms = ${Date.now() - minutes * 60_000} WHERE queued_at_ms IS NOT NULL`);
  since(14); // and the ledger is read, where no server runs
  assert.deepEqual(await names(), [], JSON.stringify((await examine(server, ['queue'])).findings));
  since(20);
  assert.deepEqual(await names(), ['queue']);
  since(1);
  sql('INSERT INTO events_set_aside (event_seq, set_aside_at_ms, reason) SELECT MIN(seq), 0, \'tried\' FROM events');
  assert.deepEqual(await names(), ['health']);
  sql('DELETE FROM events_set_aside');
  assert.deepEqual(await names(), []);
});

test('strategy: plays that wait for Twilio', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const gate = new Gate(audio({ seconds: 2 }));
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  const plays = Array.from({ length: 25 }, () => request(`${server.url}/api/calls/${callSid}/download`));
  await until('they wait', async () => gate.requests > 0);
  assert.deepEqual((await examine(server, ['from-store'])).names, [], 'too few plays tell nothing');
  gate.open();
  for (const { status } of await Promise.all(plays)) assert.equal(status, 200);
  const { names, json } = await examine(server, ['from-store']);
  assert.deepEqual(names, ['from-store']);
  assert.match(json.says, /only when somebody plays/);
  await until('plays of what is here cure it, without a restart', async () => {
    await Promise.all(Array.from({ length: 60 }, () => request(`${server.url}/api/calls/${callSid}/download`, { headers: { Range: 'bytes=0-1' } })));
    return (await examine(server, ['from-store'])).names.length === 0;
  });
});

test('a forged sign-in is found where the proxy passes it on', async (t) => {
  const server = await startServer(t, { settings: { auth: 'proxy', trusted_proxies: '127.0.0.1', 'proxy.listeners': '*', 'proxy.user_header': 'Remote-User' } });
  let port;
  await startNginx(t, server.url, {
    site: (folder, free, backend) => {
      port = free;
      const passed = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;';
      return ['', 'proxy_set_header Remote-User "";'].map((more, i) => `server { listen 127.0.0.1:${free}${i ? '' : ' default_server'}; server_name ${i ? 'shut' : 'open'}.localhost; access_log ${folder}/access.log;
        location / { proxy_pass http://${backend}; ${passed} ${more} } }`).join('\n');
    },
  });
  const open = await examine(server, ['forged-sign-in', 'sign-in', 'public', '--url', `http://open.localhost:${port}`]);
  assert.deepEqual(open.names, ['forged-sign-in']);
  assert.match(open.json.says, /anybody can sign in as anybody/);
  assert.equal(open.findings[0].write, 'proxy_set_header Remote-User "";');
  const shut = await examine(server, ['forged-sign-in', 'sign-in', 'public', '--url', `http://shut.localhost:${port}`]);
  assert.deepEqual(shut.names, []);
  assert.equal(shut.code, 0);
});

test('checks are listed, run by name, and misspelt ones are told', async () => {
  const { stdout } = await callspool(['doctor', '--list']);
  for (const group of ['services', 'limits', 'playback', 'strategy']) assert.match(stdout, new RegExp(`^${group}$`, 'm'));
  assert.match(stdout, /^ {2}first-bytes {2,}does it play on an iPhone/m);
  const listed = JSON.parse((await callspool(['doctor', '--list', '--json'])).stdout);
  assert.ok(listed.flatMap(({ checks }) => checks).every(({ name, asks, meaning, remedy }) => name && asks && meaning && remedy));
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  for (const { checks } of listed) for (const { name, asks } of checks) assert.ok(page.includes(`| \`${name}\` | ${asks} |`), `docs/doctor.md tells of ${name}`);
  const wrong = await callspool(['doctor', 'playbak', '--set', `data_dir=${stored.server.dataDir}`]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /did you mean 'playback'/);
  const { json } = await examine(stored.server, ['runs', 'disk']);
  assert.deepEqual(json.checks.map(({ check }) => check), ['runs', 'disk']);
});

test('its words fit the terminal, and are coloured there alone', async () => {
  const args = ['doctor', 'limits', '--proxy-read-timeout', '20s', '--set', `data_dir=${stored.server.dataDir}`, '--set', `public_url=${PUBLIC}`];
  const { stdout } = await callspool(args);
  assert.doesNotMatch(stdout, /\x1b/);
  assert.match(stdout, /^the proxy gives up before callspool has answered\.$/m);
  assert.ok(stdout.includes(`confirm    callspool doctor read-limit --proxy-read-timeout 20s --set data_dir=${stored.server.dataDir} --set public_url=${PUBLIC}\n`), stdout);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 90 || / {2}confirm /.test(line), line);
});
