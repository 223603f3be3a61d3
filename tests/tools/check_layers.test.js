// tools/check-layers catches what it is there to catch: each case is a small tree with one fault.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const tool = new URL('../../tools/check-layers', import.meta.url).pathname;

const sound = {
  'src/main.c': '#include "cmd/cmd.h"\n#include <stdio.h>\n',
  'src/cmd/cmd.h': '#include "http/range.h"\n',
  'src/cmd/cmd_serve.c': '#include "cmd/cmd.h"\n#include "web/page.h"\n',
  'src/base/str.h': '#pragma once\n',
  'src/base/str.c': '#include "base/str.h"\n\n#include <string.h>\n',
  'src/http/range.h': '#pragma once\n#include "base/str.h"\n',
  'src/http/range.c': '#include "http/range.h"\n',
  'src/web/page.h': '#include "http/range.h"\n',
  'src/web/page.c': '#include "web/page.h"\n#include "base/str.h"\n',
};

function run(t, changes) {
  const root = mkdtempSync(join(tmpdir(), 'layers-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...sound, ...changes })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return spawnSync(tool, [root], { encoding: 'utf8' });
}

test('a sound tree passes', (t) => {
  const { status, stdout } = run(t, { 'src/db/db.h': '\n', 'src/db/db_sqlite.c': '#include "db/db.h"\n' });
  assert.equal(stdout, 'check-layers: 11 files, no objection\n');
  assert.equal(status, 0);
});

test('a room may be full to the last line', (t) => {
  const { status } = run(t, { 'src/http/range.c': `#include "http/range.h"\n${'\n'.repeat(3999)}` });
  assert.equal(status, 0);
});

const faults = [
  ['an arrow upwards', { 'src/http/range.c': '#include "http/range.h"\n#include "web/page.h"\n' },
    /^src\/http\/range\.c:2: http may include base event; not web \("web\/page\.h"\)$/m],
  ['base includes nobody', { 'src/base/str.h': '#include "http/range.h"\n' }, /^src\/base\/str\.h:1: base may include nothing else/m],
  ['main.c goes past cmd', { 'src/main.c': '#include "http/range.h"\n' }, /^src\/main\.c:1: main\.c may include cmd and people and manual only/m],
  ['cmd reaches up to manual', { 'src/manual/roff.h': '', 'src/cmd/cmd_serve.c': '#include "cmd/cmd.h"\n#include "manual/roff.h"\n' }, /^src\/cmd\/cmd_serve\.c:2: cmd may include .*; not manual/m],
  ['a room nobody knows', { 'src/helpers/x.h': '\n' }, /^src\/helpers\/x\.h:1: 'helpers' is not a room/m],
  ['the own header second', { 'src/web/page.c': '#include <stdio.h>\n#include "web/page.h"\n' },
    /^src\/web\/page\.c:1: the first include must be its own header "web\/page\.h"$/m],
  ['the own header not at all', { 'src/web/page.c': 'int x;\n' }, /^src\/web\/page\.c:1: it includes nothing/m],
  ['no header and no contract of its room', { 'src/web/lone.c': '#include "base/str.h"\n' }, /^src\/web\/lone\.c:1: there is no "web\/lone\.h": the first/m],
  ['a name twice', { 'src/web/range.h': '\n' }, /^src\/web\/range\.h:1: the name is taken by src\/http\/range\.c$/m],
  ['a circle of headers', { 'src/http/range.h': '#include "http/reply.h"\n', 'src/http/reply.h': '\n#include "http/range.h"\n' },
    /headers include each other: http\/range\.h -> http\/reply\.h -> http\/range\.h/],
  ['a header that is not there', { 'src/web/page.h': '#include "web/nothing.h"\n' }, /^src\/web\/page\.h:1: "web\/nothing\.h" does not exist/m],
  ['a path not from src/', { 'src/http/range.c': '#include "http/range.h"\n#include "range.h"\n' }, /"range\.h" does not exist under src/],
  ['ours in angle brackets', { 'src/http/range.c': '#include "http/range.h"\n#include <web/page.h>\n' }, /own header in angle brackets/],
  ['a private header of another room', { 'src/web/page.c': '#include "web/page.h"\n#include "http/http_private.h"\n', 'src/http/http_private.h': '\n' },
    /^src\/web\/page\.c:2: "http\/http_private\.h" is for the files of http alone$/m],
  ['a room that outgrew itself', { 'src/http/range.c': `#include "http/range.h"\n${'\n'.repeat(2999)}`, 'src/http/reply.h': '',
    'src/http/reply.c': `#include "http/reply.h"\n${'\n'.repeat(1000)}` },
  /^src\/http\/range\.c:3000: http has 4,001 lines of \.c, and a room has at most 4,000: this is the longest of its 2$/m],
  ['a .c included', { 'src/http/range.c': '#include "http/range.h"\n#include "base/str.c"\n' }, /"base\/str\.c" is not a header/],
];
for (const [name, changes, says] of faults) {
  test(`caught: ${name}`, (t) => {
    const { status, stdout } = run(t, changes);
    assert.match(stdout, says);
    assert.equal(status, 1);
  });
}
