// The scripts that others stand on: what script/bootstrap does while another apt is at work, and what script/results.sh tells at the end.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;
const LOCKED = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 4711 (apt-get)';

function temporaryFolder(t) {
  const folder = mkdtempSync(join(tmpdir(), 'scripts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** On a machine that has no package: what each update and each install ends with by turns, '' well; { status, out, asked }. */
function bootstrap(t, { updates, installs }) {
  const folder = temporaryFolder(t);
  const program = (name, body) => {
    writeFileSync(join(folder, name), `#!/bin/bash\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  for (const [name, ends] of Object.entries({ update: updates, install: installs })) writeFileSync(join(folder, `${name}.ends`), `${ends.join('\n')}\n`);
  program('dpkg-query', ':');
  program('sudo', 'exec "$@"');
  program('sleep', `echo sleep >>${folder}/asked`);
  program('apt-get', `
for word; do [ "$word" = update ] || [ "$word" = install ] && break; done
echo "$word $*" >>${folder}/asked
end=$(head -n 1 ${folder}/$word.ends)
sed -i 1d ${folder}/$word.ends
echo "$end"
[ -z "$end" ]`);
  const { status, stdout, stderr } = spawnSync('script/bootstrap', ['--run'], { cwd: root, encoding: 'utf8', env: { ...process.env, PATH: `${folder}:${process.env.PATH}` } });
  const asked = existsSync(join(folder, 'asked')) ? readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n') : [];
  return { status, out: stdout + stderr, asked };
}

const kinds = (asked) => asked.map((line) => line.split(' ')[0]);

test('bootstrap: apt is told to wait for the lock of the packages', (t) => {
  const { status, asked } = bootstrap(t, { updates: [''], installs: [''] });
  assert.equal(status, 0);
  assert.deepEqual(kinds(asked), ['install']);
  assert.match(asked[0], / -o DPkg::Lock::Timeout=600 .*install .*\bgcc\b/);
});

test('bootstrap: the lock of the lists is waited for', (t) => {
  const { status, asked, out } = bootstrap(t, { updates: [LOCKED, LOCKED, ''], installs: ['E: Unable to locate package gcc', ''] });
  assert.equal(status, 0, out);
  assert.deepEqual(kinds(asked), ['install', 'update', 'sleep', 'update', 'sleep', 'update', 'install']);
});

test('bootstrap: lists that cannot be had for another reason are told at once', (t) => {
  const { status, asked, out } = bootstrap(t, { updates: ['E: Failed to fetch: no route to host'], installs: ['E: Unable to locate package gcc'] });
  assert.equal(status, 1);
  assert.deepEqual(kinds(asked), ['install', 'update']);
  assert.match(out, /no route to host/);
  assert.match(out, /apt could not install gcc /);
});

test('results: the ten tests that took longest, and the sum on a line of its own', (t) => {
  const results = join(temporaryFolder(t), 'results');
  const { status, stdout } = spawnSync('bash', ['-c', `
set -uo pipefail
mktemp() { : >${results}; echo ${results}; }
. script/results.sh
results_open
for i in 3 11 7 1 12 5 9 2 10 4 8 6; do echo "$i.5 file.test.js: number $i" >>"$CALLSPOOL_RESULTS.times"; done
record one 12 0
record other 3 1
results_close`], { cwd: root, encoding: 'utf8', env: { ...process.env, CALLSPOOL_RESULTS: '' } });
  const told = stdout.split('\n').filter((line) => /file\.test\.js/.test(line)).map((line) => line.trim());
  assert.deepEqual(told, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((i) => `${i}.5 s  file.test.js: number ${i}`));
  assert.match(stdout, /^The 10 tests that took longest:$/m);
  assert.match(stdout, /^15 passed, 1 failed$/m);
  assert.equal(status, 1);
  assert.equal(existsSync(results), false);
});
