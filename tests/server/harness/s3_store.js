// A real S3 store of a test file's own: Ceph's monitor, object store (in memory) and gateway, on loopback.
//
//	const s3 = await startS3(lifetime);        // some ten seconds: one for a file
//	const bucket = await s3.bucket();          // { name, settings, env, list(), get(key), put(key, bytes), remove(key) }
//	await s3.stop(); await s3.start();         // the gateway alone: what is stored outlives it
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import http from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { atEnd } from './lifetime.js';
import { Program, run, temporaryFolder } from './process.js';
import { until } from './until.js';

const KEY = 'callspooltest';
const SECRET = 'callspooltestsecret';

const freePort = () => new Promise((resolve, reject) => {
  const server = net.createServer().once('error', reject).listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

const configuration = (folder, fsid, monitorPort, port) => `[global]
fsid = ${fsid}
mon host = v1:127.0.0.1:${monitorPort}
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 0
paxos propose interval = 0.02
paxos min wait = 0.02
mon osd report timeout = 900
mon max pg per osd = 1000
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 1073741824
run dir = ${folder}/run
log file = ${folder}/log/$name.log
admin socket = ${folder}/run/$name.asok
pid file =
mon data = ${folder}/mon
osd data = ${folder}/osd
mon initial members = a
public addr = 127.0.0.1
ms bind msgr2 = false
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw data = ${folder}/rgw
rgw thread pool size = 32
rgw enable usage log = false
`;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const encode = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** One request, signed: { status, headers, body }. */
function ask(port, method, path, { query = {}, body = Buffer.alloc(0) } = {}) {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&');
  const headers = { host: `127.0.0.1:${port}`, 'x-amz-content-sha256': sha256(body), 'x-amz-date': stamp };
  const names = Object.keys(headers).sort().join(';');
  const target = path.split('/').map(encode).join('/');
  const canonical = [method, target, search, ...Object.keys(headers).sort().map((name) => `${name}:${headers[name]}`), '', names, headers['x-amz-content-sha256']].join('\n');
  const scope = `${stamp.slice(0, 8)}/default/s3/aws4_request`;
  const key = ['default', 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${SECRET}`, stamp.slice(0, 8)));
  const signature = createHmac('sha256', key).update(['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')).digest('hex');
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: '127.0.0.1', port, method, path: target + (search && `?${search}`), agent: false,
      headers: { ...headers, 'Content-Length': body.length, Authorization: `AWS4-HMAC-SHA256 Credential=${KEY}/${scope},SignedHeaders=${names},Signature=${signature}` },
    }, (reply) => {
      const pieces = [];
      reply.on('data', (piece) => pieces.push(piece)).on('error', reject)
        .on('end', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(pieces) }));
    });
    request.on('error', reject).end(body);
  });
}

/**
 * A door before the gateway, that counts who goes through and can be told to send them away:
 * { url, requests: ['GET /b/...'], refuse(count, status, code), denies: /?versions/ }.
 * swallow(/^PUT .*mp3/, count, status): answered 200 by a page that is not the bucket's, and goes no further;
 * holds: /^GET .*store/: never answered; endless: /^GET .*mp3/: answered by a body without an end, of which `sent` bytes went out; etag: what PUTs are answered with;
 * aheadMs: by how much its clock is ahead.
 */
async function openDoor(t, port) {
  const door = { requests: [], left: 0, swallowed: 0, sent: 0, aheadMs: 0, url: null };
  const server = http.createServer((asked, reply) => {
    door.requests.push(`${asked.method} ${asked.url}`);
    if (door.denies?.test(asked.url)) Object.assign(door, { left: 1, status: 403, code: 'AccessDenied' });
    if (door.left > 0) {
      const { status, code, date } = door; // refuse(0) may come before the end of what was asked
      door.left -= 1;
      asked.resume().on('end', () => reply.writeHead(status, { Date: date ?? new Date().toUTCString(), 'Content-Type': 'application/xml' })
        .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>The door says so.</Message></Error>`));
      return;
    }
    const line = `${asked.method} ${asked.url}`;
    if (door.holds?.test(line)) {
      asked.resume();
      return;
    }
    if (door.swallowed > 0 && door.swallows.test(line)) {
      door.swallowed -= 1;
      asked.resume().on('end', () => reply.writeHead(door.swallowsBy, { 'Content-Type': 'text/html', ETag: '"5f3c-264"' }).end('<html>Welcome to this network</html>'));
      return;
    }
    if (door.endless?.test(line)) {
      const more = () => {
        while (!reply.destroyed && reply.write(Buffer.alloc(65536, 7))) door.sent += 65536;
      };
      reply.writeHead(200, { 'Content-Type': 'audio/mpeg' });
      reply.on('drain', more);
      more();
      return;
    }
    const onward = http.request({ host: '127.0.0.1', port, method: asked.method, path: asked.url, headers: asked.headers, agent: false }, (answer) => {
      const headers = { ...answer.headers, date: new Date(Date.now() + door.aheadMs).toUTCString() };
      if (asked.method === 'PUT' && door.etag) headers.etag = door.etag;
      reply.writeHead(answer.statusCode, headers);
      answer.pipe(reply);
    });
    onward.on('error', () => reply.destroy());
    asked.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  }));
  door.url = `http://127.0.0.1:${server.address().port}`;
  door.refuse = (count, status, code, date) => Object.assign(door, { left: count, status, code, date });
  door.swallow = (swallows, count, swallowsBy = 200) => Object.assign(door, { swallows, swallowed: count, swallowsBy });
  return door;
}

