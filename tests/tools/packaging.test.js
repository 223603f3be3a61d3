// The files of the package that no other test reads: units by systemd's own tools, and what Debian's files say of each other.
// The package itself is built by script/package and tried by script/fresh package, by hand.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;
const packaging = join(top, 'packaging');
const binary = process.env.CALLSPOOL_BIN ?? join(top, 'build-test/callspool');
const read = (path) => readFileSync(join(packaging, path), 'utf8');
const run = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' });
const missing = (tool, ...args) => (run(tool, ...args).error ? `${tool} is not installed` : false);
const service = read('systemd/callspool.service');
const template = read('systemd/callspool@.service');
const settingsIn = (text, key) => [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1]);

/** A folder with the units, whose program is one that is there: systemd asks. */
function units(t) {
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(packaging, 'systemd/callspool.socket'), join(folder, 'callspool.socket'));
  writeFileSync(join(folder, 'callspool.service'), service.replace(/^(Exec\w+=)\/\S+/gm, '$1/bin/true'));
  writeFileSync(join(folder, 'callspool@.service'), template.replace(/^(Exec\w+=)\/\S+/gm, '$1/bin/true'));
  return (name) => join(folder, name);
}

const skip = missing('systemd-analyze', '--version');

for (const name of ['callspool.service', 'callspool.socket', 'callspool@a.service']) {
  test(`systemd-analyze verify ${name}`, { skip }, (t) => {
    const path = units(t);
    if (name.includes('@')) symlinkSync('callspool@.service', path(name));
    const { status, stdout, stderr } = run('systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', path(name));
    assert.equal(stdout + stderr, '');
    assert.equal(status, 0);
  });
}

for (const name of ['callspool.service', 'callspool@.service']) {
  test(`systemd-analyze security ${name}: at most 1.2`, { skip }, (t) => {
    const { status, stdout, stderr } = run('systemd-analyze', 'security', '--offline=yes', '--no-pager', '--threshold=12', units(t)(name));
    assert.equal(status, 0, stdout + stderr);
  });
}

test('the unit of one of several is callspool.service, but for what each has of its own', () => {
  const lines = (text) => text.split('\n').filter((line) => line && !line.startsWith('#'));
  const own = lines(template).filter((line) => !lines(service).includes(line));
  const not = lines(service).filter((line) => !lines(template).includes(line)).map((line) => line.split('=')[0]);
  assert.deepEqual(own.filter((line) => !line.startsWith('After=') && !line.includes('%i')), [], 'what it says otherwise is of that one');
  assert.deepEqual(not, ['Description', 'Requires', 'After', 'ExecStart', 'StateDirectory', 'RuntimeDirectory', 'Also']);
  assert.ok(own.includes('StateDirectory=callspool/%i') && own.includes('ExecStart=/usr/bin/callspool serve --config /etc/callspool/%i.conf'));
});

test('the service speaks with systemd, and a wrong setting does not start it anew', () => {
  for (const line of ['Type=notify', 'NotifyAccess=main', 'ExecReload=/bin/kill -HUP $MAINPID', 'RestartPreventExitStatus=2', 'LoadCredential=twilio:/etc/callspool/twilio'])
    assert.ok(service.includes(`\n${line}\n`), line);
  assert.match(service, /^WatchdogSec=\d+s$/m);
});

test('the socket is the address that the settings name', () => {
  const { listen } = JSON.parse(run(binary, 'config', '--json', '--config', '/dev/null').stdout);
  assert.deepEqual(settingsIn(read('systemd/callspool.socket'), 'ListenStream'), [listen.value]);
});

test('Debian: rules, tmpfiles, sysusers and units name the same files and user', () => {
  const rules = read('debian/rules');
  const [exec] = settingsIn(service, 'ExecStart');
  const [user] = settingsIn(service, 'User');
  assert.ok(exec.endsWith(` --config ${rules.match(/^CONFIG = (\S+)$/m)[1]}`), exec);
  assert.match(read('systemd/callspool.sysusers'), new RegExp(`^u ${user} - "[^"]+" /var/lib/callspool$`, 'm'));
  assert.match(read('systemd/callspool.tmpfiles'), new RegExp(`^d /var/lib/callspool 0700 ${user} ${user} -$`, 'm'));
  assert.deepEqual(settingsIn(service, 'StateDirectoryMode'), ['0700']);
  assert.ok(rules.includes('--set data_dir=/var/lib/callspool'));
});

