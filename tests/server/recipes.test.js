// What docs/access.md tells administrators to write, as it stands there, run.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { startServer } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { packagedSite, startNginx } from './harness/nginx.js';
import { until } from './harness/until.js';
import { Caller, addPerson, addToken, firstAdministrator, startWithPeople } from './harness/people.js';

const GUIDE = readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8');
const ORIGIN = 'https://crm.example.com';

/** The indented block that follows the first line with that text. */
function block(after) {
  const lines = GUIDE.slice(GUIDE.indexOf(after)).split('\n').slice(1);
  const from = lines.findIndex((line) => line.startsWith('    '));
  const to = lines.findIndex((line, i) => i > from && line !== '' && !line.startsWith('    '));
  assert.ok(GUIDE.includes(after) && from >= 0 && to > from, `the guide has a block behind '${after}'`);
  return lines.slice(from, to).map((line) => line.slice(4)).join('\n');
}

/** A program of somebody else's, that answers as `answer(request)` says: { status, headers }. */
async function startStandIn(t, answer) {
  const server = http.createServer((incoming, reply) => {
    const { status, headers = {} } = answer(incoming);
    reply.writeHead(status, headers).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  return `127.0.0.1:${server.address().port}`;
}

let world;

before(async () => {
  const started = await startWithPeople(lifetime, { count: 2, settings: { cors_origins: ORIGIN } });
  world = { ...started, admin: await firstAdministrator(started.server) };
});

test("a product's page plays a link that its server made", async () => {
  const { server, admin, recording } = world;
  const product = await addToken(admin, 'link');
  const { json } = await product.asks(200, 'POST', '/api/links', { json: { call_sid: recording.callSid, expires_in: '10m' } });
  assert.match(block('By a link that its server makes'), /src="https:\/\/calls\.example\.com\/l\/\.\.\.\/media"/);
  const played = await new Caller(server).asks(206, 'GET', new URL(json.media_url).pathname, { headers: { Origin: 'https://elsewhere.test', 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'audio', 'Sec-Fetch-Mode': 'no-cors', Range: 'bytes=0-' } });
  assert.equal(Buffer.compare(played.body, recording.bytes), 0);
  assert.equal(played.headers['cross-origin-resource-policy'], 'cross-origin');
});

test("a page of the same site plays by the person's own sign-in", async () => {
  const { admin, recording } = world;
  const person = await addPerson(admin, 'dana');
  const [, path] = block("By the person's own sign-in here").match(/src="https:\/\/calls\.example\.com([^"]+)"/);
  const asked = path.replace('CA...', recording.callSid);
  const played = await person.asks(206, 'GET', asked, { headers: { Origin: ORIGIN, 'Sec-Fetch-Site': 'same-site', Range: 'bytes=0-' } });
  assert.equal(played.headers['access-control-allow-origin'], ORIGIN);
  assert.equal(played.headers['access-control-allow-credentials'], 'true');
  await person.asks(403, 'GET', asked, { headers: { Origin: 'https://other.example.com', 'Sec-Fetch-Site': 'same-site' } });
});

test('a product that decides for each call, by auth_request, cannot be asked about one and give another', async (t) => {
  const { server, admin, recordings: [mine, other] } = world;
  const token = await addToken(admin, 'play');
  const asked = [];
  // It looks for the first call in what was asked, as somebody may write it who thinks of no other spelling.
  const crm = await startStandIn(t, (incoming) => {
    asked.push(incoming.headers['x-original-uri']);
    return { status: /CA[0-9a-f]{32}/i.exec(incoming.headers['x-original-uri'])?.[0] === mine.callSid ? 204 : 403 };
  });
  const recipe = block('In its nginx:').replace('csp_...', token.bearer).replace('http://crm', `http://${crm}`);
  const nginx = await startNginx(t, server.url, {
    site: (folder, port, backend) => `
  upstream callspool { server ${backend}; keepalive 4; }
  server {
    access_log ${folder}/access.log;
    error_log ${folder}/error.log warn;
    listen 127.0.0.1:${port};
    merge_slashes on;
${recipe}
  }`,
  });
  const ask = async (target, more = '') => {
    const connection = await RawConnection.open(nginx.url);
    connection.send(`GET ${target} HTTP/1.1\r\nHost: crm.example.com\r\n${more}Connection: close\r\n\r\n`);
    return connection.untilClosed();
  };
  const played = await ask(mine.downloadPath, 'Authorization: Basic cmV2aWV3ZXI6eA==\r\n');
  assert.match(played, /^HTTP\/1\.1 200 /);
  assert.match(await ask(other.downloadPath), /^HTTP\/1\.1 403 /);
  assert.deepEqual(asked, [mine.downloadPath, other.downloadPath]);
  const [a, b] = [mine.callSid, other.callSid];
  const spellings = [
    `/api/calls/${a}/../${b}/download`,
    `/api/calls/${a}/%2e%2e/${b}/download`,
    `/api/calls/${a}/.%2E/${b}/download`,
    `/api/calls/${a}%2F..%2F${b}/download`,
    `/x/${a}/../../api/calls/${b}/download`,
    `/${a}/..//api/calls/${b}/download`,
    `/api/calls/./${a}/../${b}/download`,
    `/api//calls/${a}/..//${b}/download`,
    `/api/calls/${a}/download/../../${b}/download`,
    `/api/calls/%2e/${a}/../${b}/download`,
    `/api/calls/${a}/..%2f${b}/download`,
    `/api/calls/${a}/%2E./${b}/download?recording=${other.recordingSid}`,
    `/api/calls/${a}/download?recording=${other.recordingSid}`,
    `/api/calls/${a}/download?recording=%52${other.recordingSid.slice(1)}`,
    `http://${a}.example.com/api/calls/${b}/download`,
  ];
  for (const target of spellings) {
    const reply = await ask(target);
    assert.doesNotMatch(reply, /^HTTP\/1\.1 20/, target);
  }
  assert.ok(asked.length > 8, 'most of them were asked about');
  const told = await until('the audit has the play', async () => (await admin.asks(200, 'GET', '/api/audit?kind=play_began')).json.entries.find(({ credential }) => credential === token.name));
  assert.equal(told.for, 'reviewer', 'and for whom');
});

/** `key = value` lines as settings. */
const settingsOf = (text) => Object.fromEntries(text.split('\n').filter((line) => line.includes(' = ')).map((line) => line.split(' = ').map((part) => part.trim())));

const PROXIES = {
  Authelia: { settings: settingsOf(block('For Authelia')), user: 'Remote-User', groups: 'Remote-Groups' },
  'oauth2-proxy': { settings: { ...settingsOf(block('For Authelia')), ...settingsOf(block('For oauth2-proxy')) }, user: 'X-Auth-Request-User', groups: 'X-Auth-Request-Groups' },
};

for (const [name, { settings, user, groups }] of Object.entries(PROXIES)) {
  test(`${name} signs people in, and nobody can name themselves past it`, async (t) => {
    const people = { ruth: 'staff,callspool-admins', dana: 'staff', guest: 'visitors' };
    const server = await startServer(t, { settings });
    // As they answer auth_request: 401 without a session of theirs, else who it is.
    const standIn = await startStandIn(t, (incoming) => {
      const who = /session=(\w+)/.exec(incoming.headers.cookie ?? '')?.[1];
      return people[who] ? { status: 202, headers: { [user]: who, [groups]: people[who] } } : { status: 401 };
    });
    const variable = (header) => `$upstream_http_${header.toLowerCase().replaceAll('-', '_')}`;
    const nginx = await startNginx(t, server.url, {
      site: (folder, port, backend) => packagedSite(folder, port, backend)
        .replace(new RegExp(`proxy_set_header ${user} +"";`), `proxy_set_header ${user} $signed_in;`)
        .replace(new RegExp(`proxy_set_header ${groups} +"";`), `proxy_set_header ${groups} $signed_in_groups;`)
        .replace('    server_name _;', `    server_name _;
    auth_request /who;
    auth_request_set $signed_in ${variable(user)};
    auth_request_set $signed_in_groups ${variable(groups)};
    location = /who { internal; proxy_pass http://${standIn}; proxy_pass_request_body off; proxy_set_header Content-Length ""; }`),
    });
    const status = async (path, who, headers = {}) => (await request(nginx.url, { path, headers: { ...(who && { Cookie: `session=${who}` }), ...headers } })).status;
    assert.equal(await status('/api/calls'), 401);
    assert.equal(await status('/api/calls', 'dana'), 200);
    assert.equal(await status('/api/users', 'dana'), 403);
    assert.equal(await status('/api/users', 'ruth'), 200);
    assert.equal(await status('/api/calls', 'guest'), 403);
    const forged = { [user]: 'ruth', [groups]: 'callspool-admins' };
    assert.equal(await status('/api/users', undefined, forged), 401);
    assert.equal(await status('/api/users', 'dana', forged), 403);
    assert.equal(await status('/api/users', 'dana', { [user.toLowerCase()]: 'ruth', [groups.toUpperCase()]: 'callspool-admins' }), 403);
  });
}
