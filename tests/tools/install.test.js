// `ninja -C build install` after script/build, as a packager runs it: the program and nothing of the tests.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;

test('script/build, then ninja install', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'install-'));
  t.after(() => rmSync(root, { recursive: true }));
  execFileSync('script/build', { cwd: top, stdio: 'pipe' });
  execFileSync('ninja', ['-C', 'build', 'install'], { cwd: top, stdio: 'pipe', env: { ...process.env, DESTDIR: root } });
  const files = readdirSync(root, { recursive: true }).map(String).filter((name) => statSync(join(root, name)).isFile());
  assert.deepEqual(files, ['usr/local/bin/callspool']);
  assert.match(execFileSync(join(root, files[0]), ['version'], { encoding: 'utf8' }), /^callspool \d/);
});
