// One answer for a recording against what the oracle wants of it: status, headers, bytes.  The same
// for what is stored and for what is still arriving.
import assert from 'node:assert/strict';
import { parseByteranges } from './multipart.js';

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

/**
 * reply against what the oracle wants.  media: { bytes, size, etag, lastModified }.
 */
export function check(reply, wanted, media, method) {
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
