// What a test starts, it ends: everything, last one first, and even when one of the endings fails.
import { after } from 'node:test';

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

/** For what all tests of a file share: stands in for `t` in a before() hook; over after the last test. */
const ofFile = [];
// At once: asked for in a before() it would be over with that.  Who is no test at all uses this file, too, and has none.
if (process.argv[1]?.endsWith('.test.js')) after(() => endAll(ofFile));
export const lifetime = { after: (ending) => ofFile.push(ending) };
