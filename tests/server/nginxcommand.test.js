// callspool nginx: what it prints is right for real nginx and for the doctor, and what it finds in others' configurations is so.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { BINARY, callspool, startServer, untilState } from './harness/callspool.js';
import { makeCertificate } from './harness/certificate.js';
import { request } from './harness/http.js';
import { atEnd } from './harness/lifetime.js';
import { packagedSite, startNginx } from './harness/nginx.js';
import { run, temporaryFolder } from './harness/process.js';
import { startUpstream } from './harness/upstream.js';
import { PUBLIC_URL, RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const DATA = new URL('../data/nginx/', import.meta.url).pathname;
const PACKAGED = readFileSync(new URL('../../packaging/nginx/callspool.conf', import.meta.url), 'utf8');
const CALL = 'CA0123456789abcdef0123456789abcdef';

async function printed(...args) {
  const said = await callspool(['nginx', ...args]);
  assert.equal(said.code, 0, said.stderr);
  return said.stdout;
}

/** A whole configuration of it, with files of this test's in the place of the system's. */
function whole(folder, site) {
  for (const name of ['b', 'p', 'f', 'u', 's', 'cache']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'users'), 'x:x\n');
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `pid ${folder}/pid; error_log ${folder}/error.log;
events { }
http {
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  proxy_cache_path ${folder}/cache keys_zone=zone:1m; limit_req_zone $binary_remote_addr zone=per_client:1m rate=9r/s; limit_conn_zone $binary_remote_addr zone=per_address:1m;
${site.replaceAll('/var/log/nginx/', `${folder}/`).replaceAll('/etc/nginx/users', `${folder}/users`)}
}
`);
  return file;
}

const accepts = async (folder, file) => {
  const tested = await run('/usr/sbin/nginx', ['-t', '-q', '-p', folder, '-c', file]);
  return { good: tested.code === 0, said: tested.stderr };
};

test('without settings it prints the packaged file', async () => {
  assert.equal(await printed(), PACKAGED);
});

const TLS = ['--set', 'public_url=https://calls.example.com'];
const VARIANTS = {
  'https, a socket, other limits': [...TLS, '--set', 'listen=unix:/run/callspool/http', '--set', 'play_wait=50s', '--set', 'keepalive_timeout=10s'],
  'https on another port': ['--set', 'public_url=https://calls.example.com:8443'],
  'http, all addresses': ['--set', 'public_url=http://calls.example.com', '--set', 'listen=0.0.0.0:9000'],
  'a proxy that signs in by headers of its own': ['--set', 'public_url=http://calls.example.com', '--set', 'proxy.user_header=X-Whoever', '--set', 'proxy.groups_header=X-Teams'],
};
for (const [name, args] of Object.entries(VARIANTS)) {
  test(`nginx accepts it, and the doctor finds nothing: ${name}`, async (t) => {
    const folder = temporaryFolder(t, 'nginxcommand');
    const tls = await makeCertificate(folder);
    const site = (await printed(...args)).replace(/ssl_certificate( +)\S+;/, `ssl_certificate$1${tls.certificate};`).replace(/ssl_certificate_key( +)\S+;/, `ssl_certificate_key$1${tls.key};`);
    const file = whole(folder, site);
    const { good, said } = await accepts(folder, file);
    assert.ok(good, said);
    const checked = await callspool(['nginx', '--check', file, '--set', `data_dir=${folder}`, ...args]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  });
}

test('the doctor finds nothing in the template for containers', async (t) => {
  const folder = temporaryFolder(t, 'nginxcommand');
  const file = join(folder, 'callspool.conf');
  const template = readFileSync(new URL('../../packaging/containers/templates/callspool.conf.template', import.meta.url), 'utf8');
  writeFileSync(file, template.replace('${NGINX_LOCAL_RESOLVERS}', '127.0.0.11').replace('include /etc/nginx/tls/*.conf;', ''));
  const checked = await callspool(['nginx', '--check', file, '--set', `data_dir=${folder}`, '--set', 'public_url=http://calls.example.com']);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});

test('its limits follow from the settings', async () => {
  const site = await printed('--set', 'play_wait=50s', '--set', 'keepalive_timeout=10s', '--set', 'proxy.user_header=X-Whoever');
  assert.match(site, /proxy_read_timeout +85s;/);
  assert.match(site, /\n {4}keepalive_timeout 8s;/);
  assert.match(site, /proxy_set_header X-Whoever "";/);
  assert.match(await printed(...TLS), /listen 80;\n {4}server_name calls\.example\.com;\n {4}return 301 https:/);
});

test('a public_url with a path is refused; by the location that it names, webhooks and plays work below the path, and the doctor finds nothing', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { public_url: `${PUBLIC_URL}/calls` } });
  for (const more of [[], ['--beside']]) {
    const said = await callspool(['nginx', ...more, '--set', `public_url=${PUBLIC_URL}/calls`]);
    assert.deepEqual([said.code, said.stdout], [2, ''], said.stderr);
    assert.match(said.stderr, /public_url has a path.*a host.* of its own/);
  }
  const [written] = (await callspool(['nginx', '--set', `public_url=${PUBLIC_URL}/calls`])).stderr.match(/location [^}]*\}/);
  const nginx = await startNginx(t, server.url, {
    site: (...args) => packagedSite(...args).replace('    location / {\n        proxy_pass http://callspool;\n    }', `    ${written}`),
  });
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const media = audio();
  upstream.recordings.set(recordingSid, { callSid, media });
  assert.equal((await postForm(nginx.url, `/calls${RECORDING_STATUS}`, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }))).status, 200);
  await untilState(server, callSid, 'stored');
  const played = await request(nginx.url, { path: `/calls/api/calls/${callSid}/download`, headers: { Range: 'bytes=0-99' } });
  assert.equal(played.status, 206);
  assert.ok(played.body.equals(media.subarray(0, 100)));
  const checked = await callspool(['nginx', '--check', nginx.file, '--set', `data_dir=${temporaryFolder(t, 'nginxcommand')}`, '--set', `public_url=${PUBLIC_URL}/calls`]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});

