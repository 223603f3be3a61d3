// The access log: a line a request, without secrets, in a file that can be moved away.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, renameSync, statSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { Caller, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { temporaryFolder } from './harness/process.js';
import { startStored } from './harness/stored.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

const LINE = /^(?<client>\S+) - (?<user>\S+) \[(?<date>\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000)\] "(?<request>[^"]*)" (?<status>\d{3}) (?<bytes>\d+) "(?<referer>[^"]*)" "(?<agent>[^"]*)" (?<seconds>\d+\.\d{3}) (?<id>[A-Za-z0-9._-]+)$/;

/** A line as an object; it must be one. */
function parse(line) {
  const match = line.match(LINE);
  assert.ok(match, line);
  return { ...match.groups };
}

const linesOf = (file) => readFileSync(file, 'utf8').split('\n').slice(0, -1).map(parse);

/** The line of a reply, once it is there. */
const lineOf = (file, reply) => until(`${file} has the line of ${reply.headers['x-request-id']}`,
  () => linesOf(file).find(({ id }) => id === reply.headers['x-request-id']));

const newLog = (t) => join(temporaryFolder(t), 'access.log');

test('a line says who asked for what, how it was answered, and by which id it is found', async (t) => {
  const file = newLog(t);
  const { server, recording } = await startStored(t, { settings: { access_log: file } });
  assert.equal(statSync(file).mode & 0o777, 0o640);
  const began = Date.now();
  const headers = { Range: 'bytes=10-19', Referer: 'https://crm.example.com/calls', 'User-Agent': 'A "quoted" \\ agent\t\x9b[2J' };
  const part = await request(server.url + recording.mediaPath, { headers });
  const line = await lineOf(file, part);
  const { date, seconds, id, ...rest } = line;
  assert.deepEqual(rest, {
    client: '127.0.0.1', user: '-', request: `GET ${recording.mediaPath} HTTP/1.1`, status: '206', bytes: '10',
    referer: 'https://crm.example.com/calls', agent: 'A \\x22quoted\\x22 \\x5C agent\\x09\\x9B[2J',
  });
  const at = Date.parse(date.replace(/^(\d+)\/(\w+)\/(\d+):/, '$1 $2 $3 '));
  assert.ok(at >= began - 1000 && at <= Date.now(), date);
  assert.ok(Number(seconds) < 60, seconds);

  const error = await request(`${server.url}/nothing/here?x=%22`);
  const { request: asked, status, bytes } = await lineOf(file, error);
  assert.deepEqual([asked, status, Number(bytes)], ['GET /nothing/here?x=%22 HTTP/1.1', '404', error.body.length]);
  const webhook = linesOf(file).find(({ request: text }) => text.startsWith('POST /webhook/recording-status '));
  assert.equal(webhook.status, '200', 'the webhook of the recording is there, too');
});

