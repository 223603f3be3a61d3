// callspool doctor on deployments that are real and have one fault each: nginx before callspool before a simulated Twilio.
//
// Of each fault exactly the check that it is of says so (and what it names), the line that it says to write cures it, and a
// twin that looks alike is not reported.  All stand in one nginx, told apart by their name.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { callspool, startServer } from './harness/callspool.js';
import { lifetime } from './harness/lifetime.js';
import { freePort, startNginx } from './harness/nginx.js';
import { SIGN_IN } from './harness/people.js';
import { Simulator, tell } from './harness/simulator.js';
import { until } from './harness/until.js';

const PUBLIC = 'http://callspool.test';
const OTHER = 'https://crm.test';
const FORWARDED = 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;';
const KEPT = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrading;';
/** What no probe can find out. */
const KNOWN = ['--proxy-read-timeout', '60s', '--proxy-connect-timeout', '5s', '--proxy-send-timeout', '60s', '--proxy-keepalive', '60s'];
const CONNECTION = "proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $callspool_connection;\n# and in http, outside of server: map $http_upgrade $callspool_connection { default upgrade; '' ''; }";
const HOST = 'proxy_set_header Host $http_host;';
const PASSED = `${KEPT} ${HOST} ${FORWARDED}`;
const STREAMED = 'proxy_buffering off; gzip off;';
const GOOD = `${PASSED} ${STREAMED}`;
const location = (inside, path = '/') => `location ${path} { proxy_pass http://BACKEND; ${inside} }`;
/** Range is lost for those requests alone that the pattern matches, of their agent and Range. */
const losing = (name, pattern) => [`map "$http_user_agent|$http_range" $${name} { default $http_range; "~${pattern}" ""; }`, location(`${GOOD} proxy_set_header Range $${name};`)];

/** The doctor's call that is in flight. */
const FLIGHT = 'CAd0c7[0-9a-f]+3/download';
/** All of it is asked for by a location of its own, with that limit. */
const cutting = (limit) => `location ~ ${FLIGHT}$ { if ($http_range = "") { rewrite ^ /all$uri last; } proxy_pass http://BACKEND; ${GOOD} }
  location ^~ /all/ { internal; rewrite ^/all(.*)$ $1 break; proxy_pass http://BACKEND; proxy_read_timeout ${limit}; ${GOOD} } ${location(GOOD)}`;

/**
 * [deployment, the checks that find something, what the verdict says, its lines, the line to write, the cured ones and their twins].
 * A row without a verdict is well.
 */
