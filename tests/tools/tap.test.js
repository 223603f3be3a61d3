// tests/unit/tap.h: a unit test that does not run to its end has failed, whatever it returns.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

/** Compiles and runs a unit test with this body of main(). */
function run(t, body) {
  const folder = mkdtempSync(join(tmpdir(), 'tap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const source = join(folder, 'test.c');
  writeFileSync(source, `#include <stdlib.h>\n#include "tap.h"\nint main(void)\n{\n${body}\n}\n`);
  const compiled = spawnSync('cc', ['-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', `-I${root}src`, `-I${root}tests/unit`,
    '-o', join(folder, 'test'), source, join(root, 'src/base/str.c'), join(root, 'src/base/mem.c')], { encoding: 'utf8' });
  assert.equal(compiled.status, 0, compiled.stderr);
  return spawnSync(join(folder, 'test'), { encoding: 'utf8' });
}

test('a test that passes', (t) => {
  const { status, stdout } = run(t, 'OK(1, "one"); IS_INT(2, 2, "two"); IS_STR(STR("a"), STR("a"), "three"); return tap_end();');
  assert.equal(stdout, 'ok 1 - one\nok 2 - two\nok 3 - three\n1..3\n');
  assert.equal(status, 0);
});

const failing = {
  'a check that fails': ['OK(0, "no"); return tap_end();', /^not ok 1 - no\n# at .*test\.c:5\n1\.\.1$/m],
  'an integer that differs': ['IS_INT(1, 2, "no"); return tap_end();', /got 1\n# want 2/],
  'a text that differs': ['IS_STR(STR("a"), STR("b"), "no"); return tap_end();', /got 'a'\n# want 'b'/],
  'main() returns before tap_end()': ['OK(1, "yes"); return 0;', /^Bail out! the test ended before tap_end\(\), after 1 checks$/m],
  'exit(0) before tap_end()': ['OK(1, "yes"); exit(0);', /^Bail out! the test ended before/m],
  'nothing is checked': ['return tap_end();', /^Bail out! nothing was checked$/m],
};
for (const [name, [body, says]] of Object.entries(failing)) {
  test(`fails: ${name}`, (t) => {
    const { status, stdout } = run(t, body);
    assert.match(stdout, says);
    assert.equal(status, 1);
  });
}
