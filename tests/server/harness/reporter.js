// A reporter for node:test: one line a file, everything about a failure, and the two numbers that
// script/test adds up (written to $CALLSPOOL_TEST_COUNTS as "<passed> <failed>").  "<seconds> <file>: <test>"
// for each test is added to $CALLSPOOL_TEST_TIMES.
//
// A skipped or unfinished test counts as failed: nothing is skipped silently.
import { appendFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { inspect } from 'node:util';

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
  let passed = 0;
  let failed = 0;
  let current = '';
  let inFile = 0;
  let startedAt = Date.now();
  const output = [];
  const times = [];

  const fileLine = () => current ? `  ${current}: ${inFile} tests, ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n` : '';

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
      inFile = 0;
      startedAt = Date.now();
    }
    // Those inside a test are a part of it; those inside a describe() are at most one deep.
    if (!isSuite(data) && !isFile(data) && data.nesting <= 1) times.push(`${(data.details.duration_ms / 1000).toFixed(3)} ${file}: ${data.name}\n`);
    if (type === 'test:pass') {
      if (isSuite(data) || isFile(data)) continue;
      inFile += 1;
      if (data.skip !== undefined || data.todo !== undefined) {
        failed += 1;
        yield `  FAILED ${file}: ${data.name}\n      it was skipped, and nothing may be skipped\n`;
      } else passed += 1;
      continue;
    }
    // What failed only because of a test inside it was told already.
    if (data.details?.error?.failureType === 'subtestsFailed') continue;
    inFile += 1;
    failed += 1;
    yield `  FAILED ${file}: ${data.name}\n${explain(data)}\n`;
  }
  yield fileLine();
  // What the tests themselves printed is of interest only when something went wrong.
  if (failed > 0) yield output.join('').split('\n').slice(-200).join('\n');
  yield `  ${passed} passed, ${failed} failed\n`.replace(', 0 failed', '');
  if (process.env.CALLSPOOL_TEST_TIMES) appendFileSync(process.env.CALLSPOOL_TEST_TIMES, times.join(''));
  if (process.env.CALLSPOOL_TEST_COUNTS) writeFileSync(process.env.CALLSPOOL_TEST_COUNTS, `${passed} ${failed}\n`);
}
