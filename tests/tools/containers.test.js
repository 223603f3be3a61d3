// Dockerfile, compose.yaml and nginx's template: right by their own rules, and what docs/containers.md says of them.
// What they do is tried by script/containers.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2019.js';
import dockerfileUtils from 'dockerfile-utils';
import YAML from 'yaml';

const root = new URL('../../', import.meta.url).pathname;
const read = (path) => readFileSync(root + path, 'utf8');
const require = createRequire(import.meta.url);

// Names of parts, as older drafts had them, mean nothing here and are refused.
const schema = JSON.parse(readFileSync(require.resolve('dclint/schemas/compose.schema.json'), 'utf8'),
  (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value));
const isCompose = new Ajv.default({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
const compose = YAML.parse(read('compose.yaml'), { merge: true });
const cluster = YAML.parse(read('compose.cluster.yaml'), { merge: true });
const members = Object.entries(cluster.services).filter(([name]) => name.startsWith('callspool-'));
const BOTH = [['compose.yaml', compose], ['compose.cluster.yaml', cluster]];

function objections(text) {
  return isCompose(YAML.parse(text, { merge: true })) ? [] : isCompose.errors.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

for (const file of ['compose.yaml', 'compose.cluster.yaml', 'compose.tls.yaml']) {
  test(`${file} is of the Compose schema`, () => assert.deepEqual(objections(read(file)), []));
}

test('the schema objects to a key that is none', () => {
  assert.match(objections(read('compose.yaml').replace('read_only: true', 'readonly: true')).join('\n'), /^\/services\/callspool /m);
});

const problems = (text) => dockerfileUtils.validate(text, {}).map(({ message, range }) => `${range.start.line + 1}: ${message}`);

test('the Dockerfile is one without a fault', () => assert.deepEqual(problems(read('Dockerfile')), []));

test('and a fault is told', () => {
  assert.match(problems(read('Dockerfile').replace('WORKDIR /src', 'WORKDRI /src')).join('\n'), /Unknown instruction: WORKDRI/);
});

const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ').split('\n').filter((line) => line && !line.startsWith('#'));
const instructions = (name) => dockerfile.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1).trim());

test('each installation is of what is named alone, and leaves no lists', () => {
  const installing = instructions('RUN').filter((line) => line.includes('apt-get'));
  assert.equal(installing.length, 2);
  for (const line of installing) assert.match(line, /^apt-get update && apt-get install -y --no-install-recommends .* && rm -rf \/var\/lib\/apt\/lists\/\*/);
});

test('what is copied into the image is there, and what is no source stays out', () => {
  for (const line of instructions('COPY').filter((words) => !words.startsWith('--from'))) {
    for (const path of line.split(' ').slice(0, -1)) {
      assert.ok(existsSync(root + path), path);
      assert.ok(read('.dockerignore').split('\n').includes(`!${path}`), `.dockerignore lets ${path} in`);
    }
  }
  assert.ok(read('.dockerignore').split('\n').includes('*'), 'and nothing else');
});

// The build itself says so, too, but only to who runs script/containers.
test('each folder that a release is built from is copied into the image', () => {
  const copied = instructions('COPY').filter((words) => !words.startsWith('--from')).flatMap((line) => line.split(' ').slice(0, -1));
  const ofOtherBuilds = read('meson.build').match(/^if get_option\('buildtype'\) != 'release'$[^]*?^endif$/m)[0];
  const folders = (text) => [...text.matchAll(/subdir\('([^']+)'\)/g)].map(([, folder]) => `${folder}/meson.build`);
  for (const file of folders(read('meson.build')).filter((name) => !folders(ofOtherBuilds).includes(name))) {
    assert.ok(copied.some((path) => file === path || file.startsWith(`${path}/`)), file);
  }
});

test('the libraries that it links are in the image, each by its package of Debian 12', () => {
  const [build, final] = instructions('RUN').filter((line) => line.includes('apt-get'));
  const runtime = { 'libcurl4-openssl-dev': 'libcurl4', 'libsqlite3-dev': 'libsqlite3-0', 'libpq-dev': 'libpq5', 'libssl-dev': 'libssl3', 'libsndfile1-dev': 'libsndfile1', 'libjansson-dev': 'libjansson4', 'libsodium-dev': 'libsodium23', 'libpcre2-dev': 'libpcre2-8-0', 'libwslay-dev': 'libwslay1', 'zlib1g-dev': 'zlib1g' };
  const bootstrap = read('script/bootstrap').match(/run_set="([^"]*)"/)[1].split(/\s+/).filter(Boolean).map((word) => word.split('=').at(-1));
  for (const name of bootstrap) {
    assert.ok(build.split(' ').includes(name), `the build has ${name}`);
    if (name.startsWith('lib') && name !== 'libc6-dev') assert.ok(final.split(' ').includes(runtime[name]), `${runtime[name]} for ${name}`);
  }
});

test('it runs as nobody in particular, and says itself whether it is well', () => {
  assert.match(instructions('USER').at(-1), /^\d+:\d+$/);
  assert.match(instructions('HEALTHCHECK').at(-1), /CMD \["callspool", "health"\]$/);
  assert.deepEqual(compose.services.callspool.healthcheck.test, ['CMD', 'callspool', 'health']);
});

test('each service has a read-only root, no capabilities but those that it says, and a name of its image that does not move', () => {
  for (const [name, service] of BOTH.flatMap(([, { services }]) => Object.entries(services))) {
    assert.equal(service.read_only, true, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    assert.match(service.image, /:(?!latest[}]?$)[\w.-]+[}]?$/, name);
    assert.equal(service.restart, 'unless-stopped', name);
    assert.equal(service.cap_add === undefined, name !== 'nginx', name);
  }
});

