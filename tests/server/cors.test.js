// A page of another origin: what it may read, and what it is told before it asks.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startStored } from './harness/stored.js';
import { newSid } from './harness/webhook.js';

const OURS = 'https://crm.example.com';
const OTHER = 'https://app.example.com:8443';
const RANGE_HEADERS = ['Accept-Ranges', 'Content-Length', 'Content-Range', 'ETag'];

describe('another origin', () => {
  let server;
  let recording;
  before(async () => {
    ({ server, recording } = await startStored(lifetime, { settings: { cors_origins: `${OURS} ${OTHER}` } }));
  });
  const get = (path, origin, options = {}) => request(server.url + path, { ...options, headers: { ...(origin ? { Origin: origin } : {}), ...options.headers } });

  function assertShared(reply, origin) {
    assert.equal(reply.headers['access-control-allow-origin'], origin);
    assert.equal(reply.headers['access-control-allow-credentials'], 'true');
    assert.match(reply.headers.vary ?? '', /\bOrigin\b/);
    const exposed = (reply.headers['access-control-expose-headers'] ?? '').toLowerCase().split(/, */);
    for (const name of RANGE_HEADERS) assert.ok(exposed.includes(name.toLowerCase()), `${name} is exposed`);
  }

  const answers = [
    ['whole', 200, {}],
    ['saved as a file', 200, { query: '?download=1' }],
    ['a range', 206, { headers: { Range: 'bytes=0-1' } }],
    ['several ranges', 206, { headers: { Range: 'bytes=0-1,5-6' } }],
    ['HEAD', 200, { method: 'HEAD' }],
    ['not modified', 304, { headers: { 'If-None-Match': '*' } }],
    ['a failed precondition', 412, { headers: { 'If-Match': '"other"' } }],
    ['a range outside', 416, { headers: { Range: 'bytes=999999999-' } }],
  ];
  for (const [name, status, { query = '', ...options }] of answers) {
    test(`may read media: ${name}`, async () => {
      for (const path of [recording.mediaPath, recording.downloadPath]) {
        for (const origin of [OURS, OTHER]) {
          const reply = await get(path + query, origin, options);
          assert.equal(reply.status, status);
          assertShared(reply, origin);
        }
      }
    });
  }

  test('OPTIONS * is answered for the server as a whole', async () => {
    const reply = await get('', undefined, { method: 'OPTIONS', path: '*' });
    assert.equal(reply.status, 204);
    for (const method of ['GET', 'HEAD', 'POST']) assert.ok(reply.headers.allow.split(/, */).includes(method), reply.headers.allow);
  });

  test('may read why something does not play, and the list', async () => {
    const refused = await get(`/api/recordings/${newSid('RE')}/media`, OURS);
    assert.equal(refused.status, 404);
    assertShared(refused, OURS);
    assertShared(await get('/api/calls', OURS), OURS);
  });

  test('an origin that is not listed is told nothing, and caches are told that it matters', async () => {
    for (const origin of ['https://evil.example', `${OURS}.evil.example`, 'http://crm.example.com', 'null', undefined]) {
      const reply = await get(recording.mediaPath, origin);
      assert.equal(reply.status, origin ? 403 : 200, origin);
      assert.equal(reply.headers['access-control-allow-origin'], undefined, origin);
      assert.equal(reply.headers['access-control-allow-credentials'], undefined, origin);
      assert.match(reply.headers.vary ?? '', /\bOrigin\b/);
    }
  });

  test('a preflight is told what it may ask, Range among it', async () => {
    const reply = await get(recording.mediaPath, OURS, {
      method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'range' },
    });
    assert.equal(reply.status, 204);
    assertShared(reply, OURS);
    const list = (name) => reply.headers[name].split(/, */);
    assert.ok(list('access-control-allow-methods').includes('GET'));
    const allowed = list('access-control-allow-headers').map((name) => name.toLowerCase());
    for (const name of ['range', 'if-range', 'if-none-match', 'authorization', 'content-type']) assert.ok(allowed.includes(name), name);
    assert.ok(Number(reply.headers['access-control-max-age']) > 0);
  });

  test('a preflight of another origin is answered without a permission', async () => {
    const reply = await get(recording.mediaPath, 'https://evil.example', { method: 'OPTIONS', headers: { 'Access-Control-Request-Method': 'GET' } });
    assert.equal(reply.headers['access-control-allow-origin'], undefined);
  });
});
