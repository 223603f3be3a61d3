// NUL, and what is no UTF-8, wherever a text can stand: with a ledger in a file and with one on PostgreSQL, which takes neither.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { TOKEN, startServer, untilState } from './harness/callspool.js';
import { RawConnection, parseReplies, request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { SIGN_IN, firstAdministrator } from './harness/people.js';
import { startPostgres } from './harness/postgres.js';
import { run } from './harness/process.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { CALL_STATUS, PUBLIC_URL, RECORDING_STATUS, callCallback, newSid, recordingCallback } from './harness/webhook.js';

/** As they stand in a form, an address; each in the middle of a word, and those of one byte at its beginning and its end, too. */
const ODD = { NUL: [0x00], 'a byte that begins nothing': [0xff], 'a piece of a character': [0xc3], 'half of a pair': [0xed, 0xa0, 0x80], 'beyond the last': [0xf4, 0x90, 0x80, 0x80], 'too long a form of NUL': [0xc0, 0x80], 'in good order': [0xf0, 0x9f, 0x8e, 0xb5] };
const spread = (text, bytes) => (bytes.length === 1 ? [0, Math.floor(text.length / 2), text.length] : [Math.floor(text.length / 2)]).map((at) => Buffer.concat([Buffer.from(text.slice(0, at)), Buffer.from(bytes), Buffer.from(text.slice(at))]));
const percent = (bytes) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

let postgres, upstream;
const ledgers = {}; // { file, postgres }: { server, count(what), ... }

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
  upstream = await startUpstream(lifetime);
  const file = await startServer(lifetime, { upstream: upstream.url });
  const shared = await startServer(lifetime, { upstream: upstream.url, settings: { database: `${postgres.url}&options=-csearch_path%3Dpublic` } });
  ledgers.file = { server: file, query: async (sql) => (await run('sqlite3', ['-cmd', '.timeout 5000', join(file.dataDir, 'ledger.db'), sql])).stdout.trim() };
  ledgers.postgres = { server: shared, query: (sql) => postgres.query(sql) };
});

/** Signed over the bytes, as Twilio would have to. */
function post(server, path, fields) {
  const pairs = Object.entries(fields).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]);
  const signed = Buffer.concat([Buffer.from(PUBLIC_URL + path), ...[...pairs].sort(([a], [b]) => Buffer.compare(a, b)).flat()]);
  return request(server.url, {
    method: 'POST', path,
    body: pairs.map(([name, value]) => `${percent(name)}=${percent(value)}`).join('&'),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': createHmac('sha1', TOKEN).update(signed).digest('base64') },
  });
}

/** The same of both: neither is broken by it; and they agree whether it is taken. */
async function both(what, ask, agree = true) {
  const replies = {};
  await Promise.all(Object.entries(ledgers).map(async ([name, ledger]) => {
    replies[name] = await ask(ledger);
    assert.ok(replies[name].status < 500, `${what}, ${name}: ${replies[name].status} ${replies[name].body}`);
  }));
  if (agree) assert.equal(replies.postgres.status < 400, replies.file.status < 400, `${what}: ${replies.postgres.status}, ${replies.file.status}`);
  return replies.file.status;
}

