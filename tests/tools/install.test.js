// `ninja -C build install` after script/build, as a packager runs it: the program, what it writes of itself, and nothing of the tests.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;

test('script/build, then ninja install', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'install-'));
  t.after(() => rmSync(root, { recursive: true }));
  execFileSync('script/build', { cwd: top, stdio: 'pipe' });
  execFileSync('ninja', ['-C', 'build', 'install'], { cwd: top, stdio: 'pipe', env: { ...process.env, DESTDIR: root } });
  const files = readdirSync(root, { recursive: true }).map(String).filter((name) => statSync(join(root, name)).isFile());
  assert.deepEqual(files.sort(), [
    'usr/local/bin/callspool',
    'usr/local/share/bash-completion/completions/callspool',
    'usr/local/share/fish/vendor_completions.d/callspool.fish',
    'usr/local/share/man/man1/callspool.1',
    'usr/local/share/man/man5/callspool.conf.5',
    'usr/local/share/zsh/site-functions/_callspool',
  ]);
  const said = (...args) => execFileSync(join(root, files[0]), args, { encoding: 'utf8' });
  assert.match(said('version'), /^callspool \d/);
  assert.equal(readFileSync(join(root, files[1]), 'utf8'), said('help', '--bash'));
});
