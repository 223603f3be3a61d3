// tests/run.js: in which order files of tests are begun, and that what it tells is what was.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname;

/** Runs a file for each of `bodies`, one at once: { status, stdout, counts, cpu, order }. */
function runFiles(t, bodies, longest) {
  const folder = mkdtempSync(join(tmpdir(), 'run-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const order = join(folder, 'order'), counts = join(folder, 'counts'), list = join(folder, 'longest'), cpu = join(folder, 'cpu');
  writeFileSync(list, longest(basename(folder)));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const files = Object.entries(bodies).map(([name, body]) => {
    const file = join(folder, `${name}.test.js`);
    writeFileSync(file, `import test from 'node:test'; import { appendFileSync } from 'node:fs';
appendFileSync(${JSON.stringify(order)}, '${name} '); ${body}`);
    return file;
  });
  const { NODE_TEST_CONTEXT: ours, ...env } = process.env; // or it takes itself for a part of this file
  const { status, stdout, stderr } = spawnSync('node', [join(root, 'tests/run.js'), '1', list, ...files], { encoding: 'utf8', env: { ...env, CALLSPOOL_TEST_COUNTS: counts, CALLSPOOL_TEST_TIMES: '', CALLSPOOL_TEST_CPU: cpu, CALLSPOOL_TEST_FAILURES: '' } });
  const read = (path) => existsSync(path) && readFileSync(path, 'utf8');
  return { status, stdout, stderr, counts: read(counts), cpu: read(cpu), order: read(order) };
}

const passes = "test('one', () => {});";

test('what takes longest is begun first, and the others as they are given', (t) => {
  const { status, order, counts } = runFiles(t, { z: passes, a: passes, b: passes, c: passes }, (folder) => `# seconds\n9 ${folder}/b.test.js\n\n10 ${folder}/c.test.js\n11 other/a.test.js\n`);
  assert.equal(order, 'c b z a ');
  assert.equal(status, 0);
  assert.equal(counts, '1 0 c.test.js\n1 0 b.test.js\n1 0 z.test.js\n1 0 a.test.js\n');
});

test('what fails, and a file that ends by itself, is told, and all others run', (t) => {
  const { status, stdout, counts } = runFiles(t, { a: "test('one', () => { throw new Error('this is why'); });", b: 'process.exit(3);', c: passes }, () => '');
  assert.equal(status, 1);
  assert.equal(counts, '0 1 a.test.js\n0 1 b.test.js\n1 0 c.test.js\n');
  assert.match(stdout, /FAILED a\.test\.js: one\n +Error: this is why/);
});

test('what a file took of the processors, with all that it started, is told', (t) => {
  const lifetime = JSON.stringify(join(root, 'tests/server/harness/lifetime.js'));
  const { cpu } = runFiles(t, {
    a: `import ${lifetime}; import { spawnSync } from 'node:child_process'; test('one', () => { spawnSync('sh', ['-c', 'ulimit -t 1; while :; do :; done']); });`,
    b: `import ${lifetime}; ${passes}`,
  }, () => '');
  const [, ofA, ofB] = cpu.match(/^(\d+\.\d) \S+\/a\.test\.js\n(\d+\.\d) \S+\/b\.test\.js\n$/) ?? [];
  assert.ok(Number(ofA) >= Number(ofB) + 0.5, cpu);
});

test('a list that cannot be read is no list', (t) => {
  const { status, stderr, order } = runFiles(t, { a: passes }, () => 'bucket.test.js 225\n');
  assert.equal(status, 1);
  assert.match(stderr, /not '<seconds> <folder>\/<file>': bucket/);
  assert.equal(order, false);
});

test('each file of tests/longest is there', () => {
  const names = readFileSync(join(root, 'tests/longest'), 'utf8').split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.split(' ')[1]);
  assert.ok(names.length > 0);
  for (const name of names) assert.ok(existsSync(join(root, 'tests', name)), name);
});
