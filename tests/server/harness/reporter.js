// A reporter for node:test: one line a file, everything about a failure, and the numbers that
// script/test adds up ("<passed> <failed> <file>" for each file, written to $CALLSPOOL_TEST_COUNTS).
// "<seconds> <file>: <test>" for each test is added to $CALLSPOOL_TEST_TIMES, and what failed, with its error, to $CALLSPOOL_TEST_FAILURES.
//
// A skipped or unfinished test counts as failed: nothing is skipped silently.
import { appendFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { inspect } from 'node:util';

// Of a failure at the end of a run: enough to know it by.  Its whole text stands where it failed.
const FAILURE_LINES_MOST = 8;

const isSuite = (data) => data.details?.type === 'suite';
// A test file as a whole is reported too, by its path; it counts only when it failed by itself.
const isFile = (data) => /\.test\.js$/.test(data.name) && data.nesting === 0;

function explain(data) {
  const error = data.details?.error;
  const cause = error?.cause ?? error;
  const text = typeof cause === 'object' ? inspect(cause, { depth: 6, breakLength: 110 }) : String(cause);
  return text.split('\n').filter((line) => !/^\s+at .*node:internal|^\s+at .*node:async_hooks/.test(line)).map((line) => `      ${line}`).join('\n');
}

export default async function* reporter(source) {
  let current = '';
  const files = new Map(); // name -> { passed, failed, ms }
  const output = [];
  const times = [];
  const failures = [];

  const counts = () => files.get(current);
  const fileLine = () => current ? `  ${current}: ${counts().passed + counts().failed} tests, ${(counts().ms / 1000).toFixed(1)} s\n` : '';

  for await (const { type, data } of source) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      // Figures and tables are the run's own result.
      if (/^\| /.test(data.message)) yield data.message.replace(/^/gm, '  ').trimEnd() + '\n';
      else output.push(data.message);
      continue;
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const file = basename(data.file ?? (isFile(data) ? data.name : current));
    if (file !== current) {
      yield fileLine();
      current = file;
      if (!files.has(current)) files.set(current, { passed: 0, failed: 0, ms: 0 });
    }
    if (!isFile(data) && data.nesting === 0) counts().ms += data.details.duration_ms;
    // Those inside a test are a part of it; those inside a describe() are at most one deep.
    if (!isSuite(data) && !isFile(data) && data.nesting <= 1) times.push(`${(data.details.duration_ms / 1000).toFixed(3)} ${file}: ${data.name}\n`);
    if (type === 'test:pass') {
      if (isSuite(data) || isFile(data)) continue;
      if (data.skip !== undefined || data.todo !== undefined) {
        counts().failed += 1;
        failures.push(`${file}: ${data.name}\n      it was skipped, and nothing may be skipped\n`);
        yield `  FAILED ${failures.at(-1)}`;
      } else counts().passed += 1;
      continue;
    }
    // What failed only because of a test inside it was told already.
    if (data.details?.error?.failureType === 'subtestsFailed') continue;
    counts().failed += 1;
    failures.push(`${file}: ${data.name}\n${explain(data)}\n`);
    yield `  FAILED ${failures.at(-1)}`;
  }
  yield fileLine();
  const sum = (what) => [...files.values()].reduce((all, one) => all + one[what], 0);
  const failed = sum('failed');
  // What the tests themselves printed is of interest only when something went wrong.
  if (failed > 0) yield output.join('').split('\n').slice(-200).join('\n');
  yield `  ${sum('passed')} passed, ${failed} failed\n`.replace(', 0 failed', '');
  if (process.env.CALLSPOOL_TEST_TIMES) appendFileSync(process.env.CALLSPOOL_TEST_TIMES, times.join(''));
  if (process.env.CALLSPOOL_TEST_FAILURES) {
    appendFileSync(process.env.CALLSPOOL_TEST_FAILURES, failures.map((text) => `${text.split('\n').slice(0, FAILURE_LINES_MOST).join('\n').trimEnd()}\n`).join(''));
  }
  if (process.env.CALLSPOOL_TEST_COUNTS) {
    writeFileSync(process.env.CALLSPOOL_TEST_COUNTS, [...files].map(([file, one]) => `${one.passed} ${one.failed} ${file}\n`).join(''));
  }
}
