// What no honest client sends.  Anything that two parsers could read differently is refused with 400 on
// a connection that is then closed, so that nothing hidden behind it is ever taken for a request.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from './harness/callspool.js';
import { RawConnection, parseReplies, request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';

const HIDDEN = 'GET /health HTTP/1.1\r\nHost: hidden\r\n\r\n';
const post = (headers, body = '') => `POST /webhook/recording-status HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n${headers}\r\n${body}`;
const got = (headers, line = 'GET /health HTTP/1.1') => `${line}\r\n${headers}\r\n`;

// [name, bytes, status when not 400].  A hidden request follows each.
const shapes = [
  ['Content-Length and Transfer-Encoding', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['Transfer-Encoding and Content-Length', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n')],
  ['two different lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!')],
  ['two equal lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello')],
  ['a list of lengths', post('Content-Length: 5, 5\r\n', 'hello')],
  ['a signed length', post('Content-Length: +5\r\n', 'hello')],
  ['a negative length', post('Content-Length: -5\r\n', 'hello')],
  ['a hexadecimal length', post('Content-Length: 0x5\r\n', 'hello')],
  ['a length with blanks inside', post('Content-Length: 5 5\r\n', 'hello')],
  ['an empty length', post('Content-Length: \r\n', 'hello')],
  ['a length beyond 64 bits', post('Content-Length: 18446744073709551621\r\n', 'hello')],
  ['a length on a GET with chunks', got('Host: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n') + '0\r\n\r\n'],
  ['an unknown transfer coding', post('Transfer-Encoding: gzip\r\n', 'x'), [400, 501]],
  ['chunked not last', post('Transfer-Encoding: chunked, gzip\r\n', '0\r\n\r\n'), [400, 501]],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n')],
  ['two Transfer-Encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['identity and chunked', post('Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), [400, 501]],
  ['a disguised chunked', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), [400, 501]],
  ['chunked with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), [400, 501]],
  ['chunked in HTTP/1.0', 'POST /webhook/recording-status HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['bare LF after the request line', 'GET /health HTTP/1.1\nHost: x\r\n\r\n'],
  ['bare LF after a header', 'GET /health HTTP/1.1\r\nHost: x\nX: y\r\n\r\n'],
  ['bare LF as the end of the head', 'GET /health HTTP/1.1\r\nHost: x\r\n\n'],
  ['bare LFs throughout', 'GET /health HTTP/1.1\nHost: x\n\n'],
  ['bare CR in a value', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n'],
  ['bare CR as line end', 'GET /health HTTP/1.1\rHost: x\r\r'],
  ['NUL in a value', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n'],
  ['NUL in the target', 'GET /hea\0lth HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a control character in a value', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\x01b\r\n\r\n'],
  ['a folded header', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n'],
  ['a folded header by tab', 'GET /health HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n'],
  ['a fold before the first header', 'GET /health HTTP/1.1\r\n Host: x\r\n\r\n'],
  ['a blank before the colon', 'GET /health HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n'],
  ['a tab before the colon', 'GET /health HTTP/1.1\r\nHost: x\r\nX\t: a\r\n\r\n'],
  ['a blank before the colon of Content-Length', post('Content-Length : 5\r\n', 'hello')],
  ['a header without a colon', 'GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n'],
  ['a header without a name', 'GET /health HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n'],
  ['a blank in a name', 'GET /health HTTP/1.1\r\nHost: x\r\nX Y: a\r\n\r\n'],
  ['a byte beyond ASCII in a name', 'GET /health HTTP/1.1\r\nHost: x\r\nX\xe9: a\r\n\r\n'],
  ['a quote in a name', 'GET /health HTTP/1.1\r\nHost: x\r\n"X": a\r\n\r\n'],
  ['no Host', 'GET /health HTTP/1.1\r\nX: y\r\n\r\n'],
  ['two Hosts', 'GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n'],
  ['two different Hosts', 'GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
  ['a Host with a blank', 'GET /health HTTP/1.1\r\nHost: a b\r\n\r\n'],
  ['a Host with a slash', 'GET /health HTTP/1.1\r\nHost: x/y\r\n\r\n'],
  ['a Host with a user', 'GET /health HTTP/1.1\r\nHost: u@x\r\n\r\n'],
  ['two blanks after the method', 'GET  /health HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['two blanks after the target', 'GET /health  HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a blank after the version', 'GET /health HTTP/1.1 \r\nHost: x\r\n\r\n'],
  ['a blank before the method', ' GET /health HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['tabs in the request line', 'GET\t/health\tHTTP/1.1\r\nHost: x\r\n\r\n'],
  ['no version', 'GET /health\r\nHost: x\r\n\r\n'],
  ['HTTP/0.9', 'GET /health\r\n'],
  ['HTTP/2.0', 'GET /health HTTP/2.0\r\nHost: x\r\n\r\n', [400, 505]],
  ['HTTP/1.2 spelled oddly', 'GET /health HTTP/1.10\r\nHost: x\r\n\r\n', [400, 505]],
  ['http in lower case', 'GET /health http/1.1\r\nHost: x\r\n\r\n', [400, 505]],
  ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
  ['a target without a slash', 'GET health HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a target with a fragment', 'GET /health#x HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a target beyond ASCII', 'GET /h\xe9alth HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['CONNECT', 'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n', [400, 405, 501]],
  ['a method with a bracket', 'G[ET /health HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['TLS on a plain port', Buffer.from('16030100a5010000a1030300000000000000000000', 'hex')],
  ['nothing but a NUL', Buffer.from([0, 13, 10, 13, 10])],
];

// Chunked bodies that are wrong after a head that is right.
const chunked = (body) => post('Transfer-Encoding: chunked\r\n', body);
const chunks = [
  ['a chunk size beyond 64 bits', chunked('FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n')],
  ['a chunk size of 16 Fs', chunked('FFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n'), [400, 413]],
  ['a chunk size that wraps around', chunked('10000000000000001\r\na\r\n0\r\n\r\n')],
  ['a hundred zeros before a chunk size', chunked(`${'0'.repeat(100)}1\r\na\r\n0\r\n\r\n`)],
  ['a chunk size with a sign', chunked('+1\r\na\r\n0\r\n\r\n')],
  ['a negative chunk size', chunked('-1\r\na\r\n0\r\n\r\n')],
  ['a chunk size with 0x', chunked('0x1\r\na\r\n0\r\n\r\n')],
  ['a chunk size with a blank before', chunked(' 1\r\na\r\n0\r\n\r\n')],
  ['no chunk size', chunked('\r\na\r\n0\r\n\r\n')],
  ['a chunk size that is no number', chunked('zz\r\na\r\n0\r\n\r\n')],
  ['a chunk longer than it says', chunked('1\r\nab\r\n0\r\n\r\n')],
  ['bare LF after a chunk size', chunked('1\na\r\n0\r\n\r\n')],
  ['bare LF after a chunk', chunked('1\r\na\n0\r\n\r\n')],
  ['bare CR after a chunk size', chunked('1\ra\r\n0\r\n\r\n')],
  ['bare LF in an extension', chunked('1;a\nb\r\na\r\n0\r\n\r\n')],
  ['an endless extension', chunked(`1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`), [400, 413, 431]],
  ['bare LF in the trailer', chunked('1\r\na\r\n0\r\nX: y\n\r\n')],
  ['a folded trailer', chunked('1\r\na\r\n0\r\nX: y\r\n z\r\n\r\n')],
];

describe('bad input', () => {
  let server;
  before(async () => {
    server = await startServer(lifetime, { settings: { threads: 1 } });
  });

  for (const [name, bytes, allowed = [400]] of [...shapes, ...chunks]) {
    test(`refused and closed: ${name}`, async (t) => {
      const connection = await RawConnection.open(server.url);
      t.after(() => connection.close());
      connection.send(Buffer.concat([Buffer.from(bytes, 'latin1'), Buffer.from(HIDDEN)]));
      await connection.untilClosed();
      const replies = parseReplies(connection.received);
      assert.equal(replies.length, 1, `one reply, not: ${JSON.stringify(connection.text.slice(0, 600))}`);
      const [reply] = replies;
      assert.ok(allowed.includes(reply.status), `${reply.status}, allowed ${allowed}`);
      assert.equal(reply.headers.connection, 'close');
      const body = JSON.parse(reply.body);
      assert.equal(body.success, false);
      if (reply.status === 400) assert.equal(body.code, 'bad_request');
    });
  }

  test('each shape again, one byte at a time', async (t) => {
    for (const [name, bytes, allowed = [400]] of [...shapes, ...chunks].filter(([, one]) => one.length < 300)) {
      const connection = await RawConnection.open(server.url);
      t.after(() => connection.close());
      for (const byte of Buffer.from(bytes, 'latin1')) {
        if (connection.ended) break;
        connection.send(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      // HTTP/0.9 has no end: what follows is another header line.
      connection.send('\r\n\r\n');
      await connection.untilClosed();
      const status = Number(connection.text.match(/^HTTP\/1\.1 (\d+)/)?.[1]);
      assert.ok(allowed.includes(status), `${name}: ${status}`);
    }
  });

  test('the server still answers', async () => {
    assert.equal((await request(`${server.url}/health`)).status, 200);
  });

  const lawful = [
    ['an absolute target', 'GET http://x/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 200],
    ['HTTP/1.0 without Host', 'GET /health HTTP/1.0\r\n\r\n', 200],
    ['an empty line before the request', '\r\nGET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 200],
    ['blanks and tabs around values', 'GET /health HTTP/1.1\r\nHost:\t x \t\r\nConnection:close\r\n\r\n', 200],
    ['an empty value', 'GET /health HTTP/1.1\r\nHost: x\r\nX:\r\nConnection: close\r\n\r\n', 200],
    ['obs-text in a value', 'GET /health HTTP/1.1\r\nHost: x\r\nX: caf\xe9\r\nConnection: close\r\n\r\n', 200],
    ['names in any case', 'GET /health HTTP/1.1\r\nHOST: x\r\ncOnNeCtIoN: ClOsE\r\n\r\n', 200],
    ['an IPv6 Host', 'GET /health HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n', 200],
    ['a GET with a body of length 0', 'GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', 200],
    ['a target with a broken escape: it is no path of ours', 'GET /health%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 404],
    ['HEAD', 'HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 200],
  ];
  for (const [name, bytes, status] of lawful) {
    test(`served: ${name}`, async (t) => {
      const connection = await RawConnection.open(server.url);
      t.after(() => connection.close());
      connection.send(bytes);
      await connection.untilClosed();
      assert.equal(Number(connection.text.match(/^HTTP\/1\.[01] (\d+)/)?.[1]), status, connection.text);
    });
  }

  test('pipelined requests are answered in order, however they are cut', async (t) => {
    const paths = ['/health', '/api/nothing', '/api/calls', '/health', '/api/calls/CA1'];
    const text = paths.map((path, i) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${i === paths.length - 1 ? 'Connection: close\r\n' : ''}\r\n`).join('');
    for (const size of [text.length, 1, 7, 60]) {
      const connection = await RawConnection.open(server.url);
      t.after(() => connection.close());
      for (let at = 0; at < text.length; at += size) {
        connection.send(text.slice(at, at + size));
        if (size < 10) await new Promise((resolve) => setImmediate(resolve));
      }
      await connection.untilClosed();
      assert.deepEqual(parseReplies(connection.received).map(({ status }) => status), [200, 404, 200, 200, 400], `in pieces of ${size}`);
    }
  });

  test('a request behind a body is read where the body ends', async (t) => {
    const connection = await RawConnection.open(server.url);
    t.after(() => connection.close());
    connection.send(`${post('Content-Length: 3\r\n', 'a=b')}${chunked('3\r\na=b\r\n0\r\n\r\n')}GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    await connection.untilClosed();
    assert.deepEqual(parseReplies(connection.received).map(({ status }) => status), [400, 400, 200], 'unsigned twice, then health');
  });

  test('Expect: 100-continue is answered before the body comes', async (t) => {
    const connection = await RawConnection.open(server.url);
    t.after(() => connection.close());
    connection.send(post('Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n'));
    await connection.receives(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.send('a=b');
    await connection.untilClosed();
    assert.match(connection.text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
  });

  test('a body that is refused by its length is not asked for', async (t) => {
    const connection = await RawConnection.open(server.url);
    t.after(() => connection.close());
    connection.send(post('Content-Length: 50000000\r\nExpect: 100-continue\r\n'));
    await connection.untilClosed();
    assert.match(connection.text, /^HTTP\/1\.1 413 /);
  });
});

describe('slow clients', () => {
  let server;
  before(async () => {
    server = await startServer(lifetime, { settings: { head_timeout: '500ms', body_timeout: '500ms', keepalive_timeout: '700ms' } });
  });

  async function closedAfter(bytes) {
    const connection = await RawConnection.open(server.url);
    const startedAt = Date.now();
    connection.send(bytes);
    await connection.untilClosed(20_000);
    return { text: connection.text, ms: Date.now() - startedAt };
  }

  test('a head that never ends: 408', async () => {
    const { text, ms } = await closedAfter('GET /health HTTP/1.1\r\nHost: x\r\n');
    assert.match(text, /^HTTP\/1\.1 408 [^]*"too_slow"/);
    assert.ok(ms >= 450, `${ms} ms`);
  });

  test('a body that never comes: 408', async () => {
    const { text } = await closedAfter(post('Content-Length: 5\r\n', 'he'));
    assert.match(text, /^HTTP\/1\.1 408 [^]*"too_slow"/);
  });

  test('a chunked body that never ends: 408', async () => {
    const { text } = await closedAfter(chunked('3\r\na=b\r\n'));
    assert.match(text, /^HTTP\/1\.1 408 [^]*"too_slow"/);
  });

  test('a head that trickles in is cut off all the same', async (t) => {
    const connection = await RawConnection.open(server.url);
    t.after(() => connection.close());
    connection.send('GET /health HTTP/1.1\r\nHost: x\r\nX: ');
    const drip = setInterval(() => connection.send('a'), 50);
    t.after(() => clearInterval(drip));
    await connection.untilClosed(20_000);
    assert.match(connection.text, /^HTTP\/1\.1 408 /);
  });

  test('a player that reads nothing is let go after send_timeout', async (t) => {
    const { server: other, recording } = await startStored(t, { settings: { format: 'wav', send_timeout: '300ms' }, recording: { format: 'wav', seconds: 1200 } });
    const player = await RawConnection.open(other.url);
    t.after(() => player.close());
    player.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await player.receives(/^HTTP\/1\.1 200 /);
    player.socket.pause();
    // What is written to a connection that the other side has closed fails, without any reading.
    await until('the server has closed it', () => {
      if (!player.error) player.send('x');
      return player.error;
    });
    assert.match(player.error.code, /ECONNRESET|EPIPE/);
  });

  test('a connection that says nothing is closed without a word', async () => {
    assert.equal((await closedAfter('')).text, '');
  });

  test('a kept connection is closed after keepalive_timeout', async () => {
    const { text, ms } = await closedAfter('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.equal(parseReplies(Buffer.from(text, 'latin1')).length, 1);
    assert.ok(ms >= 650, `${ms} ms`);
  });
});
