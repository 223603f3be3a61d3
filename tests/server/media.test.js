// The main job on real input: a signed webhook comes in, the recording is fetched with Basic auth and
// kept, and every player gets it byte for byte, directly and through nginx.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { ACCOUNT, CREDENTIALS, TOKEN, callspool, startServer } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { run, temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';

const SECONDS = 20;

describe('one stored recording', () => {
  let upstream, server, recording;
  const bases = {};
  before(async () => {
    ({ server, upstream, recording } = await startStored(lifetime, { recording: { seconds: SECONDS } }));
    bases.directly = server.url;
    bases['through nginx'] = (await startNginx(lifetime, server.url)).url;
  });

  test('it was asked for once, as dual channel, with Basic auth', () => {
    const asked = upstream.mediaRequests(recording.recordingSid);
    assert.equal(asked.length, 1);
    assert.equal(asked[0].path, `/2010-04-01/Accounts/${ACCOUNT}/Recordings/${recording.recordingSid}.mp3`);
    assert.equal(asked[0].query.get('RequestedChannels'), '2');
    assert.equal(asked[0].headers.authorization, `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}`);
  });

  test('it lies in the data folder, found by the call, with the same bytes and no leftovers', async () => {
    const { code, stdout, stderr } = await callspool(['path', recording.callSid, '--set', `data_dir=${server.dataDir}`]);
    assert.equal(code, 0, stderr);
    const file = stdout.trim();
    assert.ok(file.startsWith(join(server.dataDir, 'recordings')), file);
    assert.ok(file.includes(recording.callSid) && file.includes(recording.recordingSid) && file.endsWith('.mp3'), file);
    const { headers: { etag } } = await request(server.url + recording.mediaPath);
    assert.equal(file.match(/\.(\d+)\.mp3$/)?.[1], etag.match(/(\d+)"$/)[1], 'its name holds the generation');
    assert.ok(readFileSync(file).equals(recording.bytes));
    assert.equal(statSync(file).mode & 0o007, 0, 'others may not read it');
    await until('no leftovers', () => readdirSync(join(server.dataDir, 'arriving')).length === 0); // its waveform is written there, too
  });

  for (const where of ['directly', 'through nginx']) {
    for (const path of ['mediaPath', 'downloadPath']) {
      const address = () => bases[where] + recording[path];

      test(`curl ${where}, ${path}`, async () => {
        const file = join(temporaryFolder(lifetime), 'got.mp3');
        const { code, stdout, stderr } = await run('curl', ['-sS', '-o', file, '-w', '%{http_code} %{content_type} %{size_download} %{http_version}', address()]);
        assert.equal(code, 0, stderr);
        assert.equal(stdout, `200 audio/mpeg ${recording.bytes.length} 1.1`);
        assert.ok(readFileSync(file).equals(recording.bytes));
      });

      test(`the guide's check ${where}, ${path}: curl -I -H "Range: bytes=0-1"`, async () => {
        const { code, stdout } = await run('curl', ['-sS', '-I', '-H', 'Range: bytes=0-1', address()]);
        assert.equal(code, 0);
        assert.match(stdout, /^HTTP\/1\.1 206 /);
        assert.match(stdout, new RegExp(`^content-range: bytes 0-1/${recording.bytes.length}\r$`, 'mi'));
        assert.match(stdout, /^accept-ranges: bytes\r$/mi);
        assert.match(stdout, /^content-type: audio\/mpeg\r$/mi);
        assert.match(stdout, /^content-length: 2\r$/mi);
      });

      test(`curl resumes ${where}, ${path}`, async () => {
        const file = join(temporaryFolder(lifetime), 'got.mp3');
        writeFileSync(file, recording.bytes.subarray(0, 10_001));
        const { code, stderr } = await run('curl', ['-sS', '-C', '-', '-o', file, address()]);
        assert.equal(code, 0, stderr);
        assert.ok(readFileSync(file).equals(recording.bytes));
      });
    }

    test(`ffprobe ${where}`, async () => {
      const { code, stdout, stderr } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', bases[where] + recording.downloadPath]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
      const { format, streams } = JSON.parse(stdout);
      assert.ok(Math.abs(Number(format.duration) - SECONDS) < 0.5, format.duration);
      assert.equal(streams[0].codec_name, 'mp3');
      assert.equal(streams[0].channels, 2);
    });

    test(`ffmpeg ${where} seeks and decodes what the file itself gives`, async () => {
      const local = join(temporaryFolder(lifetime), 'local.mp3');
      writeFileSync(local, recording.bytes);
      const decode = (input) => run('ffmpeg', ['-v', 'error', '-ss', '12', '-i', input, '-t', '3', '-f', 's16le', '-'], { binary: true });
      const [far, near] = [await decode(bases[where] + recording.mediaPath), await decode(local)];
      assert.equal(far.code, 0, far.stderr);
      assert.ok(far.stdout.length > 100_000);
      assert.equal(createHash('sha256').update(far.stdout).digest('hex'), createHash('sha256').update(near.stdout).digest('hex'));
    });

    test(`mpv ${where}`, async () => {
      const { code, stdout, stderr } = await run('mpv', ['--no-config', '--no-video', '--ao=null', '--ao-null-untimed', '--untimed', '--start=15',
        '--msg-level=all=warn,cplayer=info,ffmpeg=error', bases[where] + recording.downloadPath]);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /mp3 2ch 22050Hz/);
      assert.match(stdout, /Exiting\.\.\. \(End of file\)/);
    });

    test(`GStreamer ${where}`, async () => {
      const file = join(temporaryFolder(lifetime), 'sound.raw');
      const { code, stdout, stderr } = await run('gst-launch-1.0', ['-q', 'souphttpsrc', `location=${bases[where]}${recording.downloadPath}`,
        '!', 'decodebin', '!', 'audioconvert', '!', 'audio/x-raw,format=S16LE', '!', 'filesink', `location=${file}`]);
      assert.equal(code, 0, stdout + stderr);
      const seconds = statSync(file).size / (22050 * 2 * 2);
      assert.ok(Math.abs(seconds - SECONDS) < 0.5, `${seconds} s decoded`);
    });

    test(`iOS ${where}: two bytes, all of it broken off, then pieces`, async (t) => {
      const player = await RawConnection.open(bases[where]);
      t.after(() => player.close());
      const size = recording.bytes.length;
      const ask = (range, extra = '') => `GET ${recording.mediaPath} HTTP/1.1\r\nHost: callspool.test\r\nX-Playback-Session-Id: 6F1B8E2E-0000-4000-8000-0000C0FFEE00\r\n` +
        `Range: bytes=${range}\r\nAccept: */*\r\nAccept-Encoding: identity\r\nUser-Agent: AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)\r\n${extra}\r\n`;
      player.send(ask('0-1'));
      const probe = await player.receives(/^HTTP\/1\.1 206 [^\r]*\r\n([^]*?)\r\n\r\n([^]{2})$/);
      assert.match(probe[1], new RegExp(`^content-range: bytes 0-1/${size}$`, 'mi'));
      assert.match(probe[1], /^content-length: 2$/mi);
      assert.doesNotMatch(probe[1], /transfer-encoding|content-encoding/i);
      assert.equal(probe[2], recording.bytes.subarray(0, 2).toString('latin1'));
      // All of it, left after the first bytes.
      const whole = await RawConnection.open(bases[where]);
      whole.send(ask(`0-${size - 1}`));
      await whole.receives(/^HTTP\/1\.1 206 [^]*?\r\n\r\n[^]{100}/);
      whole.close();
      // Then pieces, on the first connection.
      let got = Buffer.alloc(0);
      for (let first = 0; first < size; first += 16_384) {
        const last = Math.min(first + 16_383, size - 1);
        const reply = await request(bases[where] + recording.mediaPath, { headers: { Range: `bytes=${first}-${last}`, 'Accept-Encoding': 'identity' } });
        assert.equal(reply.status, 206);
        assert.equal(reply.headers['content-range'], `bytes ${first}-${last}/${size}`);
        assert.equal(reply.headers['transfer-encoding'], undefined);
        got = Buffer.concat([got, reply.body]);
      }
      assert.ok(got.equals(recording.bytes));
    });
  }

  test('what the answer says of itself', async () => {
    const reply = await request(bases.directly + recording.downloadPath);
    assert.equal(reply.headers['content-disposition'], `inline; filename="${recording.callSid}.mp3"`);
    assert.equal(reply.headers['content-location'], recording.mediaPath);
    assert.equal(reply.headers['repr-digest'], `sha-256=:${createHash('sha256').update(recording.bytes).digest('base64')}:`);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.equal(reply.headers['cache-control'], 'private, no-cache');
    assert.equal(reply.headers['cross-origin-resource-policy'], 'same-origin');
    assert.equal(reply.headers['access-control-allow-origin'], undefined, 'cors_origins is not set');
    assert.equal(reply.headers.vary, undefined);
    assert.ok(Math.abs(Date.parse(reply.headers['last-modified']) - Date.now()) < 600_000, reply.headers['last-modified']);
    const kept = await request(`${bases.directly}${recording.downloadPath}?download=1`);
    assert.equal(kept.headers['content-disposition'], `attachment; filename="${recording.callSid}.mp3"`);
    assert.ok(kept.body.equals(recording.bytes));
    assert.equal(kept.headers['content-type'], 'audio/mpeg');
    for (const [query, how] of [['?x=1&download=1', 'attachment'], ['?download=1&x=1', 'attachment'], ['?download=10', 'inline'], ['?xdownload=1', 'inline'], ['?download=0', 'inline']]) {
      const { headers } = await request(`${bases.directly}${recording.mediaPath}${query}`);
      assert.match(headers['content-disposition'], new RegExp(`^${how};`), query);
    }
    const parts = await request(bases.directly + recording.mediaPath, { headers: { Range: 'bytes=0-1,5-6' } });
    assert.equal(parts.headers['content-disposition'], `inline; filename="${recording.callSid}.mp3"`);
    assert.match(parts.headers['content-type'], /^multipart\/byteranges; boundary=callspool-[0-9a-f]{16}$/);
    assert.equal(parts.headers['content-range'], undefined);
  });

  test('ranges outside, what is unchanged, and a query that is malformed', async () => {
    const outside = await request(bases.directly + recording.mediaPath, { headers: { Range: 'bytes=999999999-' } });
    assert.deepEqual([outside.status, outside.headers['content-range'], outside.headers['accept-ranges']], [416, `bytes */${recording.bytes.length}`, 'bytes']);
    const unchanged = await request(bases.directly + recording.mediaPath, { headers: { 'If-None-Match': '*' } });
    assert.deepEqual([unchanged.status, unchanged.headers['cache-control'], unchanged.headers['content-type'], unchanged.body.length], [304, 'private, no-cache', undefined, 0]);
    assert.equal((await request(`${bases.directly}${recording.downloadPath}?recording=%zz`)).status, 400);
    assert.equal((await request(`${bases.directly}${recording.downloadPath}?a=b&recording=${recording.recordingSid}&recording=RE1`)).status, 200, 'the first one counts');
  });

  test('never compressed, whatever the player accepts', async () => {
    const reply = await request(bases['through nginx'] + recording.mediaPath, { headers: { 'Accept-Encoding': 'gzip, br, deflate' } });
    assert.equal(reply.headers['content-encoding'], undefined);
    assert.ok(reply.body.equals(recording.bytes));
  });

  test('OPTIONS answers a preflight', async () => {
    const reply = await request(bases.directly + recording.mediaPath, {
      method: 'OPTIONS', headers: { Origin: 'https://crm.example.com', 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'range' },
    });
    assert.ok([200, 204].includes(reply.status), `${reply.status}`);
  });
});

test('?recording= picks another recording of the call; the address without it never changes', async (t) => {
  const { server, upstream, recording: first } = await startStored(t);
  const second = await store(server, upstream, { callSid: first.callSid, seconds: 7 });
  const main = await request(server.url + first.downloadPath);
  assert.ok(main.body.equals(first.bytes));
  const other = await request(`${server.url}${first.downloadPath}?recording=${second.recordingSid}`);
  assert.ok(other.body.equals(second.bytes));
  assert.equal(other.headers['content-location'], second.mediaPath);
  assert.notEqual(main.headers.etag, other.headers.etag);
});

test('format = wav asks for WAV and says so', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { format: 'wav' }, recording: { format: 'wav' } });
  assert.match(upstream.mediaRequests(recording.recordingSid)[0].path, /\.wav$/);
  const reply = await request(server.url + recording.downloadPath);
  assert.equal(reply.headers['content-type'], 'audio/wav');
  assert.equal(reply.headers['content-disposition'], `inline; filename="${recording.callSid}.wav"`);
  assert.ok(reply.body.equals(recording.bytes));
});

