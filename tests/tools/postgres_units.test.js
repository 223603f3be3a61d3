// tests/tools/postgres: a unit test that ends badly has failed, wherever it stands in the row.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tool = new URL('postgres', import.meta.url).pathname;

test('units: what each says is told, and how it ended', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'units-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const programs = Object.entries({
    good: 'echo "ok 1 - one"; echo 1..1',
    bails: 'echo "ok 1 - one"; echo "Bail out! no more"; exit 1',
    dies: 'kill -9 $$',
    last: 'echo "not ok 1 - no"; echo 1..1; exit 3',
  }).map(([name, body]) => {
    const path = join(folder, `test_${name}`);
    writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  });
  const { status, stdout } = spawnSync(tool, ['units', ...programs], { encoding: 'utf8', timeout: 180_000 });
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'ok 1 - test_good: one',
    'ok 2 - test_good ends well',
    'ok 3 - test_bails: one',
    '# test_bails: Bail out! no more',
    'not ok 4 - test_bails ends well (status 1)',
    'not ok 5 - test_dies ends well (status 137)',
    'not ok 6 - test_last: no',
    'not ok 7 - test_last ends well (status 3)',
    '1..7',
  ]);
  assert.equal(status, 1);
});