test('in each field of each webhook: taken by both alike, and told as U+FFFD', async (t) => {
  const taken = {};
  for (const [path, callback] of [[CALL_STATUS, callCallback], [RECORDING_STATUS, recordingCallback]]) {
    const plain = callback({ CustomField: 'mine', ...(path === RECORDING_STATUS ? { EncryptionDetails: '{"encryption_public_key_sid":"CR1"}' } : { ForwardedFrom: '+1555', CallerName: 'Dana', ParentCallSid: newSid('CA'), StirVerstat: 'x' }) });
    for (const field of Object.keys(plain)) {
      for (const [kind, bytes] of Object.entries(ODD)) {
        for (const value of spread(plain[field], bytes)) {
          const fields = callback({ ...plain, CallSid: newSid('CA'), ...(path === RECORDING_STATUS ? { RecordingSid: newSid('RE') } : {}) });
          const status = await both(`${path} ${field} ${kind}`, ({ server }) => post(server, path, { ...fields, [field]: value }));
          taken[status] = (taken[status] ?? 0) + 1;
        }
      }
    }
  }
  t.diagnostic(JSON.stringify(taken));
  assert.ok(taken[200] > 100);
  const count = (ledger) => ledger.query('SELECT COUNT(*) FROM events');
  assert.equal(await count(ledgers.postgres), await count(ledgers.file));
  const projected = {};
  for (const [name, { server, query }] of Object.entries(ledgers)) {
    const last = callCallback();
    assert.equal((await post(server, CALL_STATUS, last)).status, 200);
    await until('all is projected', async () => (await query(`SELECT COUNT(*) FROM calls WHERE call_sid = '${last.CallSid}'`)) === '1');
    assert.equal(await query('SELECT COUNT(*) FROM events_set_aside'), '0', `${name}: none is set aside`);
    projected[name] = (await query(`SELECT call_sid, status, direction, from_address, to_address, duration_s FROM calls WHERE call_sid <> '${last.CallSid}' ORDER BY call_sid`)).split('\n');
    const list = await requestJson(`${server.url}/api/calls?limit=200`);
    assert.equal(list.status, 200);
    assert.equal(Buffer.from(list.body.toString('utf8')).compare(list.body), 0, 'what is told is UTF-8');
    assert.ok(!list.body.includes(0));
  }
  assert.deepEqual(projected.postgres, projected.file);
  assert.ok(projected.file.some((line) => line.includes('\ufffd')), 'what cannot be told is U+FFFD');
});