test('the type comes from the bytes, not from what the provider claims', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const recording = await store(server, {
    recordings: { set: (sid, entry) => upstream.recordings.set(sid, { ...entry, contentType: 'application/octet-stream' }) },
  }, { media: audio() });
  assert.equal((await request(server.url + recording.mediaPath)).headers['content-type'], 'audio/mpeg');
});

test('a file that shrinks while it is sent ends in a closed connection, never in wrong bytes', async (t) => {
  const { server, recording } = await startStored(t, { settings: { format: 'wav' }, recording: { format: 'wav', seconds: 1200 } });
  const size = recording.bytes.length;
  assert.ok(size > 30_000_000, 'more than the sockets in between can hold');
  const { stdout } = await callspool(['path', recording.callSid, '--set', `data_dir=${server.dataDir}`], { env: CREDENTIALS });
  const player = await RawConnection.open(server.url);
  t.after(() => player.close());
  player.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [head] = await player.receives(/^HTTP\/1\.1 200 [^]*?\r\n\r\n/);
  player.socket.pause();
  truncateSync(stdout.trim(), 25_000_000);
  player.socket.resume();
  await player.untilClosed();
  const body = player.received.subarray(Buffer.byteLength(head, 'latin1'));
  assert.match(head, new RegExp(`^content-length: ${size}\r$`, 'mi'));
  assert.ok(body.length < size, `${body.length} of ${size}`);
  assert.ok(body.equals(recording.bytes.subarray(0, body.length)), 'what came is right');
  // The server itself goes on.
  assert.equal((await request(`${server.url}/health`)).status, 200);
});