const DEPLOYMENTS = {
  good: { http: 'map $http_upgrade $upgrading { default upgrade; "" ""; } map $http_upgrade $kept_or_upgrading { default upgrade; "" keep-alive; }', lines: location(GOOD) },
  'upgrade-lost': { finds: ['events'], says: /no WebSocket/, lines: location(`proxy_http_version 1.1; proxy_set_header Connection ""; ${HOST} ${FORWARDED} ${STREAMED}`), write: CONNECTION },
  'back-end-down': { finds: ['public'], says: /502.*does not reach callspool/, lines: 'location / { proxy_pass http://127.0.0.1:1; }', write: 'proxy_pass http://BACKEND;' },
  'one-of-two-down': { upstream: 'server 127.0.0.1:1 max_fails=0; server BACKEND backup;', lines: location(GOOD).replace('http://BACKEND', 'http://one-of-two-down') },
  'health-elsewhere': { finds: ['public'], says: /does not pass \/health on/, lines: `location /health { return 404; } ${location(GOOD)}` },
  'somebody-else': { finds: ['public'], says: /somebody else answers/, lines: 'location / { return 200 "It works!"; }' },
  'redirected': { finds: ['public'], says: /redirects/, lines: 'location / { return 301 https://callspool.test$request_uri; }' },
  'token-lost': { finds: ['sign-in'], says: /Authorization is lost/, lines: location(`${GOOD} proxy_set_header Authorization "";`), write: 'proxy_set_header Authorization $http_authorization;' },
  'token-passed': { lines: location(`${GOOD} proxy_set_header Authorization $http_authorization;`) },
  'path-cut': { finds: ['sign-in'], says: /rewrites the path/, lines: `location /api/ { proxy_pass http://BACKEND/; ${GOOD} } ${location(GOOD)}` },
  'path-said': { lines: `location /api/ { proxy_pass http://BACKEND/api/; ${GOOD} } ${location(GOOD)}` },
  'path-stolen': { finds: ['sign-in'], says: /something else answers their path/, lines: `location ~ /download$ { return 200 "old"; } ${location(GOOD)}` },
  'path-longer': { finds: ['path-arrives'], also: ['events'], says: /rewrites the path/, lines: `location /api/ { rewrite ^(.*)$ $1?via=nginx break; proxy_pass http://BACKEND; ${GOOD} } ${location(GOOD)}` },
  'range-lost': { finds: ['range-arrives'], says: /Range does not arrive.*iPhones/, lines: location(`${GOOD} proxy_set_header Range "";`), write: 'proxy_set_header Range $http_range;\nproxy_set_header If-Range $http_if_range;' },
  'range-said': { lines: location(`${GOOD} proxy_set_header Range $http_range;\nproxy_set_header If-Range $http_if_range;`) },
  'if-range-lost': { finds: ['range-arrives'], says: /If-Range does not arrive/, lines: location(`${GOOD} proxy_set_header If-Range "";`) },
  'http10': { finds: ['version-arrives'], says: /HTTP\/1\.0/, lines: location(`${HOST} ${FORWARDED} ${STREAMED}`), write: `proxy_http_version 1.1;\n${CONNECTION}`, also: ['events'] },
  'connection-closed': { finds: ['connection-kept'], says: /closes its connection/, lines: location(`proxy_http_version 1.1; proxy_set_header Connection close; ${HOST} ${FORWARDED} ${STREAMED}`), write: CONNECTION, also: ['events'] },
  'connection-said': { lines: location(`proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $kept_or_upgrading; ${HOST} ${FORWARDED} ${STREAMED}`) },
  'host-lost': { finds: ['host-arrives'], says: /by which name/, lines: location(`${KEPT} ${FORWARDED} ${STREAMED}`), write: 'proxy_set_header Host $http_host;' },
  'host-forwarded': { lines: location(`${KEPT} ${FORWARDED} ${STREAMED} proxy_set_header X-Forwarded-Host $http_host;`) },
  'client-lost': { finds: ['client-arrives'], says: /does not say who asks/, lines: location(`${KEPT} ${HOST} ${STREAMED}`), write: 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;' },
  'client-set': { lines: location(`${KEPT} ${HOST} ${STREAMED} proxy_set_header X-Forwarded-For $remote_addr;`) },
  'compressed': { finds: ['not-compressed'], says: /compressed/, lines: location(`${PASSED} proxy_buffering off; gzip on; gzip_types audio/mpeg;`), write: 'gzip off;' },
  'json-compressed': { lines: location(`${PASSED} proxy_buffering off; gzip on; gzip_types application/json;`) },
  'buffered': { finds: ['flight-at-once'], says: /holds sound back/, lines: location(`${PASSED} gzip off; proxy_buffering on;`), write: 'proxy_buffering off;' },
  'iphones-alone': { finds: ['first-bytes'], says: /answered with 200 and the whole/, http: losing('iphone', 'AppleCoreMedia.*bytes=0-1$')[0], lines: losing('iphone', '')[1] },
  'chrome-alone': { finds: ['open-ended'], says: /answered with 200 and the whole/, http: losing('chrome', 'bytes=0-$')[0], lines: losing('chrome', '')[1] },
  'seeks-alone': { finds: ['seek', 'if-range'], says: /answered with 200 and the whole/, http: losing('seeks', 'bytes=300001')[0], lines: losing('seeks', '')[1] },
  'pieces-alone': { finds: ['piece'], says: /answered with 200 and the whole/, http: losing('pieces', 'bytes=65536')[0], lines: losing('pieces', '')[1] },
  'ends-alone': { finds: ['suffix'], says: /answered with 200 and the whole/, http: losing('ends', 'bytes=-')[0], lines: losing('ends', '')[1] },
  'some-ranges-said': { http: losing('none', 'bytes=7-')[0], lines: losing('none', '')[1] },
  'etag-hidden': { finds: ['if-range'], says: /ETag is lost/, lines: location(`${GOOD} proxy_hide_header ETag;`) },
  'mixed': { finds: ['if-range-other'], says: /status of another kind/, http: 'map $http_if_range $mixed { default $http_if_range; \'"another"\' ""; }', lines: location(`${GOOD} proxy_set_header If-Range $mixed;`) },
  'length-hidden': { finds: ['whole', 'if-range-other', 'head', 'not-compressed'], says: /Content-Length|whole/, lines: `${location(GOOD)} sub_filter_types audio/mpeg; sub_filter nothing-like-this else; sub_filter_last_modified on;`, some: true },
  'type-changed': { finds: ['first-bytes', 'whole'], says: /Content-Type/, lines: location(`${GOOD} proxy_hide_header Content-Type; add_header Content-Type application/octet-stream always;`), some: true },
  'type-hidden-elsewhere': { lines: `${location(GOOD)} ${location(`${GOOD} proxy_hide_header Content-Type;`, '/other/')}` },
  'head-refused': { finds: ['head'], says: /status of another kind/, http: 'map "$request_method|$http_range" $headless { default 0; "HEAD|" 1; }', lines: `if ($headless) { return 405; } ${location(GOOD)}`, also: ['if-range'] },
  'head-range-lost': { finds: ['head-range'], says: /answered with 200 and the whole/, http: 'map "$request_method|$http_range" $headrange { default $http_range; "~^HEAD" ""; }', lines: location(`${GOOD} proxy_set_header Range $headrange;`) },
  '416-hidden': { finds: ['beyond-end'], says: /status of another kind/, lines: location(`${GOOD} proxy_intercept_errors on; error_page 416 =404 /none; `) },
  'errors-hidden': { finds: ['errors'], says: /a page of its own/, lines: `${location(`${GOOD} proxy_intercept_errors on; error_page 404 /none.html;`)} location = /none.html { internal; return 404 "<h1>None</h1>"; }`, write: 'proxy_intercept_errors off;' },
  'errors-of-nginx-alone': { lines: `${location(`${GOOD} proxy_intercept_errors on; error_page 502 /none.html;`)}` },
  'cached': { finds: ['private'], says: /strangers hear/, http: 'proxy_cache_path FOLDER/cache keys_zone=cached:1m;', lines: location(`${PASSED} gzip off; proxy_cache cached; proxy_cache_key "$request_method$request_uri$http_range"; proxy_cache_convert_head off; proxy_cache_valid 200 206 1m; proxy_ignore_headers Cache-Control Expires; proxy_set_header Range $http_range; proxy_set_header If-Range $http_if_range;`), also: ['flight-at-once', 'if-range', 'if-range-other', 'cors'] },
  'cached-as-said': { http: 'proxy_cache_path FOLDER/said keys_zone=said:1m;', lines: location(`${GOOD} proxy_cache said; proxy_cache_key "$request_method$request_uri$http_range"; proxy_cache_convert_head off; proxy_set_header Range $http_range; proxy_set_header If-Range $http_if_range;`) },
  'origin-twice': { finds: ['cors'], says: /another origin/, lines: location(`${GOOD} add_header Access-Control-Allow-Origin * always;`) },
  'origin-hidden': { finds: ['cors'], says: /another origin/, lines: location(`${GOOD} proxy_hide_header Access-Control-Expose-Headers;`) },
  'options-answered': { finds: ['cors'], says: /another origin/, lines: `if ($request_method = OPTIONS) { return 204; } ${location(GOOD)}` },
  'other-header-added': { lines: location(`${GOOD} add_header X-Served-By nginx always;`) },
  'signature-lost': { finds: ['webhook'], says: /signature does not come through/, lines: location(`${GOOD} proxy_set_header X-Twilio-Signature "";`) },
  'webhook-longer': { finds: ['webhook'], says: /not the one that arrives/, lines: `location /webhook/ { rewrite ^(.*)$ $1?via=nginx break; proxy_pass http://BACKEND; ${GOOD} } ${location(GOOD)}`, write: `public_url = URL` },
  'webhook-elsewhere': { finds: ['webhook'], says: /do not reach callspool/, lines: `location /webhook/ { return 404; } ${location(GOOD)}` },
  'webhook-too-large': { finds: ['webhook'], says: /do not reach callspool/, lines: location(`${GOOD} client_max_body_size 10;`) },
  'flight-range-lost': { finds: ['flight-first-bytes'], says: /answered with 200 and the whole/, http: losing('flying', `${FLIGHT}\\|.*bytes=0-1$`)[0].replace('$http_user_agent', '$uri'), lines: losing('flying', '')[1], write: 'proxy_cache off;\nproxy_set_header Range $http_range;' },
  'flight-range-said': { http: losing('landed', `${FLIGHT.replace('3/', '9/')}\\|.*bytes=0-1$`)[0].replace('$http_user_agent', '$uri'), lines: location(`${GOOD} proxy_cache off;\nproxy_set_header Range $http_range;`) },
  'flight-cut': { finds: ['flight-whole'], says: /a play is answered 504/, lines: cutting('20ms'), write: 'proxy_read_timeout 60s;' },
  'flight-waited-for': { lines: cutting('60s') },
  'stored-elsewhere': { finds: ['stored'], says: /newest recording.*does not play through the proxy/, lines: `location ~ ^/api/recordings/ { return 404; } ${location(GOOD)}`, write: 'proxy_pass http://BACKEND;    # for /api/recordings/, as for /api/calls/' },
  'stored-said': { lines: `location ~ ^/api/recordings/ { proxy_pass http://BACKEND;    # for /api/recordings/, as for /api/calls/
    ${GOOD} } location ~ ^/api/recordings/RE/ { return 404; } ${location(GOOD)}` },
  'webhook-denied': { finds: ['webhook'], says: /refused before they reach callspool/, lines: `location /webhook/ { deny all; proxy_pass http://BACKEND; ${GOOD} } ${location(GOOD)}`, write: 'allow all;    # for /webhook/: no deny, no auth_request' },
  'webhook-allowed': { lines: `location /webhook/ { allow all; proxy_pass http://BACKEND; ${GOOD} } ${location(GOOD)}` },
  'webhook-small': { lines: location(`${GOOD} client_max_body_size 64k;`) },
};

let simulator;
let server;
let nginx;
let port;

const site = (name, { lines, upstream, http = '' }, folder, backend) => [
  upstream ? `upstream ${name} { ${upstream} }` : '', http,
  `server { listen 127.0.0.1:PORT${name === 'good' ? ' default_server' : ''}; server_name ${name}.localhost; access_log ${folder}/access.log; error_log ${folder}/error.log; ${lines} }`,
].join('\n').replaceAll('BACKEND', backend).replaceAll('FOLDER', folder);

const serverSettings = (more = {}) => ({ ...SIGN_IN, cors_origins: OTHER, ...more });
const sets = (settings) => Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);

