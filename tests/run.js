// Runs files of tests as `node --test` does, several at once, but the longest first: that one has them sorted by name, and
// a long one that is begun last leaves all but one core idle for minutes.
//
//	node tests/run.js COUNT LONGEST FILE...    COUNT at once; told by harness/reporter.js on stdout
//
// LONGEST (tests/longest) has a line for each file that takes long: "<seconds> <folder>/<file>".  The others follow as they are given.
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { run } from 'node:test';
import reporter from './server/harness/reporter.js';

function secondsOf(longest) {
  const lines = readFileSync(longest, 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => {
    const [, seconds, name] = line.match(/^(\d+) (\S+)$/) ?? [];
    if (!name) throw new Error(`${longest}: not '<seconds> <folder>/<file>': ${line}`);
    return [name, Number(seconds)];
  }));
}

const [count, longest, ...files] = process.argv.slice(2);
const known = secondsOf(longest);
const seconds = (file) => known.get(resolve(file).split('/').slice(-2).join('/')) ?? 0;
const ended = new AbortController();
setMaxListeners(files.length + 1, ended.signal); // each file listens
process.once('SIGTERM', () => ended.abort()); // and the files with it
run({ files: files.map((file) => resolve(file)).sort((a, b) => seconds(b) - seconds(a)), concurrency: Number(count), signal: ended.signal })
  .on('test:fail', () => { process.exitCode = 1; })
  .compose(reporter).pipe(process.stdout);
