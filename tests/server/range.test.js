// Every kind of Range on a stored recording: the same right answer directly and through nginx.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { cases, fill } from './harness/range_cases.js';
import { check } from './harness/range_check.js';
import { oracle } from './harness/range_oracle.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { recordingCallback } from './harness/webhook.js';

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
      callSid: recording.callSid, recordingSid: recording.recordingSid, path: recording.mediaPath, bytes: recording.bytes, size: recording.bytes.length, etag: reply.headers.etag,
      lastModified: reply.headers['last-modified'], modifiedAt: Date.parse(reply.headers['last-modified']) / 1000,
    };
  });

  test('a SID may be percent-encoded, as anything in an address', async () => {
    const encoded = (sid) => `%${sid.charCodeAt(0).toString(16)}${sid.slice(1)}`;
    const { callSid, recordingSid } = media;
    const { CallSid: otherSid } = recordingCallback();
    const paths = [`/api/recordings/${encoded(recordingSid)}/media`, `/api/calls/${encoded(callSid)}/download`, `/api/calls/${encoded(callSid)}`,
      `/api/calls/${callSid}/download?recording=${encoded(recordingSid)}`, `/api/calls/${callSid}/download?r%65cording=${recordingSid}`];
    for (const path of paths) assert.equal((await request(bases.directly, { path, agent })).status, 200, path);
    for (const path of [`/api/calls/${callSid}/download?recording=%4`, `/api/calls/${callSid}%00/download`, `/api/calls/${encoded(otherSid)}x`]) {
      assert.equal((await request(bases.directly, { path, agent })).status, 400, path);
    }
  });

  test('several ranges: each answer has a boundary that nobody can foretell', async () => {
    const boundaries = new Set();
    for (let i = 0; i < 8; i += 1) {
      const reply = await request(`${bases.directly}${media.path}`, { headers: { Range: 'bytes=0-1,10-11' }, agent });
      assert.equal(reply.status, 206);
      const [, boundary] = reply.headers['content-type'].match(/boundary=([\w-]+)$/);
      assert.ok(reply.body.toString('latin1').endsWith(`\r\n--${boundary}--\r\n`), boundary);
      assert.match(boundary, /[0-9a-f]{16}$/);
      boundaries.add(boundary);
    }
    assert.equal(boundaries.size, 8);
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
