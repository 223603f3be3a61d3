// What a test starts, it ends: everything, last one first, and even when one of the endings fails.
import { after } from 'node:test';
import { appendFileSync, readFileSync } from 'node:fs';

const endings = new WeakMap();

async function endAll(list) {
  const failures = [];
  for (const ending of list.reverse()) {
    try {
      await ending();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Calls `ending` when the test (or suite, or `lifetime`) that t stands for is over. */
export function atEnd(t, ending) {
  let list = endings.get(t);
  if (!list) {
    list = [];
    endings.set(t, list);
    t.after(() => endAll(list));
  }
  list.push(ending);
}

const FILE_LIMIT_MS = 900_000; // the longest (tests/longest) takes a quarter of it, twice that on a busy machine

/** The processes that this one started and that still run: { pid, command }. */
function childrenLeft() {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  return pids.map((pid) => ({ pid, command: readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ') }));
}

/** A test that waits for what never comes would hold up all that come after it. */
function endLateFile() {
  const left = childrenLeft();
  console.error(`not over after ${FILE_LIMIT_MS / 1000} s: ${process.argv[1]}; it waits for ${process.getActiveResourcesInfo().join(', ')}`);
  for (const { pid, command } of left) {
    console.error(`still runs: ${pid} ${command}`);
    process.kill(pid, 'SIGKILL');
  }
  process.exit(1);
}

const TICKS_A_SECOND = 100; // of /proc, whatever the kernel's own

/** Of this process and all that it started and has seen end: "<seconds> <file>" is added to $CALLSPOOL_TEST_CPU. */
function tellProcessorTime() {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ').at(-1).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0); // user and system, ours and theirs
  appendFileSync(process.env.CALLSPOOL_TEST_CPU, `${(ticks / TICKS_A_SECOND).toFixed(1)} ${process.argv[1].split('/').slice(-2).join('/')}\n`);
}

/** For what all tests of a file share: stands in for `t` in a before() hook; over after the last test. */
const ofFile = [];
// At once: asked for in a before() it would be over with that.  Who is no test at all uses this file, too, and has none.
if (process.argv[1]?.endsWith('.test.js')) {
  after(() => endAll(ofFile));
  setTimeout(endLateFile, FILE_LIMIT_MS).unref();
  if (process.env.CALLSPOOL_TEST_CPU) process.once('exit', tellProcessorTime);
}
export const lifetime = { after: (ending) => ofFile.push(ending) };