test('in the name of a field, in JSON, and in the address', async () => {
  for (const [kind, bytes] of Object.entries(ODD)) {
    for (const name of spread('Unknown', bytes)) {
      const fields = callCallback();
      await both(`a name with ${kind}`, ({ server }) => {
        const pairs = [...Object.entries(fields).map(([one, value]) => [Buffer.from(one), Buffer.from(value)]), [name, Buffer.from('x')]];
        const signed = Buffer.concat([Buffer.from(PUBLIC_URL + CALL_STATUS), ...[...pairs].sort(([a], [b]) => Buffer.compare(a, b)).flat()]);
        return request(server.url, { method: 'POST', path: CALL_STATUS, body: pairs.map(([one, value]) => `${percent(one)}=${percent(value)}`).join('&'),
          headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': createHmac('sha1', TOKEN).update(signed).digest('base64') } });
      });
    }
  }
  for (const word of ['\\u0000', '\\ud800', '\\udc00x', '\\ud800\\u0041']) {
    const fields = callCallback();
    for (const field of ['From', 'CallSid', 'CallStatus', 'Unknown']) {
      const body = JSON.stringify({ ...fields, Unknown: 'x' }).replace(`"${field}":"`, `"${field}":"${word}`);
      const target = `${CALL_STATUS}?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
      await both(`JSON: ${field} with ${word}`, ({ server }) => request(server.url, { method: 'POST', path: target, body,
        headers: { 'Content-Type': 'application/json', 'X-Twilio-Signature': createHmac('sha1', TOKEN).update(PUBLIC_URL + target).digest('base64') } }));
    }
  }
  const call = newSid('CA');
  for (const bytes of Object.values(ODD)) {
    const odd = percent(Buffer.from(bytes));
    for (const path of [...['number', 'from', 'to', 'direction', 'state', 'after', 'before', 'call', 'limit'].flatMap((name) => [`/api/calls?${name}=${odd}`, `/api/calls?${name}=12${odd}34`, `/api/calls?${odd}=1`]), `/api/events?after=${odd}`, `/api/events?number=12${odd}&limit=1`,
      `/api/calls/${odd}`, `/api/calls/${call}${odd}`, `/api/recordings/${odd}/media`, `/api/audit?user=${odd}`, `/api/audit?kind=${odd}`, `/api/verifications?after=${odd}`, `/api/${odd}`]) {
      await both(path, ({ server }) => request(server.url, { path }), false); // what is looked for may be refused, or be found nowhere
    }
  }
});

test('in what Twilio answers, which an attempt is told of: it is tried again as any other', async (t) => {
  const recordings = [];
  for (const [kind, bytes] of Object.entries(ODD)) {
    const fields = recordingCallback();
    const text = Buffer.concat([Buffer.from('<TwilioResponse><RestException><Code>20500</Code><Message>it was '), Buffer.from(bytes), Buffer.from(' wrong</Message></RestException></TwilioResponse>')]);
    upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, answer: (_, reply) => reply.writeHead(500, { 'Content-Type': 'application/xml' }).end(text) });
    assert.equal(await both(kind, ({ server }) => post(server, RECORDING_STATUS, fields)), 200);
    recordings.push({ kind, ...fields });
  }
  for (const { kind, CallSid } of recordings) for (const { server } of Object.values(ledgers)) {
    const call = await untilState(server, CallSid, 'waiting');
    assert.equal(call.recordings[0].reason.code, 'server_error', kind);
  }
  t.diagnostic(`${recordings.length} answers`);
});

test('in headers that are kept or told', async () => {
  for (const [kind, bytes] of Object.entries(ODD)) {
    for (const name of ['X-Request-Id', 'User-Agent', 'Referer', 'Range', 'If-None-Match', 'Cookie', 'Authorization', 'Last-Event-ID']) {
      await both(`${name} with ${kind}`, async ({ server }) => {
        const connection = await RawConnection.open(server.url);
        connection.send(Buffer.concat([Buffer.from(`GET /api/calls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${name}: a`), Buffer.from(bytes), Buffer.from('b\r\n\r\n')]));
        await connection.untilClosed();
        const [reply] = parseReplies(connection.received);
        return reply;
      });
    }
  }
});

test('in what people are called, and what they write', async (t) => {
  const upstream = await startUpstream(t);
  await postgres.query('CREATE SCHEMA people');
  const servers = [await startServer(t, { upstream: upstream.url, settings: SIGN_IN }),
    await startServer(t, { upstream: upstream.url, settings: { ...SIGN_IN, database: `${postgres.url}&options=-csearch_path%3Dpeople` } })];
  const admins = [];
  for (const server of servers) admins.push(await firstAdministrator(server));
  const paths = [
    ['POST', '/api/users', { name: 'dana', full_name: 'Dana Levi', role: 'listener' }],
    ['POST', '/api/tokens', { rights: 'read', note: 'of a test' }],
    ['POST', '/api/links', { recording_sid: newSid('RE'), note: 'of a test' }],
    ['POST', '/api/session', { name: 'ruth', password: 'x' }],
    ['POST', '/join', { invitation: 'x', name: 'x', password: 'x' }],
    ['POST', '/api/session/password', { password: 'x', new_password: 'y' }],
  ];
  let number = 0;
  for (const [method, path, fields] of paths) {
    for (const field of Object.keys(fields)) {
      for (const word of ['\\u0000', '\\ud800', '\u00ff', '\\uffff']) {
        number += 1;
        const body = JSON.stringify({ ...fields, ...(fields.name === 'dana' ? { name: `dana${number}` } : {}) }).replace(`"${field}":"`, `"${field}":"a${word}`);
        const statuses = [];
        for (const admin of admins) {
          const reply = await admin.ask(method, path, { body, headers: { 'Content-Type': 'application/json' }, keeps: false });
          assert.ok(reply.status < 500, `${path} ${field} ${word}: ${reply.status} ${reply.body}`);
          statuses.push(reply.status);
        }
        assert.equal(statuses[1] < 400, statuses[0] < 400, `${path} ${body}: ${statuses}`);
      }
    }
  }
  for (const admin of admins) for (const path of ['/api/users', '/api/tokens', '/api/audit']) await admin.asks(200, 'GET', path);
});