test('what was no request, and one of many on a connection, have their line', async (t) => {
  const file = newLog(t);
  const server = await startServer(t, { settings: { access_log: file } });
  const connection = await RawConnection.open(server.url);
  const one = (path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  connection.send(one('/health') + one('/nothing') + 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  await connection.untilClosed();
  const noise = await RawConnection.open(server.url);
  noise.send('\x16\x03\x01"\r\n\r\n');
  await noise.untilClosed();
  const lines = await until('four lines', () => {
    const all = linesOf(file);
    return all.length >= 4 && all;
  });
  assert.deepEqual(lines.map(({ request: text, status }) => [text, status]),
    [['GET /health HTTP/1.1', '200'], ['GET /nothing HTTP/1.1', '404'], ['GET / HTTP/1.1', '400'], ['-', '400']]);
});

test('a client behind a proxy is told by its own address, its user by the name of what it shows, and no secret is in it', async (t) => {
  const file = newLog(t);
  const { server, recording } = await startWithPeople(t, { settings: { access_log: file, 'twilio.api_url': undefined } });
  const admin = await firstAdministrator(server);
  const program = await addToken(admin, 'play');
  const link = await addLink(admin, recording);
  const id = 'id-of-the-proxy';
  const played = await program.asks(200, 'GET', recording.mediaPath, { headers: { 'X-Request-Id': id } });
  assert.equal(played.headers['x-request-id'], id);
  const ofToken = await lineOf(file, played);
  assert.deepEqual([ofToken.client, ofToken.user, ofToken.id], [program.address, program.name, id]);
  const ofSession = await lineOf(file, await admin.asks(200, 'GET', '/api/users'));
  assert.match(ofSession.user, /^[\w-]{8}$/);

  const visitor = new Caller(server);
  const shown = await visitor.asks(200, 'GET', link.mediaPath, { headers: { Referer: `https://calls.example.com${link.mediaPath}`, 'User-Agent': `wrong ${program.bearer}` } });
  const ofLink = await lineOf(file, shown);
  const hidden = `/l/${link.name}.../media`;
  assert.deepEqual([ofLink.request, ofLink.referer, ofLink.user], [`GET ${hidden} HTTP/1.1`, `https://calls.example.com${hidden}`, '-']);
  const all = readFileSync(file, 'latin1');
  const secrets = [link.secret, link.mediaPath.split('/')[2].slice(8), program.bearer.slice(12), ...Object.values(admin.cookies).map((cookie) => cookie.slice(8))];
  for (const secret of secrets) assert.ok(secret.length > 8 && !all.includes(secret), 'a secret is in the access log');
});

test('a long play is a line when it is over, with what was sent, though its request has gone', async (t) => {
  const file = newLog(t);
  const { server, recording } = await startStored(t, { settings: { access_log: file }, recording: { seconds: 240, format: 'wav' } });
  const connection = await RawConnection.open(server.url);
  connection.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: leaves early\r\n\r\n`);
  const [, id] = await connection.receives(/X-Request-Id: (\S+)/i);
  connection.socket.pause();
  connection.close();
  const line = await lineOf(file, { headers: { 'x-request-id': id } });
  assert.deepEqual([line.request, line.agent, line.status], [`GET ${recording.mediaPath} HTTP/1.1`, 'leaves early', '200']);
  assert.ok(Number(line.bytes) < recording.bytes.length, `${line.bytes} of ${recording.bytes.length}`);
  const whole = await request(server.url + recording.mediaPath);
  assert.equal((await lineOf(file, whole)).bytes, String(recording.bytes.length));
});

test('a client that leaves before there is an answer is 499', async (t) => {
  const file = newLog(t);
  const upstream = await startUpstream(t);
  upstream.answer = () => {}; // never
  const server = await startServer(t, { upstream: upstream.url, settings: { access_log: file } });
  const callSid = newSid('CA'); // of which nobody told: Twilio is asked for this play alone
  const path = `/api/calls/${callSid}/download`;
  const connection = await RawConnection.open(server.url);
  connection.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await until('it is asked of Twilio', () => upstream.requests.some(({ path: asked }) => asked.includes(callSid)));
  connection.socket.resetAndDestroy();
  const line = await until('the line of the play', () => linesOf(file).find(({ request: text }) => text === `GET ${path} HTTP/1.1`));
  assert.deepEqual([line.status, line.bytes], ['499', '0']);
});

test('after SIGHUP a file that was moved away is left, and a new one is there at once', async (t) => {
  const file = newLog(t);
  const server = await startServer(t, { settings: { access_log: file } });
  await lineOf(file, await request(`${server.url}/health?first`));
  renameSync(file, `${file}.1`);
  server.child.kill('SIGHUP');
  await server.line(/the access log is opened anew/);
  assert.equal(statSync(file).size, 0);
  await lineOf(file, await request(`${server.url}/health?second`));
  assert.deepEqual(linesOf(`${file}.1`).map(({ request: text }) => text), ['GET /health?first HTTP/1.1']);
  assert.equal(linesOf(file).length, 1);
  const last = await request(`${server.url}/health?last`);
  await server.finish();
  assert.equal(linesOf(file).at(-1).id, last.headers['x-request-id'], 'what was answered before the end is there');
});

test('on standard error it stands among the lines of the log, and commands are not in it', async (t) => {
  const socket = join(temporaryFolder(t), 'http');
  const server = await startServer(t, { settings: { access_log: 'stderr', listen: `127.0.0.1:0 unix:${socket}` } });
  assert.equal((await callspool(['health', '--set', `data_dir=${server.dataDir}`])).code, 0);
  const call = http.get({ socketPath: socket, path: '/health', headers: { Host: 'localhost' } });
  const [reply] = await once(call, 'response');
  reply.resume();
  const [line] = await server.line(/^unix: - .*$/);
  assert.equal(parse(line).id, reply.headers['x-request-id']);
  assert.equal(server.err.filter((text) => LINE.test(text)).length, 1);
});

test('on a full disk requests are answered all the same, and what is lost is told and counted', async (t) => {
  const server = await startServer(t, { settings: { access_log: '/dev/full' }, expectErrors: [/cannot write the access log: No space left/] });
  for (let i = 0; i < 3; i += 1) assert.equal((await request(`${server.url}/health`)).status, 200);
  await server.line(/level=error .*cannot write the access log/);
  await until('the three are counted', async () => {
    const { body } = await request(`${server.url}/metrics`);
    return Number(body.toString().match(/^callspool_access_log_lost_total (\d+)$/m)[1]) >= 3;
  });
  assert.equal(server.err.filter((line) => /cannot write the access log/.test(line)).length, 1, 'one line, not one a batch');
});

test('off, there is none; where it cannot be opened, the server does not start', async (t) => {
  const server = await startServer(t);
  await request(`${server.url}/health`);
  await server.finish();
  assert.equal(server.err.filter((text) => LINE.test(text)).length, 0);
  const folder = temporaryFolder(t);
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${join(folder, 'data')}`, '--set', `access_log=${join(folder, 'none', 'log')}`]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /access_log: cannot open .*No such file/);
});
