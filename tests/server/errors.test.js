// The error table of docs/api.md, row by row: status, code, and JSON that tells a person why.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { startServer, untilState } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

/** The reply is the error `status`/`code` in the form that all errors have. */
function assertError(reply, status, code) {
  assert.equal(reply.status, status, reply.body.toString());
  assert.match(reply.headers['content-type'], /^application\/json\b/);
  assert.equal(Number(reply.headers['content-length']), reply.body.length);
  const body = JSON.parse(reply.body);
  // why Twilio does not send it, where that is known
  assert.deepEqual(Object.keys(body).filter((name) => name !== 'reason').sort(), ['code', 'error', 'request_id', 'success']);
  assert.equal(body.success, false);
  assert.equal(body.code, code);
  assert.match(body.error, /^\S.*\s.*\S$/, 'a sentence');
  assert.match(body.request_id, /^[\w-]{6,}$/);
  assert.equal(reply.headers['x-request-id'], body.request_id);
  return body;
}

const retryAfter = (reply) => Number(reply.headers['retry-after']);

describe('errors', () => {
  let server, upstream, recording, nginx;
  before(async () => {
    ({ server, upstream, recording } = await startStored(lifetime, { settings: { play_wait: '1s', retention: '7d' } }));
    nginx = await startNginx(lifetime, server.url);
  });

  /** Tells the server of a recording, and waits until it knows the call. */
  async function announce(path, fields) {
    const reply = await postForm(server.url, path, fields);
    assert.equal(reply.status, 200, reply.body.toString());
    await until('the call is known', async () => (await request(`${server.url}/api/calls/${fields.CallSid}`)).status === 200);
    return fields;
  }
  const download = (callSid, options) => request(`${server.url}/api/calls/${callSid}/download`, options);

  const simple = [
    ['no such path', 404, 'not_found', '/nothing/here'],
    ['no such path under /api', 404, 'not_found', '/api/nothing'],
    ['a path that goes on', 404, 'not_found', () => `${recording.mediaPath}/more`],
    ['a call that nobody knows', 404, 'call_not_found', () => `/api/calls/${newSid('CA')}/download`],
    ['details of a call that nobody knows', 404, 'call_not_found', () => `/api/calls/${newSid('CA')}`],
    ['a recording that nobody knows', 404, 'recording_not_found', () => `/api/recordings/${newSid('RE')}/media`],
    ['another recording than the call has', 404, 'recording_not_found', () => `${recording.downloadPath}?recording=${newSid('RE')}`],
    ['a call SID that is none', 400, 'bad_request', '/api/calls/CA123/download'],
    ['a call SID with a letter too many', 400, 'bad_request', () => `/api/calls/${recording.callSid}0/download`],
    ['a recording SID in place of a call SID', 400, 'bad_request', () => `/api/calls/${recording.recordingSid}/download`],
    ['a path in place of a SID', 400, 'bad_request', '/api/recordings/..%2f..%2fetc%2fpasswd/media'],
    ['a recording SID that is none', 400, 'bad_request', '/api/recordings/REzz/media'],
    ['?recording= that is none', 400, 'bad_request', () => `${recording.downloadPath}?recording=RE1`],
    ['a cursor that is none', 400, 'bad_request', '/api/calls?after=%00nonsense'],
    ['a filter that is none', 400, 'bad_request', '/api/calls?directoin=inbound'],
    ['a direction that is none', 400, 'bad_request', '/api/calls?direction=sideways'],
    ['an address that is too long', 414, 'too_large', () => `/api/calls?x=${'a'.repeat(15_000)}`],
  ];
  for (const [name, status, code, path] of simple) {
    test(`${status} ${code}: ${name}`, async () => {
      const target = typeof path === 'function' ? path() : path;
      assertError(await request(server.url, { path: target }), status, code);
      if (status === 414) return; // nginx refuses it by itself or not, as its own limits are
      assertError(await request(nginx.url, { path: target }), status, code);
      const head = await request(server.url, { path: target, method: 'HEAD' });
      assert.equal(head.status, status);
      assert.equal(head.body.length, 0);
    });
  }

  const methods = [
    ['DELETE', '/api/calls', /\bGET\b/],
    ['POST', () => recording.mediaPath, /\bGET\b.*\bHEAD\b|\bHEAD\b.*\bGET\b/],
    ['PUT', () => recording.downloadPath, /\bGET\b/],
    ['PATCH', '/health', /\bGET\b/],
    ['DELETE', RECORDING_STATUS, /\bPOST\b/],
    ['BREW', '/api/calls', /\bGET\b/],
  ];
  for (const [method, path, allow] of methods) {
    test(`405 method_not_allowed: ${method}`, async () => {
      const reply = await rawRequest(`${method} ${typeof path === 'function' ? path() : path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      assertError(reply, 405, 'method_not_allowed');
      assert.match(reply.headers.allow, allow);
    });
  }

  /** A request as it is; the reply in the shape of request(). */
  async function rawRequest(text) {
    const connection = await RawConnection.open(server.url);
    connection.send(text);
    await connection.untilClosed();
    const [head, ...rest] = connection.text.split('\r\n\r\n');
    const [first, ...lines] = head.split('\r\n');
    const headers = Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
    return { status: Number(first.split(' ')[1]), headers, body: Buffer.from(rest.join('\r\n\r\n'), 'latin1') };
  }

  test('404 recording_not_available: the call is still on, with Retry-After', async () => {
    const { CallSid } = await announce(CALL_STATUS, callCallback({ CallStatus: 'in-progress', CallDuration: undefined, SequenceNumber: '2' }));
    const reply = await download(CallSid);
    assertError(reply, 404, 'recording_not_available');
    assert.equal(retryAfter(reply), 10);
    const body = assertError(await download(await announcedAs('in-progress')), 404, 'recording_not_available');
    assert.match(body.error, /has not finished/);
  });

  /** The call of a recording that Twilio announced, in this state of it. */
  async function announcedAs(status) {
    const { CallSid } = await announce(RECORDING_STATUS, recordingCallback({ RecordingStatus: status, RecordingDuration: undefined }));
    return CallSid;
  }

  test('what is not known here while Twilio cannot be asked may come: Retry-After, and another code than for what is not there', async (t) => {
    const down = await startUpstream(t);
    down.answer = (_, reply) => reply.writeHead(503).end('down');
    const other = await startServer(t, { upstream: down.url, settings: { play_wait: '1s' } });
    const play = (path) => request(`${other.url}/api/${path}`, { withinMs: 10_000 });
    const unknown = await play(`calls/${newSid('CA')}/download`);
    assert.match(assertError(unknown, 503, 'upstream_unavailable').error, /not known here, and Twilio cannot be asked/);
    assert.equal(retryAfter(unknown), 5);
    assertError(await play(`recordings/${newSid('RE')}/media`), 503, 'upstream_unavailable');
    const fields = callCallback({ CallStatus: 'completed', CallDuration: '5' });
    assert.equal((await postForm(other.url, CALL_STATUS, fields)).status, 200);
    await until('the call is known', async () => (await request(`${other.url}/api/calls/${fields.CallSid}`)).status === 200);
    const ended = await play(`calls/${fields.CallSid}/download`);
    assertError(ended, 404, 'recording_not_available');
    assert.equal(retryAfter(ended), 10);
  });

  test('a call that is known, whose recording\'s webhook was lost: Twilio is asked, and it is played', async () => {
    const { CallSid } = await announce(CALL_STATUS, callCallback({ CallStatus: 'completed', CallDuration: '5' }));
    const recordingSid = newSid('RE');
    upstream.recordings.set(recordingSid, { media: recording.bytes, callSid: CallSid });
    const reply = await download(CallSid);
    assert.equal(reply.status, 200, reply.body.toString().slice(0, 300));
    assert.ok(reply.body.equals(recording.bytes));
  });

  test('who guesses SIDs keeps only itself waiting', async (t) => {
    const patient = await startServer(t, { upstream: upstream.url });
    let answered = 0;
    const guesses = Array.from({ length: 100 }, async (_, i) => {
      const reply = await request(`${patient.url}/api/calls/${newSid('CA')}/download`, { localAddress: `127.0.0.${2 + i % 2}` });
      answered += 1;
      return reply;
    });
    await Promise.race(guesses);
    const [CallSid, recordingSid] = [newSid('CA'), newSid('RE')];
    upstream.recordings.set(recordingSid, { media: recording.bytes, callSid: CallSid });
    const honest = await request(`${patient.url}/api/calls/${CallSid}/download`);
    assert.equal(honest.status, 200, honest.body.toString().slice(0, 300));
    assert.ok(answered < guesses.length, 'before guesses that came before it');
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status !== 404 && status !== 503).length, 0);
    const told = statuses.filter((status) => status === 404).length;
    assert.ok(told >= 40 && told < 100, `${told} were asked for: some at once, some waited, the others are too many`);
  });

  test('404 recording_not_available: the call ended without a recording, no Retry-After', async () => {
    const { CallSid } = await announce(CALL_STATUS, callCallback({ CallStatus: 'no-answer', CallDuration: '0' }));
    const reply = await download(CallSid);
    assertError(reply, 404, 'recording_not_available');
    assert.equal(reply.headers['retry-after'], undefined);
  });

  for (const [code, word] of [['16101', /short/i], ['16102', /silen/i]]) {
    test(`404 recording_absent: Twilio says ${code}`, async () => {
      const { CallSid } = await announce(RECORDING_STATUS, recordingCallback({ RecordingStatus: 'absent', ErrorCode: code, RecordingDuration: undefined }));
      const { error } = assertError(await download(CallSid), 404, 'recording_absent');
      assert.match(error, word);
    });
  }

  test('410 recording_expired: older than the retention time', async () => {
    const started = new Date(Date.now() - 8 * 86_400_000).toUTCString().replace('GMT', '+0000');
    const { CallSid, RecordingSid } = await announce(RECORDING_STATUS, recordingCallback({ RecordingStartTime: started }));
    assertError(await download(CallSid), 410, 'recording_expired');
    assertError(await request(`${server.url}/api/recordings/${RecordingSid}/media`), 410, 'recording_expired');
    assertError(await download(CallSid, { method: 'GET', headers: { Range: 'bytes=0-1' } }), 410, 'recording_expired');
  });

  test('503 upstream_unavailable: Twilio is down, within play_wait, with Retry-After', async () => {
    const fields = recordingCallback();
    upstream.recordings.set(fields.RecordingSid, { answer: (_, reply) => reply.writeHead(503).end('down') });
    await announce(RECORDING_STATUS, fields);
    const reply = await download(fields.CallSid, { withinMs: 10_000 });
    assert.equal(assertError(reply, 503, 'upstream_unavailable').reason, 'server_error');
    assert.ok(retryAfter(reply) >= 1);
    assert.ok(reply.ms < 5000, `${reply.ms} ms`);
  });

  test('503 upstream_unavailable: Twilio stalls; Range and HEAD alike', async () => {
    const fields = recordingCallback();
    upstream.recordings.set(fields.RecordingSid, { answer: () => {} });
    await announce(RECORDING_STATUS, fields);
    for (const options of [{}, { headers: { Range: 'bytes=0-1' } }]) {
      assertError(await download(fields.CallSid, options), 503, 'upstream_unavailable');
    }
    assert.equal((await download(fields.CallSid, { method: 'HEAD' })).status, 503);
  });

  test('500 upstream_refused: Twilio refuses our credentials', async (t) => {
    const refusing = await startUpstream(t);
    refusing.answer = (_, reply) => reply.writeHead(401, { 'Content-Type': 'application/xml' }).end(xmlError(401, 20003, 'Authenticate'));
    const other = await startServer(t, { upstream: refusing.url, settings: { play_wait: '2s' }, expectErrors: [/refus|credential|401/i] });
    const fields = recordingCallback();
    await postForm(other.url, RECORDING_STATUS, fields);
    const reply = await until('it is refused', async () => {
      const answer = await request(`${other.url}/api/calls/${fields.CallSid}/download`);
      return answer.status === 500 ? answer : null;
    });
    const { error } = assertError(reply, 500, 'upstream_refused');
    assert.match(error, /credential|refuse/i);
  });

  test('403 forbidden: a name of somebody else, bound to our address', async () => {
    const under = (host, path, url = server.url) => request(url, { path, headers: { Host: host } });
    for (const path of [recording.mediaPath, recording.downloadPath, '/api/calls', `/api/calls/${recording.callSid}`, '/api/status']) {
      assertError(await under('evil.example', path), 403, 'forbidden');
      assertError(await under('evil.example:8080', path, nginx.url), 403, 'forbidden');
      for (const host of ['localhost:8080', '[::1]', '127.0.0.1', 'callspool.test']) assert.equal((await under(host, path)).status, 200, `${host}${path}`);
    }
    assert.equal((await under('evil.example', '/health')).status, 200, 'health says nothing of anybody');
    const fields = recordingCallback();
    const reply = await postForm(server.url, RECORDING_STATUS, fields, { headers: { Host: 'evil.example' } });
    assert.equal(reply.status, 200, 'webhooks are protected by their signature');
  });

  test('403 under a name that is not ours: one line of the log says what to write', async (t) => {
    // As nginx asks where proxy_pass names an upstream and Host is not passed on.
    const behind = await startServer(t);
    for (let asked = 0; asked < 5; asked++)
      assertError(await request(behind.url, { path: '/api/calls', headers: { Host: 'callspool_upstream' } }), 403, 'forbidden');
    const lines = behind.err.filter((line) => /callspool_upstream/.test(line));
    assert.equal(lines.length, 1, behind.err.join('\n'));
    assert.match(lines[0], /\blevel=warn\b.*proxy_set_header Host \$host.*public_url/);
  });

  test('412 precondition_failed', async () => {
    assertError(await request(server.url + recording.mediaPath, { headers: { 'If-Match': '"other"' } }), 412, 'precondition_failed');
  });

  test('413 too_large: a webhook of megabytes', async () => {
    const reply = await rawRequest('POST /webhook/recording-status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 50000000\r\n\r\n');
    assertError(reply, 413, 'too_large');
  });

  test('413 too_large: a chunked webhook without end', async () => {
    const connection = await RawConnection.open(server.url);
    connection.send('POST /webhook/recording-status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let i = 0; i < 200 && !connection.ended; i += 1) connection.send(`4000\r\n${'a'.repeat(0x4000)}\r\n`);
    await connection.receives(/^HTTP\/1\.1 413 [^]*"too_large"/);
    connection.close();
  });

  test('431 too_large: a head beyond its limit', async () => {
    assertError(await rawRequest(`GET /api/calls HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(20_000)}\r\n\r\n`), 431, 'too_large');
  });

  test('431 too_large: too many headers', async () => {
    const many = Array.from({ length: 200 }, (_, i) => `X-${i}: 1\r\n`).join('');
    assertError(await rawRequest(`GET /api/calls HTTP/1.1\r\nHost: x\r\n${many}\r\n`), 431, 'too_large');
  });

  test('415 unsupported_type: a webhook that is neither form nor JSON', async () => {
    const body = '<xml/>';
    assertError(await request(server.url, {
      method: 'POST', path: RECORDING_STATUS, body, headers: { 'Content-Type': 'text/xml', 'Content-Length': body.length, 'X-Twilio-Signature': 'x' },
    }), 415, 'unsupported_type');
  });

  test('503 overloaded: more connections than there may be', async (t) => {
    const small = await startServer(t, { settings: { threads: 1, connections_max: 2 } });
    const idle = [];
    for (let i = 0; i < 2; i += 1) {
      const connection = await RawConnection.open(small.url);
      t.after(() => connection.close());
      // A reply shows that it has been taken in.
      connection.send('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
      await connection.receives(/^HTTP\/1\.1 200 /);
      idle.push(connection);
    }
    const reply = await request(`${small.url}/health`);
    assertError(reply, 503, 'overloaded');
    assert.ok(retryAfter(reply) >= 1);
    idle[0].close();
    await until('there is room again', async () => (await request(`${small.url}/health`)).status === 200);
  });

  test('the proxy\'s request id is taken over when the proxy is trusted, and finds the line in our log', async (t) => {
    const trusting = await startServer(t, { settings: { trusted_proxies: '127.0.0.1', log_level: 'debug' } });
    const proxy = await startNginx(t, trusting.url);
    const body = assertError(await request(`${proxy.url}/api/nothing`), 404, 'not_found');
    await proxy.logs(new RegExp(`id=${body.request_id} `));
    await trusting.line(new RegExp(`level=debug request=${body.request_id} .*not_found`));
  });

  test('a recording that Twilio has not ready yet is waited for, then played', async () => {
    const fields = recordingCallback();
    await announce(RECORDING_STATUS, fields);
    const first = await download(fields.CallSid);
    assertError(first, 503, 'upstream_unavailable');
    upstream.recordings.set(fields.RecordingSid, { media: recording.bytes, callSid: fields.CallSid });
    await untilState(server, fields.CallSid, 'stored', 60_000);
    assert.ok((await download(fields.CallSid)).body.equals(recording.bytes));
  });
});
