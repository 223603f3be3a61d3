// The pictures of docs/doctor.md: what callspool doctor prints on a terminal, before a simulated Twilio and behind a real nginx; and
// beside one of two that serve from a real PostgreSQL and a real bucket.
//
//	node ui/doctor-pictures.mjs build/callspool docs
//
// Ports 8080 to 8088 of this machine have to be free, so that what is printed reads as in a deployment.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { startPostgres } from '../tests/server/harness/postgres.js';
import { startS3 } from '../tests/server/harness/s3_store.js';
import { until } from '../tests/server/harness/until.js';

const [binary, folder] = process.argv.slice(2).map((path) => resolve(path));
const WORK = '/tmp/calls';
const ACCOUNT = { TWILIO_ACCOUNT_SID: `AC${'51a1'.repeat(8)}`, TWILIO_AUTH_TOKEN: '51a1'.repeat(8) };
const env = { ...process.env, ...ACCOUNT, TERM: 'xterm', NO_COLOR: '', LC_ALL: 'C.UTF-8' };
const running = [];
const endings = [];
const lifetime = { after: (ending) => endings.push(ending) };

const start = (program, args) => {
  const child = spawn(program, args, { env, stdio: 'ignore', cwd: WORK });
  running.push(child);
  return child;
};

const answers = (url) => async () => (await fetch(url)).status < 500;

/** nginx's configuration around lines that stand in its http block. */
const configuration = (site) => `daemon off; pid ${WORK}/nginx.pid; error_log ${WORK}/error.log; ${process.getuid() === 0 ? 'user root;' : ''}
events { }
http {
  access_log off; proxy_temp_path ${WORK}/p; client_body_temp_path ${WORK}/b; fastcgi_temp_path ${WORK}/f; uwsgi_temp_path ${WORK}/u; scgi_temp_path ${WORK}/s;
${site}
}
`;

function setUp() {
  rmSync(WORK, { recursive: true, force: true });
  mkdirSync(join(WORK, 'data'), { recursive: true });
  writeFileSync(join(WORK, 'callspool.conf'), `data_dir = ${WORK}/data
listen = 127.0.0.1:8080
auth = none
public_url = http://calls.localhost:8081
trusted_proxies = 127.0.0.1
twilio.api_url = http://127.0.0.1:8088
`);
  const site = execFileSync(binary, ['nginx', '--config', 'callspool.conf'], { env, cwd: WORK, encoding: 'utf8' }).replaceAll('/var/log/nginx/', `${WORK}/`);
  writeFileSync(join(WORK, 'bare.conf'), 'server {\n  listen 8082;\n  location / {\n    proxy_pass http://127.0.0.1:8080;\n    proxy_read_timeout 10s;\n  }\n}\n');
  writeFileSync(join(WORK, 'nginx.conf'), configuration(site));
  writeFileSync(join(WORK, 'both.conf'), configuration(`${site}\ninclude ${WORK}/bare.conf;`));
  writeFileSync(join(WORK, 'old.conf'), configuration(`include ${WORK}/bare.conf;`));
}

async function startAll() {
  start(binary, ['simulate', '--webhook', 'http://127.0.0.1:8080', '--signed-url', 'http://calls.localhost:8081']);
  start(binary, ['serve', '--config', 'callspool.conf']);
  start('/usr/sbin/nginx', ['-p', WORK, '-c', join(WORK, 'both.conf')]);
  await until('callspool answers', answers('http://127.0.0.1:8080/health'));
  await until('nginx answers', answers('http://127.0.0.1:8081/health'));
  await until('Twilio answers', answers('http://127.0.0.1:8088/simulate/requests'));
  await fetch('http://127.0.0.1:8088/simulate/calls', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"duration": 5}' });
  await until('a recording is stored', async () => (await (await fetch('http://127.0.0.1:8080/api/calls?state=stored')).json()).calls.length === 1);
}

/** Two more, on one ledger and one bucket. */
async function startTwo() {
  const postgres = await startPostgres(lifetime), s3 = await startS3(lifetime);
  const bucket = await s3.bucket();
  Object.assign(env, bucket.env);
  for (const [name, port] of [['a', 8083], ['b', 8084]]) {
    mkdirSync(join(WORK, `data-${name}`));
    const settings = { data_dir: join(WORK, `data-${name}`), listen: `127.0.0.1:${port}`, cluster_listen: `127.0.0.1:${port + 2}`, auth: 'none', public_url: 'http://calls.localhost:8081',
      'twilio.api_url': 'http://127.0.0.1:8088', database: postgres.url, ...bucket.settings };
    writeFileSync(join(WORK, `${name}.conf`), Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join(''));
    start(binary, ['serve', '--config', `${name}.conf`]);
    await until(`${name} answers`, answers(`http://127.0.0.1:${port}/health`));
  }
  const beats = async () => (await (await fetch('http://127.0.0.1:8083/api/processes')).json()).processes;
  await until('each has heard of the other', async () => (await beats()).length === 2);
}

/** What it prints on a terminal of 96 columns. */
function printed(command) {
  const { stdout } = spawnSync('script', ['-qec', `stty cols 96; exec ${binary} ${command}`, '/dev/null'], { env, cwd: WORK, encoding: 'utf8', maxBuffer: 1 << 24 });
  return stdout.replaceAll('\r', '').trimEnd();
}

// ---- as a picture

const STYLES = { 1: 'font-weight="bold"', 2: 'opacity="0.6"', 32: 'fill="#4ec27a"', 33: 'fill="#e0b341"', '1;31': 'fill="#ff6b6b" font-weight="bold"' };
const [LINE, CHARACTER, MARGIN] = [18, 8.43, 16];
const plain = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function row(line, i) {
  let text = '';
  for (const [, style, words] of `\x1b[0m${line}`.matchAll(/\x1b\[([\d;]+)m([^\x1b]*)/g)) {
    if (words) text += STYLES[style] ? `<tspan ${STYLES[style]}>${plain(words)}</tspan>` : plain(words);
  }
  return `<text x="${MARGIN}" y="${MARGIN + LINE * (i + 1) - 4}" xml:space="preserve">${text}</text>`;
}

function picture(command, output) {
  // A colour that goes on over the end of a line is begun again on the next.
  let style = '0';
  const lines = [`\x1b[1m$ callspool ${command}\x1b[0m`, ...output.split('\n')].map((line) => {
    const begun = `\x1b[${style}m${line}`;
    style = [...begun.matchAll(/\x1b\[([\d;]+)m/g)].at(-1)[1];
    return begun;
  });
  const width = Math.max(...lines.map((line) => line.replaceAll(/\x1b\[[\d;]+m/g, '').length));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width * CHARACTER) + 2 * MARGIN}" height="${lines.length * LINE + 2 * MARGIN}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#d6dbe1">
<rect width="100%" height="100%" rx="8" fill="#15191e"/>
${lines.map(row).join('\n')}
</svg>
`;
}

const PICTURES = {
  'doctor-good.svg': 'doctor --config callspool.conf --nginx-conf nginx.conf',
  'doctor-findings.svg': 'doctor limits playback --config callspool.conf --nginx-conf old.conf --url http://calls.localhost:8082',
  'doctor-unchecked.svg': 'doctor limits strategy --config callspool.conf',
  'doctor-cluster.svg': 'doctor cluster bucket --config a.conf',
};

try {
  setUp();
  await startAll();
  await startTwo();
  for (const [name, command] of Object.entries(PICTURES)) writeFileSync(join(folder, name), picture(command, printed(command)));
} finally {
  for (const child of running) child.kill('SIGTERM');
  for (const ending of endings.reverse()) await ending();
}