/** Programs that answer with their name; `seen` is what reached them. */
function namesake(t, seen = []) {
  return async (name) => {
    const server = http.createServer((incoming, reply) => {
      seen.push([name, incoming.method, incoming.url, incoming.headers]);
      reply.end(name);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    atEnd(t, () => { server.closeAllConnections(); server.close(); });
    return server.address().port;
  };
}

test('what is to be written where plays and webhooks stray is taken by nginx, and brings them to callspool', async (t) => {
  const seen = [];
  const start = namesake(t, seen);
  const [product, ours] = [await start('product'), await start('callspool')];
  const site = (written) => (folder, port) => `server { listen 127.0.0.1:${port}; access_log ${folder}/access.log; error_log ${folder}/error.log; root ${folder}/none; proxy_buffering on;
${written}
    location = /webhook/recording-status { return 404; }
    location ~ /download$ { try_files $uri =404; } location /api/ { proxy_pass http://127.0.0.1:${product}; } location / { proxy_pass http://127.0.0.1:${product}; } }`;
  const folder = temporaryFolder(t, 'nginxcommand');
  const check = async (port, written) => {
    const said = await callspool(['nginx', '--json', '--check', whole(folder, site(written)(folder, port)), '--set', `data_dir=${folder}`, '--set', `public_url=http://127.0.0.1:${port}`, '--set', `listen=127.0.0.1:${ours}`]);
    return JSON.parse(said.stdout).checks.filter(({ result }) => result === 'finding');
  };
  const found = await check(81, '');
  assert.deepEqual(found.map(({ check: name }) => name), ['path', 'path'], JSON.stringify(found));
  const [play, webhook] = found.map(({ write }) => write);
  assert.match(play, /^# into the server block of /);
  assert.match(webhook, /^# in the place of .*nginx\.conf:\d+\nlocation = \/webhook\/recording-status \{\n/);
  const cured = (f, port) => site(play)(f, port).replace('location = /webhook/recording-status { return 404; }', webhook);
  const nginx = await startNginx(t, `http://127.0.0.1:${product}`, { site: cured });
  assert.deepEqual((await check(nginx.port, play)).map(({ says }) => says).filter((says) => /a play/.test(says)), []);
  for (const path of [`/api/calls/${CALL}/download`, '/webhook/recording-status?x=%20']) {
    assert.equal((await request(nginx.url, { path, headers: { Range: 'bytes=0-1' } })).body.toString(), 'callspool', path);
    const [, , target, headers] = seen.at(-1);
    assert.deepEqual([target, headers.range, headers.host, headers['x-forwarded-for']], [path, 'bytes=0-1', `127.0.0.1:${nginx.port}`, '127.0.0.1']);
    assert.notEqual(headers.connection, 'close');
  }
  assert.equal((await request(nginx.url, { path: '/api/orders' })).body.toString(), 'product');

  const packaged = PACKAGED.replace('    location / {\n', '    location = /webhook/recording-status { return 404; }\n    location / {\n');
  const said = await callspool(['nginx', '--json', '--check', whole(folder, packaged), '--set', `data_dir=${folder}`, '--set', 'public_url=http://calls.example.com']);
  const [strayed] = JSON.parse(said.stdout).checks.filter(({ result }) => result === 'finding');
  assert.match(strayed.write, /proxy_pass http:\/\/callspool;/, 'where plays go, though no server runs that could say where it listens');
});

test('beside a product it takes recordings and webhooks, and nothing else', async (t) => {
  const seen = [];
  const start = namesake(t, seen);
  const [product, ours] = [await start('product'), await start('callspool')];
  const beside = await printed('--beside', '--set', `listen=127.0.0.1:${ours}`);
  const site = (folder, port) => `server { listen 127.0.0.1:${port}; access_log ${folder}/access.log; error_log ${folder}/error.log;
    ${beside}
    location / { proxy_pass http://127.0.0.1:${product}; } location /api/ { proxy_pass http://127.0.0.1:${product}; } }`;
  const nginx = await startNginx(t, `http://127.0.0.1:${product}`, { site });
  for (const [path, who] of [[`/api/calls/${CALL}/download`, 'callspool'], ['/webhook/recording-status?x=%20', 'callspool'], ['/webhook/call-status', 'callspool'],
    ['/api/recordings/RE0123456789abcdef0123456789abcdef/media', 'callspool'], ['/api/calls', 'product'], [`/api/calls/${CALL}`, 'product'], ['/webhook/other', 'product'], ['/', 'product']]) {
    const reply = await request(nginx.url, { path, headers: { Range: 'bytes=0-1', 'Remote-User': 'dana' } });
    assert.equal(reply.body.toString(), who, path);
    if (who === 'product') continue;
    const [, , target, headers] = seen.at(-1);
    assert.equal(target, path);
    assert.equal(headers.range, 'bytes=0-1');
    assert.equal(headers.host, `127.0.0.1:${nginx.port}`);
    assert.equal(headers['remote-user'], undefined);
  }
  const folder = temporaryFolder(t, 'nginxcommand');
  const checked = await callspool(['nginx', '--check', whole(folder, site(folder, nginx.port)), '--set', `data_dir=${folder}`, '--set', `public_url=http://127.0.0.1:${nginx.port}`]);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});

test('--check: findings end with 7, what cannot be read with 8, from standard input, too', async (t) => {
  const folder = temporaryFolder(t, 'nginxcommand');
  const set = ['--set', `data_dir=${folder}`, '--set', 'public_url=http://calls.example.com'];
  const found = await callspool(['nginx', '--json', '--check', `${DATA}bare.conf`, ...set]);
  assert.equal(found.code, 7, found.stderr);
  const finding = JSON.parse(found.stdout).checks.find(({ check }) => check === 'http-version');
  assert.equal(finding.result, 'finding');
  assert.match(finding.looked_at, /bare\.conf:27, location \/: no proxy_http_version/);
  assert.equal(finding.write, 'proxy_http_version 1.1;');
  assert.equal(finding.confirm, `nginx -t && nginx -s reload && callspool doctor http-version --nginx-conf ${DATA}bare.conf --set data_dir=${folder} --set public_url=http://calls.example.com`);
  assert.equal((await callspool(['nginx', '--check', `${folder}/nothing.conf`, ...set])).code, 8);
  const piped = await run('sh', ['-c', `"$0" nginx --check - --set data_dir=${folder} <${DATA}bare.conf`, BINARY]);
  assert.equal(piped.code, 7, piped.stderr);
  assert.match(piped.stdout, /nginx -T \| callspool doctor http-version --nginx-conf - --set data_dir=/);
});

test('every fault that its checks are tried with is one that nginx starts with', async (t) => {
  const folder = temporaryFolder(t, 'nginxcommand');
  const { faults, twins } = JSON.parse(readFileSync(`${DATA}faults.json`, 'utf8'));
  const all = [...faults, ...twins].map((row) => {
    let site = PACKAGED;
    for (const [from, to] of row.edits) site = row.every ? site.replaceAll(from, to) : site.replace(from, () => to);
    return { row, site };
  });
  assert.ok(faults.length >= 50);
  for (const [i, { row, site }] of all.entries()) {
    const own = join(folder, `${i}`);
    mkdirSync(own);
    const { good, said } = await accepts(own, whole(own, site));
    assert.equal(good, row.starts !== false, `${row.check ?? 'twin'}: ${row.name}: ${said}`);
  }
});

test('what nginx -T prints is read with the names and lines of its files', async (t) => {
  const folder = temporaryFolder(t, 'nginxcommand');
  mkdirSync(join(folder, 'sites'));
  writeFileSync(join(folder, 'sites', 'calls.conf'), PACKAGED.replace('proxy_buffering off;', 'proxy_buffering on;').replaceAll('/var/log/nginx/', `${folder}/`));
  const file = whole(folder, 'include /etc/nginx/mime.types; include sites/*.conf;');
  const dump = join(folder, 'dump');
  const all = await run('sh', ['-c', '/usr/sbin/nginx -T -p "$0" -c "$1" >"$2" 2>&1', folder, file, dump]);
  assert.equal(all.code, 0, readFileSync(dump, 'utf8'));
  const said = await callspool(['nginx', '--json', '--check', dump, '--set', `data_dir=${folder}`, '--set', 'public_url=http://calls.example.com']);
  assert.equal(said.code, 7, said.stderr);
  const findings = JSON.parse(said.stdout).checks.filter(({ result }) => result === 'finding');
  const line = PACKAGED.split('\n').findIndex((text) => text.includes('proxy_buffering off;')) + 1;
  assert.deepEqual(findings.map(({ check, looked_at: at }) => [check, at]), [['buffering', `${folder}/sites/calls.conf:${line}, proxy_buffering on`]]);
});

test('where a server runs, its port is compared with the one that nginx asks', async (t) => {
  const server = await startServer(t);
  const folder = temporaryFolder(t, 'nginxcommand');
  const check = async (port) => {
    const file = whole(folder, PACKAGED.replace('127.0.0.1:8080', `127.0.0.1:${port}`));
    const said = await callspool(['doctor', 'back-end-port', '--nginx-conf', file, '--json', '--set', `data_dir=${server.dataDir}`]);
    return [said.code, JSON.parse(said.stdout).checks[0]];
  };
  const own = Number(new URL(server.url).port);
  assert.deepEqual((await check(own))[0], 0);
  const [code, found] = await check(own === 5000 ? 5001 : 5000);
  assert.equal(code, 7);
  assert.equal(found.write, `server 127.0.0.1:${own};`);
});

test('--explain tells where a request comes, and what is in force there', async (t) => {
  const folder = temporaryFolder(t, 'nginxcommand');
  const file = whole(folder, PACKAGED);
  const said = await callspool(['nginx', '--explain', file, '--url', `http://calls.example.com${CALL}`, '--header', 'Range: bytes=0-1']);
  assert.equal(said.code, 0, said.stderr);
  assert.match(said.stdout, /^is +passed on to http:\/\/callspool$/m);
  assert.match(said.stdout, /^Range: bytes=0-1$/m);
  assert.match(said.stdout, /:\d+ {2}proxy_buffering off$/m);
  assert.equal((await callspool(['nginx', '--explain', file])).code, 2);
  assert.equal((await callspool(['nginx', '--explain', file, '--url', 'calls.example.com'])).code, 2);
});