test('Debian: the version is that of meson.build, and what is installed is there', () => {
  const version = readFileSync(join(top, 'meson.build'), 'utf8').match(/version: '(.*)'/)[1];
  assert.match(read('debian/changelog'), new RegExp(`^callspool \\(${version}-\\d+\\)`));
  for (const line of read('debian/callspool.install').split('\n').filter(Boolean)) assert.ok(readdirSync(join(top, line.split(' ')[0])).length > 0, line);
});

test('Debian: what is run by a shell is right by sh and by shellcheck', () => {
  for (const name of readdirSync(join(packaging, 'debian')).filter((one) => /\.(post|pre)(inst|rm)$/.test(one))) {
    const path = join(packaging, 'debian', name);
    for (const { status, stdout, stderr } of [run('sh', '-n', path), run('shellcheck', path)]) assert.equal(status, 0, stdout + stderr);
  }
});

/** What purge leaves of a data folder with these files: postrm itself, of which the folders lie elsewhere. */
function purged(t, files, prepare = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'purge-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const data = join(folder, 'data');
  for (const file of files) {
    mkdirSync(join(data, file, '..'), { recursive: true });
    writeFileSync(join(data, file), 'x');
  }
  prepare(data);
  const script = join(folder, 'postrm');
  writeFileSync(script, read('debian/callspool.postrm').replaceAll('/var/lib/callspool', data).replaceAll('/etc/callspool', join(folder, 'etc')));
  const { status, stderr } = run('sh', script, 'purge');
  assert.equal(status, 0, stderr);
  return { left: existsSync(data), stderr };
}

/** Folders that hold nothing. */
const emptied = (...folders) => (data) => folders.forEach((folder) => mkdirSync(join(data, folder), { recursive: true }));

for (const [what, files, prepare, left] of [
  ['a recording', ['recordings/a/RE1.wav'], undefined, true],
  ['a recording of one of several', ['a/ledger.db', 'b/recordings/a/RE1.wav'], emptied('a/recordings'), true],
  ['recordings of one of several that lie elsewhere', ['a/x'], (data) => symlinkSync('/nowhere', join(data, 'a/recordings')), true],
  ['a recording that was moved into a bucket', ['recordings.moved/3f/CA1.RE1.1.mp3'], undefined, true],
  ['a recording that was moved into a bucket the second time, of one of several', ['a/recordings.moved.2/3f/CA1.RE1.1.mp3'], emptied('a/recordings'), true],
  ['moved recordings that lie elsewhere', ['x'], (data) => symlinkSync('/nowhere', join(data, 'recordings.moved')), true],
  ['the cache of a bucket', ['ledger.db', 'audit.key', 'cache/3f/CA1.RE1.1.mp3'], undefined, true],
  ['a cache of a bucket that holds nothing, with the ledger in a database', ['reserve'], emptied('cache'), true],
  ['a cache of a bucket that lies elsewhere', ['reserve'], (data) => symlinkSync('/nowhere', join(data, 'cache')), true],
  ['the cache of a bucket of one of several', ['a/ledger.db'], emptied('a/cache', 'recordings'), true],
  ['a ledger whose recordings are not in the folder', ['ledger.db', 'audit.key'], undefined, true],
  ['such a ledger of one of several', ['ledger.db', 'a/ledger.db'], emptied('recordings'), true],
  ['a private key', ['keys/CR1.pem', 'ledger.db'], emptied('recordings'), true],
  ['a private key of one of several', ['a/keys/CR1.pem'], emptied('a/recordings'), true],
  ['no recording', ['ledger.db', 'audit.key', 'reserve', 'a/ledger.db'], emptied('recordings', 'recordings.moved', 'arriving', 'keys', 'a/recordings'), false],
  ['a folder that no server began with', [], emptied('.'), false],
]) {
  test(`Debian: purge, where there is ${what}`, (t) => {
    const { left: isLeft, stderr } = purged(t, files, prepare);
    assert.equal(isLeft, left);
    assert.match(stderr, left ? /holds recordings, or the ledger or the keys of some, and is left as it is/ : /^$/);
  });
}

test('Debian: removed, each of several is stopped, too', () => {
  assert.match(read('debian/callspool.prerm'), /^if \[ "\$1" = remove \].*\n\tdeb-systemd-invoke stop 'callspool@\*\.service'/m);
});
