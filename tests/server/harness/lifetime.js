// For what all tests of a file share: stands in for the test context `t` where a program is started
// in a before() hook, and ends it all, last one first, after the last test of the file.
import { after } from 'node:test';

const endings = [];
after(async () => {
  for (const ending of endings.reverse()) await ending();
});

export const lifetime = { after: (ending) => endings.push(ending) };
