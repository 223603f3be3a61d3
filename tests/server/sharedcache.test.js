// A cache that several people share, as an administrator may have put one in front: what is private stays out of it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { startNginx } from './harness/nginx.js';
import { Caller, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';

/** nginx that caches whatever it may, and says what it did. */
const cachingSite = (folder, port, backend) => `
  proxy_cache_path ${folder}/cache keys_zone=shared:1m levels=1;
  server {
    access_log ${folder}/access.log;
    error_log ${folder}/error.log warn;
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://${backend};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_cache shared;
      proxy_cache_key $request_uri;
      proxy_cache_methods GET HEAD;
      add_header Cache-Was $upstream_cache_status always;
    }
  }`;

test('nothing that somebody was given is given to the next one by a cache between', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const token = await addToken(admin, 'play,read,status,admin');
  const link = await addLink(admin, recording);
  const nginx = await startNginx(t, server.url, { site: cachingSite });
  const behind = { ...server, url: nginx.url };
  const allowed = new Caller(behind, { bearer: token.bearer });
  const paths = [recording.mediaPath, recording.downloadPath, '/api/calls', `/api/calls/${recording.callSid}`, '/api/status', '/api/session', '/api/users', '/api/audit'];
  for (const path of paths) {
    for (let i = 0; i < 3; i++) {
      const reply = await allowed.asks(200, 'GET', path);
      assert.notEqual(reply.headers['cache-was'], 'HIT', path);
      assert.match(reply.headers['cache-control'], /private|no-store/, path);
    }
    const nobody = await new Caller(behind).ask('GET', path);
    assert.notEqual(nobody.headers['cache-was'], 'HIT', path);
    if (path === '/api/session') assert.equal(nobody.json.signed_in, false);
    else assert.equal(nobody.status, 401, path);
  }
  // A link that is over is refused, though somebody has just heard it through the cache.
  await new Caller(behind).asks(200, 'GET', link.mediaPath);
  await admin.asks(200, 'DELETE', `/api/links/${link.name}`);
  const late = await new Caller(behind).ask('GET', link.mediaPath);
  assert.equal(late.status, 404);
  // And the refusal is nobody else's either: an error is not kept for who may.
  await new Caller(behind).asks(401, 'GET', recording.mediaPath);
  await allowed.asks(200, 'GET', recording.mediaPath);
});
