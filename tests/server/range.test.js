// Every kind of Range on a stored recording: the same right answer directly and through nginx.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { parseByteranges } from './harness/multipart.js';
import { startNginx } from './harness/nginx.js';
import { cases, fill } from './harness/range_cases.js';
import { oracle } from './harness/range_oracle.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';

const TYPE = 'audio/mpeg';

/** What all answers that name the recording have in common. */
function checkHeaders(reply, media) {
  assert.equal(reply.headers['accept-ranges'], 'bytes');
  assert.equal(reply.headers.etag, media.etag);
  assert.equal(reply.headers['last-modified'], media.lastModified);
  assert.equal(reply.headers['content-encoding'], undefined);
  assert.equal(reply.headers['transfer-encoding'], undefined);
  assert.equal(reply.headers['cache-control'], 'private, no-cache');
  for (const name of ['content-length', 'content-range', 'content-type', 'etag', 'accept-ranges', 'date']) {
    const count = reply.rawHeaders.filter(([key]) => key.toLowerCase() === name).length;
    assert.ok(count <= 1, `${name} is there ${count} times`);
  }
}

/** reply against what the oracle wants. */
function check(reply, wanted, media, method) {
  assert.equal(reply.status, wanted.status);
  assert.equal(reply.cut, false);
  const head = method === 'HEAD';
  const { bytes, size } = media;
  if (wanted.status === 304) {
    assert.equal(reply.headers.etag, media.etag);
    assert.equal(reply.body.length, 0);
    return;
  }
  if (wanted.status === 412) {
    if (!head) assert.equal(JSON.parse(reply.body).code, 'precondition_failed');
    return;
  }
  if (wanted.status === 416) {
    assert.equal(reply.headers['content-range'], `bytes */${size}`);
    return;
  }
  checkHeaders(reply, media);
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
  if (wanted.status === 206 && wanted.ranges.length > 1) {
    assert.equal(reply.headers['content-range'], undefined);
    assert.match(reply.headers['content-type'], /^multipart\/byteranges; ?boundary=/);
    if (head) return;
    assert.equal(Number(reply.headers['content-length']), reply.body.length);
    const parts = parseByteranges(reply.headers['content-type'], reply.body);
    assert.deepEqual(parts.map(({ first, last }) => [first, last]), wanted.ranges);
    for (const part of parts) {
      assert.equal(part.total, size);
      assert.equal(part.contentType, TYPE);
      assert.ok(part.bytes.equals(bytes.subarray(part.first, part.last + 1)), `the bytes of ${part.first}-${part.last}`);
    }
    return;
  }
  const [[first, last]] = wanted.ranges;
  assert.equal(reply.headers['content-type'], TYPE);
  assert.equal(reply.headers['content-length'], String(last - first + 1));
  assert.equal(reply.headers['content-range'], wanted.status === 206 ? `bytes ${first}-${last}/${size}` : undefined);
  if (head) assert.equal(reply.body.length, 0);
  else assert.ok(reply.body.equals(bytes.subarray(first, last + 1)), 'the bytes');
}

describe('Range on a stored recording', () => {
  const bases = {};
  let media;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  before(async () => {
    const { server, recording } = await startStored(lifetime, { recording: { seconds: 60 } });
    const nginx = await startNginx(lifetime, server.url);
    bases.directly = server.url;
    bases['through nginx'] = nginx.url;
    // A date is a strong validator only when it is a second or more in the past (RFC 9110, 8.8.2.2).
    const reply = await until('Last-Modified is past', async () => {
      const head = await request(`${server.url}${recording.mediaPath}`, { method: 'HEAD' });
      return Date.parse(head.headers['last-modified']) + 1000 < Date.parse(head.headers.date) ? head : null;
    });
    assert.match(reply.headers.etag, /^"[\x21\x23-\x7e]+"$/);
    media = {
      path: recording.mediaPath, bytes: recording.bytes, size: recording.bytes.length, etag: reply.headers.etag,
      lastModified: reply.headers['last-modified'], modifiedAt: Date.parse(reply.headers['last-modified']) / 1000,
    };
  });

  for (const where of ['directly', 'through nginx']) {
    for (const method of ['GET', 'HEAD']) {
      describe(`${method} ${where}`, () => {
        for (const [name, headers] of cases) {
          test(name, async () => {
            const filled = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, fill(value, media)]));
            const reply = await request(`${bases[where]}${media.path}`, { method, headers: filled, agent });
            check(reply, oracle(filled, media), media, method);
          });
        }
      });
    }
  }
});
