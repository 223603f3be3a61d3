// Real nginx with packaging/nginx/callspool.conf: only ports, log files and folders are changed.  Or with
// what most people write by hand: proxy_pass and nothing else, all limits and buffers nginx's own.
import { readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Program, run, temporaryFolder } from './process.js';
import { until } from './until.js';
import { request } from './http.js';
import { atEnd } from './lifetime.js';

const PACKAGED = new URL('../../../packaging/nginx/callspool.conf', import.meta.url).pathname;
const NGINX = '/usr/sbin/nginx';

/** A port that is free now.  nginx cannot be asked for port 0. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function replaceOnce(text, from, to) {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`the packaged nginx configuration holds '${from}' ${parts.length - 1} times, not once`);
  return parts.join(to);
}

function stockSite(folder, port, backend) {
  return `
  server {
    access_log ${folder}/access.log;
    error_log ${folder}/error.log warn;
    listen 127.0.0.1:${port};
    location / { proxy_pass http://${backend}; }
  }`;
}

export function packagedSite(folder, port, backend, tls) {
  let site = readFileSync(PACKAGED, 'utf8');
  site = replaceOnce(site, 'server 127.0.0.1:8080', `server ${backend}`);
  site = replaceOnce(site, '    listen 80;', tls
    ? `    listen 127.0.0.1:${port} ssl;\n    ssl_certificate ${tls.certificate};\n    ssl_certificate_key ${tls.key};`
    : `    listen 127.0.0.1:${port};`);
  site = replaceOnce(site, '/var/log/nginx/callspool.access.log', join(folder, 'access.log'));
  return site.replaceAll('/var/log/nginx/callspool.error.log', join(folder, 'error.log'));
}

function configuration(folder, site) {
  // The rest is Debian's nginx.conf in what matters here, gzip on included.
  return `
user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/main.log warn;
events { worker_connections 2048; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  sendfile on;
  gzip on;
  gzip_types audio/mpeg audio/wav application/json text/plain;
  gzip_min_length 1;
  gzip_proxied any;
  access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
${site}
}
`;
}

/** backend: "http://127.0.0.1:8080"; stock: nothing but proxy_pass; site(folder, port, backend): one of the test's own; tls: files of makeCertificate(), for https.  Returns { url, port, logs(pattern), written(), stop(), start() }. */
export async function startNginx(t, backend, { stock = false, site = stock ? stockSite : packagedSite, tls } = {}) {
  const folder = temporaryFolder(t, 'nginx');
  mkdirSync(join(folder, 'body'), { recursive: true });
  const file = join(folder, 'nginx.conf');
  const read = (name) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return '';
    }
  };
  let program;
  let port;
  // Another program may take the port between the asking and the using: then once more.
  for (let attempt = 1; ; attempt += 1) {
    port = await freePort();
    let text = configuration(folder, site(folder, port, new URL(backend).host, tls));
    if (process.getuid() !== 0) text = text.replace('user root;', '');
    writeFileSync(file, text);
    const tested = await run(NGINX, ['-t', '-q', '-p', folder, '-c', file]);
    if (tested.code !== 0) throw new Error(`nginx -t: ${tested.stderr}`);
    program = new Program(NGINX, ['-p', folder, '-c', file]);
    // Another program may have taken the port, and answer in its place while nginx tries on: the log tells who did.
    await until('nginx answers', async () => program.status
      ?? (await request(`http://127.0.0.1:${port}/`) && read('access.log').length > 0), 15_000);
    if (!program.status) break;
    if (attempt === 3) throw new Error(`nginx ended: ${program.said}`);
  }
  atEnd(t, () => program.stop('SIGTERM'));
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    /** The configuration. */
    file,
    /** Waits until the access log matches: nginx writes it after the answer. */
    logs: (pattern) => until(`nginx logs ${pattern}`, () => read('access.log').match(pattern)),
    /** All that nginx wrote so far, of requests and of errors. */
    written: () => ['access.log', 'error.log', 'main.log'].map(read).join(''),
    stop: () => program.stop('SIGTERM'),
    /** Once more after stop(), on the same port. */
    start: async () => {
      program = new Program(NGINX, ['-p', folder, '-c', file]);
      await until('nginx answers again', () => request(`http://127.0.0.1:${port}/`), 15_000);
    },
  };
}