/** { code, json, findings, of(check) } of a run. */
async function examine(args, { data = server.dataDir, env, settings = {} } = {}) {
  const { code, stdout, stderr } = await callspool(['doctor', '--json', ...args,
    ...sets({ data_dir: data, public_url: PUBLIC, 'twilio.api_url': simulator.url, ...settings })], { env });
  assert.equal(stderr, '');
  const json = JSON.parse(stdout);
  const findings = json.checks.filter(({ result }) => result === 'finding');
  return { code, json, findings, names: [...new Set(findings.map(({ check }) => check))], of: (name) => json.checks.find(({ check }) => check === name) };
}

const urlOf = (name) => `http://${name}.localhost:${port}`;

before(async () => {
  simulator = await Simulator.start(lifetime);
  port = await freePort();
  server = await startServer(lifetime, { upstream: simulator.url, settings: serverSettings() });
  await tell(server, await simulator.place({ duration: 1 }));
  await until('it is stored', async () => JSON.parse((await callspool(['status', '--json', ...sets({ data_dir: server.dataDir })])).stdout).recordings.stored === 1);
  nginx = await startNginx(lifetime, server.url, {
    site: (folder, free, backend) => {
      port = free;
      return Object.entries(DEPLOYMENTS).map(([name, deployment]) => site(name, deployment, folder, backend)).join('\n').replaceAll('PORT', free);
    },
  });
});