test('its grace is longer than what SIGTERM leaves to replies', () => {
  const row = read('docs/settings.md').match(/^\| `stop_timeout` \| duration[^|]*\| `(\d+)s` /m);
  for (const service of [compose.services.callspool, ...members.map(([, one]) => one)]) assert.ok(Number.parseInt(service.stop_grace_period, 10) > Number(row[1]) + 5);
});

for (const [file, { services, volumes, networks, secrets }] of BOTH) {
  test(`${file}: what is named is declared: volumes, networks, secrets, services that are waited for`, () => {
    for (const [name, service] of Object.entries(services)) {
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':');
        assert.ok(source.startsWith('./') ? existsSync(root + source) : source in volumes, `${name}: ${source}`);
      }
      for (const network of Array.isArray(service.networks) ? service.networks : Object.keys(service.networks)) assert.ok(network in networks, `${name}: ${network}`);
      for (const secret of service.secrets ?? []) assert.ok(secret in secrets, `${name}: ${secret}`);
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, 'service_healthy');
        assert.ok(services[other].healthcheck, `${name} waits for the health of ${other}`);
      }
    }
  });

  test(`${file}: each variable that callspool is given is a setting, and each that is asked for is said`, () => {
    const settings = [...read('docs/settings.md').matchAll(/^\| `([\w.]+)` \|/gm)].map(([, key]) => `CALLSPOOL_${key.toUpperCase().replaceAll('.', '_')}`);
    for (const { environment } of Object.values(services).filter(({ image }) => image === 'callspool:local')) {
      for (const key of Object.keys(environment).filter((name) => name.startsWith('CALLSPOOL_'))) {
        assert.ok(settings.includes(key.replace(/_FILE$/, '')) || settings.includes(key), key);
      }
    }
    const text = read(file);
    const head = text.slice(0, text.search(/^[^#]/m));
    for (const [, name] of text.matchAll(/\$\{(\w+):\?/g)) assert.ok(head.includes(`${name}=`), `the head of ${file} says what ${name} is`);
  });
}

test('of several each is compose.yaml\'s callspool with a volume of its own, and nginx asks all of them', () => {
  assert.equal(members.length, 3);
  assert.equal(new Set(members.map(([, { volumes }]) => volumes[0])).size, 3, 'no data folder twice');
  const { callspool } = compose.services;
  for (const [name, service] of members) {
    assert.deepEqual(service.networks, ['inside', 'behind'], name); // no alias: podman-compose reads no other form
    assert.match(service.volumes[0], /^\w+:\/var\/lib\/callspool$/);
    assert.equal(service.ports, undefined, name);
    assert.equal(service.environment.CALLSPOOL_CLUSTER_ADDRESS, name, 'where the others find it');
    for (const key of Object.keys(callspool).filter((one) => !['volumes', 'networks', 'environment'].includes(one))) assert.deepEqual(service[key], callspool[key], `${name}: ${key}`);
    for (const [key, value] of Object.entries(callspool.environment)) assert.equal(service.environment[key], value, `${name}: ${key}`);
  }
  assert.match(read('packaging/containers/templates/callspool.conf.template'), /set \$callspool_at http:\/\/callspool:8080;/);
  const several = read('packaging/containers/several/callspool.conf.template');
  assert.deepEqual([...several.matchAll(/^ {4}server (\S+):8080 resolve /gm)].map(([, name]) => name), members.map(([name]) => name));
  const { nginx } = compose.services;
  assert.deepEqual({ ...cluster.services.nginx, depends_on: null, volumes: null }, { ...nginx, depends_on: null, volumes: null });
  assert.deepEqual(cluster.services.nginx.volumes, nginx.volumes.map((volume) => volume.replace('templates:', 'several:')));
  assert.equal(cluster.services.postgres.environment.POSTGRES_PASSWORD, members[0][1].environment.PGPASSWORD);
  assert.equal(cluster.services.bucket.environment.MINIO_ROOT_PASSWORD, members[0][1].environment.AWS_SECRET_ACCESS_KEY);
  assert.deepEqual([cluster.services.postgres.networks, cluster.services.bucket.networks, cluster.services.nginx.networks], [['behind'], ['behind'], ['inside']]);
});

test('callspool trusts the network that it shares with nginx, and is published nowhere', () => {
  const { callspool, nginx } = compose.services;
  assert.equal(callspool.environment.CALLSPOOL_TRUSTED_PROXIES, compose.networks.inside.ipam.config[0].subnet);
  assert.deepEqual([callspool.networks, nginx.networks, callspool.ports], [['inside'], ['inside'], undefined]);
});

test('nginx\'s template is what tools/nginx-template makes of packaging/nginx/callspool.conf', () => {
  const { status, stdout, stderr } = spawnSync(`${root}tools/nginx-template`, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(read('packaging/containers/templates/callspool.conf.template'), stdout);
});

test('and so is that of several', () => {
  const { status, stdout, stderr } = spawnSync(`${root}tools/nginx-template`, ['--several-containers'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(read('packaging/containers/several/callspool.conf.template'), stdout);
});

test('of containers by other names it has those, and what is no way to call it is refused', () => {
  const made = (...args) => spawnSync(`${root}tools/nginx-template`, args, { encoding: 'utf8' });
  const names = [...members.map(([name]) => name), 'callspool-d'];
  const four = made('--several-containers', ...names);
  assert.equal(four.status, 0, four.stderr);
  assert.deepEqual([...four.stdout.matchAll(/^ {4}server (\S+):8080 resolve max_fails=1 fail_timeout=5s;$/gm)].map(([, name]) => name), names);
  assert.equal(four.stdout.replace(/^ {4}server callspool-d:.*\n/m, ''), made('--several-containers').stdout);
  assert.ok(read('docs/containers.md').includes(`tools/nginx-template --several-containers ${names.join(' ')} >`));
  for (const args of [['--severals'], ['--several-container'], ['several'], [''], ['--several', 'a'], ['callspool-a'], ['--several-containers', 'a;'], ['--several-containers', '--several']]) {
    const { status, stdout, stderr } = made(...args);
    assert.deepEqual([status, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /^usage: tools\/nginx-template /m);
  }
});

test('nginx for several is what tools/nginx-template makes of packaging/nginx/callspool.conf', () => {
  const { status, stdout, stderr } = spawnSync(`${root}tools/nginx-template`, ['--several'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  assert.equal(read('packaging/nginx/callspool-several.conf'), stdout);
});