export async function startS3(t) {
  const folder = temporaryFolder(t, 's3');
  const [monitorPort, port] = [await freePort(), await freePort()];
  const conf = join(folder, 'ceph.conf');
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) mkdirSync(join(folder, name));
  const fsid = randomUUID();
  writeFileSync(conf, configuration(folder, fsid, monitorPort, port));
  const daemons = [];
  const must = async (command, args, tries = 5) => {
    // Pools are made by the first that asks.
    const { code, stdout, stderr, error } = await run(command, args, { withinMs: 200_000 });
    // A monitor that has just begun refuses some: "wrong fsid".
    if (code !== 0 && tries > 1 && /EPERM/.test(stderr)) return must(command, args, tries - 1);
    const ended = daemons.filter(({ status }) => status).map(({ said }) => said).join('\n');
    if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${error ?? ''}${stderr}${stdout}${ended} (script/bootstrap installs it)`);
    return stdout;
  };
  const daemon = (command, args) => {
    const program = new Program(command, ['-f', '-c', conf, ...args]);
    daemons.push(program);
    atEnd(t, () => program.stop('SIGKILL')); // nothing of it has to survive
    return program;
  };
  await must('monmaptool', ['--create', '--addv', 'a', `[v1:127.0.0.1:${monitorPort}]`, '--fsid', fsid, join(folder, 'monmap')]);
  await must('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', join(folder, 'monmap'), '-c', conf]);
  daemon('ceph-mon', ['-i', 'a']);
  const osd = randomUUID();
  await must('ceph', ['-c', conf, 'osd', 'new', osd]);
  await must('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd, '-c', conf]);
  let store = daemon('ceph-osd', ['-i', '0']);
  const again = setInterval(() => { // it ends where it is refused so
    if (store.status && daemons.length < 10) store = daemon('ceph-osd', ['-i', '0']);
  }, 100);
  try {
    await must('radosgw-admin', ['-c', conf, 'user', 'create', '--uid', 'test', '--display-name', 'test', '--access-key', KEY, '--secret-key', SECRET]);
  } finally {
    clearInterval(again);
  }

  const s3 = { port, url: `http://127.0.0.1:${port}`, gateway: null };
  s3.start = async () => {
    s3.gateway = daemon('radosgw', ['-n', 'client.rgw']);
    await until('the gateway answers', async () => {
      if (s3.gateway.status) throw new Error(s3.gateway.said);
      return (await ask(port, 'GET', '/')).status === 200;
    }, 60_000);
  };
  /** From now on nobody answers. */
  s3.stop = () => s3.gateway.stop('SIGKILL');
  /** It takes connections, and says nothing. */
  s3.hold = () => process.kill(s3.gateway.pid, 'SIGSTOP');
  s3.release = () => process.kill(s3.gateway.pid, 'SIGCONT');
  s3.door = (test) => openDoor(test, port);
  s3.bucket = async ({ prefix = 'calls', versions = false } = {}) => {
    const name = `b${randomBytes(6).toString('hex')}`;
    const whole = (key) => `/${name}/${prefix}/${key}`;
    const check = (reply, ...statuses) => {
      assert.ok(statuses.includes(reply.status), `${reply.status} ${reply.body}`);
      return reply;
    };
    check(await ask(port, 'PUT', `/${name}`), 200);
    if (versions) {
      const body = Buffer.from('<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>');
      check(await ask(port, 'PUT', `/${name}`, { query: { versioning: '' }, body }), 200);
    }
    const keysOf = ({ body }, tag) => [...String(body).matchAll(new RegExp(`<${tag}>.*?<Key>(.*?)</Key>`, 'gs'))].map(([, key]) => key.slice(prefix.length + 1));
    return {
      name,
      marker: async () => String(check(await ask(port, 'GET', whole('callspool.store')), 200).body),
      /** The rule by which pages of that origin may read. */
      share: async (origin) => {
        const headers = ['Accept-Ranges', 'Content-Length', 'Content-Range', 'ETag'].map((header) => `<ExposeHeader>${header}</ExposeHeader>`).join('');
        const body = Buffer.from(`<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader>${headers}</CORSRule></CORSConfiguration>`);
        check(await ask(port, 'PUT', `/${name}`, { query: { cors: '' }, body }), 200);
      },
      settings: { store: `s3://${name}/${prefix}`, 's3.endpoint': s3.url, 's3.region': 'default', 's3.access_key_id': KEY },
      env: { AWS_SECRET_ACCESS_KEY: SECRET },
      list: async () => {
        const keys = [];
        for (let token; ;) {
          const page = check(await ask(port, 'GET', `/${name}`, { query: { 'list-type': '2', ...(token && { 'continuation-token': token }) } }), 200);
          keys.push(...keysOf(page, 'Contents'));
          [, token] = String(page.body).match(/<NextContinuationToken>(.*?)</) ?? [];
          if (!token) return keys.filter((key) => key !== 'callspool.store');
        }
      },
      versions: async () => {
        const page = check(await ask(port, 'GET', `/${name}`, { query: { versions: '' } }), 200);
        return [...keysOf(page, 'Version'), ...keysOf(page, 'DeleteMarker')].filter((key) => key !== 'callspool.store');
      },
      get: async (key) => check(await ask(port, 'GET', whole(key)), 200).body,
      put: async (key, body) => check(await ask(port, 'PUT', whole(key), { body }), 200),
      remove: async (key) => check(await ask(port, 'DELETE', whole(key)), 204),
    };
  };
  await s3.start();
  return s3;
}