function judge(name, { finds = [], says, write, some = false, also = [] }, { code, json, findings, names }) {
  const told = JSON.stringify(findings, null, 1);
  if (finds.length === 0) {
    assert.deepEqual(names, [], told);
    assert.equal(code, 0);
    return;
  }
  assert.equal(code, 7);
  if (some) for (const check of finds) assert.ok(names.includes(check), `${check}: ${told}`);
  else assert.deepEqual(names.filter((check) => !also.includes(check)), finds, told);
  assert.match(json.says, says);
  for (const finding of findings) {
    for (const key of ['says', 'looked_at', 'expected', 'consequence', 'remedy']) assert.ok(finding[key], `${finding.check} says ${key}`);
  }
  if (write) assert.equal(findings.find(({ check }) => check === finds[0]).write, write.replace('BACKEND', new URL(server.url).host).replace('URL', urlOf(name)));
}

// A run mostly waits: several at once.
const AT_ONCE = 12;
test('each fault is named by its check, and nothing else is', async (t) => {
  const rows = Object.entries(DEPLOYMENTS);
  let next = 0;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (next < rows.length) {
      const [name, deployment] = rows[next];
      next += 1;
      const result = await examine(['--url', urlOf(name), ...KNOWN]);
      await t.test(name, () => judge(name, deployment, result));
    }
  }));
});
