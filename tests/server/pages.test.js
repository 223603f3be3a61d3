// The files of the page: packed for who takes it so, kept by browsers for as long as their names stay, and known again by their tags.
import test from 'node:test';
import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { startServer } from './harness/callspool.js';
import { request } from './harness/http.js';

const PAGES = ['/', '/join', '/l/Zk3_x81Q'];

/** [Accept-Encoding, is it packed]: RFC 9110, 12.4.2 and 12.5.3. */
const encodings = [
  [undefined, false],
  ['', false],
  ['identity', false],
  ['gzip', true],
  ['GZip', true],
  ['deflate, gzip, br', true],
  ['deflate,gzip;q=1.0', true],
  ['br;q=1.0, gzip ; q=0.8, *;q=0.1', true],
  ['gzip;q=0.001', true],
  ['gzip;q=1', true],
  ['gzip;q=0', false],
  ['gzip;q=0.', false],
  ['gzip;q=0.0', false],
  ['gzip;q=0.000', false],
  ['gzip;Q=0', false],
  ['gzip; q=0 , br', false],
  ['br, gzip ; q=0', false],
  ['gzip;q=0, br;q=1', false],
  ['br;q=0, gzip', true],
  ['br;q=0,gzip;q=0.1', true],
  ['gzipped', false],
  ['*', false],
];

test('a page is packed for who takes gzip, and for nobody else', async (t) => {
  const server = await startServer(t);
  const plain = await request(`${server.url}/`);
  const packed = await request(`${server.url}/`, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.ok(packed.body.length < plain.body.length);
  assert.deepEqual(gunzipSync(packed.body), plain.body);
  assert.notEqual(packed.headers.etag, plain.headers.etag, 'other bytes, another tag');
  for (const [value, isPacked] of encodings) {
    const { status, headers, body } = await request(`${server.url}/`, { headers: value === undefined ? {} : { 'Accept-Encoding': value } });
    const want = isPacked ? packed : plain;
    assert.deepEqual([status, headers['content-encoding'], headers.vary, headers.etag], [200, isPacked ? 'gzip' : undefined, 'Accept-Encoding', want.headers.etag], value);
    assert.deepEqual(body, want.body, value);
  }
});

test('pages and what they load: how long each is kept, and what it may do', async (t) => {
  const server = await startServer(t);
  let index;
  for (const path of PAGES) {
    const { status, headers, body } = await request(`${server.url}${path}`);
    assert.deepEqual([status, headers['content-type'], headers['cache-control']], [200, 'text/html; charset=utf-8', 'no-cache'], path);
    assert.deepEqual([headers['cross-origin-opener-policy'], headers['cross-origin-resource-policy'], headers['referrer-policy'], headers['x-content-type-options']], ['same-origin', 'same-origin', 'no-referrer', 'nosniff'], path);
    assert.match(headers['content-security-policy'], /default-src 'none'.*media-src 'self'(;|$)/, path);
    index ??= body.toString();
  }
  const assets = [...new Set([...index.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path))];
  assert.ok(assets.length >= 2, index);
  for (const path of assets) {
    const { status, headers, body } = await request(`${server.url}${path}`);
    assert.deepEqual([status, headers['cache-control'], headers['x-content-type-options'], headers['cross-origin-resource-policy']], [200, 'public, max-age=31536000, immutable', 'nosniff', 'same-origin'], path);
    assert.deepEqual([headers['content-security-policy'], headers['cross-origin-opener-policy']], [undefined, undefined], 'what is said of pages');
    assert.ok(body.length > 0);
  }
  for (const path of ['/assets/index.html', '/assets/link.html', '/assets/none.js', '/assets/']) assert.equal((await request(`${server.url}${path}`)).status, 404, path);
});

test('a file that a browser has already is known by its tag', async (t) => {
  const server = await startServer(t);
  for (const encoding of ['identity', 'gzip']) {
    const ask = (headers) => request(`${server.url}/`, { headers: { 'Accept-Encoding': encoding, ...headers } });
    const { headers: { etag, vary } } = await ask({});
    const same = await ask({ 'If-None-Match': etag });
    assert.deepEqual([same.status, same.body.length, same.headers.etag, same.headers.vary], [304, 0, etag, vary]);
    assert.equal(same.headers['content-encoding'], undefined);
    assert.equal(same.headers['cache-control'], 'no-cache');
    const other = await ask({ 'If-None-Match': '"another"' });
    assert.deepEqual([other.status, other.headers.etag], [200, etag]);
    assert.equal((await ask({ 'If-Match': '"another"' })).status, 412);
    assert.equal((await ask({ 'If-Match': etag })).status, 200);
  }
  const { headers: { etag: packed } } = await request(`${server.url}/`, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal((await request(`${server.url}/`, { headers: { 'If-None-Match': packed } })).status, 200, 'the tag of the packed bytes is not that of the others');
});
