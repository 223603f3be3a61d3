// tools/check-docs catches what it is there to catch: each case is a small tree with one fault.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const tool = new URL('../../tools/check-docs', import.meta.url).pathname;

const rows = ['| setting | default | meaning |', '| --- | --- | --- |', '| `a` | 1 | A. |', '| `b` | 2 | B. |', '| `c` | 3 | C. |'];
const sound = {
  'README.md': '# It\n[docs](docs/api.md#the-calls) ![picture](docs/page.png) [far](https://example.com/x)\n',
  'docs/page.png': '',
  'docs/api.md': '# The calls\n`GET|HEAD /api/calls/{CallSid}` and `POST /webhook`\n',
  'docs/settings.md': `# Settings\n\n${rows.join('\n')}\n`,
  'src/web/routes.c': `
#define GET (BIT(HTTP_GET) | BIT(HTTP_HEAD))
    { GET, "/api/calls/{}", calls_one },
    { GET, "/page.js", web_page },
    { BIT(HTTP_POST), "/webhook", webhook, .body_max = 1 },
  `,
  'callspool': `#!/bin/sh\n[ "$1 $2" = "config --markdown" ] || exit 9\ncat <<'EOF'\n${rows.join('\n')}\nEOF\n`,
};

function run(t, changes) {
  const root = mkdtempSync(join(tmpdir(), 'docs-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ ...sound, ...changes })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: 0o755 });
  }
  return spawnSync(tool, ['--root', root, '--binary', join(root, 'callspool')], { encoding: 'utf8' });
}

test('a sound tree passes', (t) => {
  const { status, stdout } = run(t, {});
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

const faults = [
  ['a link to a file that is not there', { 'README.md': '[x](docs/none.md)\n' }, /^README\.md:1: the link leads nowhere: docs\/none\.md$/m],
  ['a link to a heading that is not there', { 'README.md': '[x](docs/api.md#nothing)\n' }, /^README\.md:1: no such heading/m],
  ['a setting that the page lacks', { 'docs/settings.md': rows.slice(0, 4).join('\n') }, /the program says otherwise: \| `c`/],
  ['a setting that the program lacks', { 'docs/settings.md': [...rows, '| `d` | 4 | D. |'].join('\n') }, /no such setting: \| `d`/],
  ['a program that does not answer', { callspool: '#!/bin/sh\nexit 1\n' }, /cannot ask the program/],
  ['a route that the page lacks', { 'docs/api.md': '# The calls\n`GET|HEAD /api/calls/{CallSid}`\n' }, /does not name POST \/webhook/],
  ['a method that the page lacks', { 'docs/api.md': '# The calls\n`POST /api/calls/{CallSid}` `POST /webhook`\n' }, /does not name GET \/api\/calls\/\{\}/],
  ['a route that is not served', { 'docs/api.md': `${sound['docs/api.md']}\`DELETE /webhook\`\n` }, /names DELETE \/webhook, which/],
];
for (const [name, changes, says] of faults) {
  test(`caught: ${name}`, (t) => {
    const { status, stdout } = run(t, changes);
    assert.match(stdout, says);
    assert.equal(status, 1);
  });
}
