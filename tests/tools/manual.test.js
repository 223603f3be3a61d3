// What the program writes of itself for packages: manual pages by the linters of both formatters, completions in the shells themselves.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const top = new URL('../..', import.meta.url).pathname;
const binary = process.env.CALLSPOOL_BIN ?? join(top, 'build-test/callspool');
const folder = mkdtempSync(join(tmpdir(), 'manual-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
// Sources of dates and of settings are the tests' own.
const env = { PATH: `${folder}/bin:${process.env.PATH}`, HOME: folder, ZDOTDIR: folder, LANG: 'C.UTF-8', SOURCE_DATE_EPOCH: '1764288000' };

function write(form, name) {
  const path = join(folder, name);
  writeFileSync(path, execFileSync(binary, ['help', form], { env, encoding: 'utf8' }));
  return path;
}
mkdirSync(join(folder, 'zsh'));
const files = {
  man: write('--man', 'callspool.1'),
  settings: write('--man-settings', 'callspool.conf.5'),
  bash: write('--bash', 'callspool'),
  zsh: write('--zsh', 'zsh/_callspool'),
  fish: write('--fish', 'callspool.fish'),
};

/** What a command prints, which must succeed. */
function said(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { env, cwd: folder, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}

for (const page of ['man', 'settings']) {
  test(`${files[page].split('/').pop()}: mandoc and groff have nothing to say`, () => {
    assert.equal(said('mandoc', ['-T', 'lint', '-W', 'warning', files[page]]), '');
    assert.equal(said('groff', ['-man', '-ww', '-t', '-K', 'utf8', '-T', 'utf8', '-z', files[page]]), '');
  });
}

test('the pages show every command, option and setting', () => {
  const page = said('mandoc', ['-T', 'ascii', files.man]).replace(/.\x08/g, '');
  const settings = said('mandoc', ['-T', 'ascii', files.settings]).replace(/.\x08/g, '');
  const list = said(binary, ['--help']);
  const commands = [...list.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
  assert.ok(commands.length > 10);
  for (const command of commands) {
    assert.match(page, new RegExp(`^ +callspool ${command}\\b`, 'm'));
    if (command === 'help') continue;
    for (const [, option] of said(binary, ['help', command]).matchAll(/^ {2}(--[a-z-]+)/gm)) assert.ok(page.includes(option), `${command} ${option}`);
  }
  for (const key of Object.keys(JSON.parse(said(binary, ['config', '--json'])))) assert.ok(settings.split(/\s+/).includes(key), key);
  assert.match(page, /2025-11-28/);
});

test('no slot of a template is left', () => {
  for (const file of [files.bash, files.zsh, files.fish]) assert.doesNotMatch(said('cat', [file]), /@[a-z]+@/);
});

test('help --nonsense is refused, with what was meant', () => {
  const { status, stderr } = spawnSync(binary, ['help', '--nonsense'], { env, encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /--nonsense/);
});

// A line, the replies that must be among those offered, and those that must not.
const lines = [
  ['a command', 'callspool se', ['serve', 'session'], ['status', 'demo']],
  ['an option', 'callspool serve --s', ['--stdio', '--set'], ['--json', '--config']],
  ['a verb', 'callspool user re', ['rename', 'reset'], ['add']],
  ['no verb where there was one', 'callspool user add re', [], ['rename', 'reset', 'retry']],
  ['a command to help with', 'callspool help conf', ['config'], ['version']],
  ['a setting', 'callspool config --set play_', ['play_wait=', 'play_limit='], ['listen=']],
  ['a secret by the name of its file', 'callspool config --set twilio.auth_token_f', ['twilio.auth_token_file='], ['twilio.auth_token=']],
  ['a file', 'callspool serve --config callspool.c', ['callspool.conf.5'], ['callspool.1', 'zsh/']],
  ['a folder', 'callspool import --from z', ['zsh/'], ['callspool']],
];

const bashScript = `
source ${files.bash}
COMP_LINE=$1 COMP_POINT=\${#1}
[[ $2 = yes ]] || COMP_WORDBREAKS=\${COMP_WORDBREAKS//[=:]/}
_callspool callspool
printf '%s\\n' "\${COMPREPLY[@]}"`;
const bash = (line, breaks = 'yes') => said('bash', ['--norc', '-c', bashScript, 'bash', line, breaks]).split('\n').filter(Boolean);

// All lines by one fish, which takes long to start: what it offers for each ends with a line of its own.
const FISH_VALUE = 'callspool config --set auth=p';
let fishReplies;
function fish(line) {
  const asked = [...lines.map(([, one]) => one), FISH_VALUE];
  fishReplies ??= said('fish', ['--no-config', '-c', `source ${files.fish}; for line in $argv; complete -C "$line"; echo =; end`, ...asked]).split(/^=\n/m);
  return fishReplies[asked.indexOf(line)].split('\n').filter(Boolean).map((reply) => reply.split('\t')[0]);
}

for (const [name, line, offered, not] of lines) {
  for (const [shell, replies] of [['bash', bash], ['fish', fish]]) {
    test(`${shell} completes ${name}: ${line}`, () => {
      // bash itself adds the slash to a folder.
      const got = replies(line).map((reply) => (shell === 'bash' && reply === 'zsh' ? 'zsh/' : reply));
      for (const reply of offered) assert.ok(got.includes(reply), `${reply} is not among ${got}`);
      for (const reply of not) assert.ok(!got.includes(reply), `${reply} is among ${got}`);
    });
  }
}

test('bash completes a value behind "=", whether or not it cuts words there', () => {
  assert.deepEqual(bash('callspool config --set auth=p'), ['password', 'proxy']);
  assert.deepEqual(bash('callspool config --set auth=p', 'no'), ['auth=password', 'auth=proxy']);
  assert.deepEqual(bash('callspool config --set=auth=p'), ['password', 'proxy']);
  assert.deepEqual(bash('callspool config --set=auth=p', 'no'), ['--set=auth=password', '--set=auth=proxy']);
  assert.deepEqual(bash('callspool config --set data_dir=x'), []);
});

test('fish completes a value behind "="', () => {
  assert.deepEqual(fish(FISH_VALUE), ['auth=password', 'auth=proxy']);
});

// The shells themselves, at a terminal: what a key does to the line.
const bashRc = join(folder, 'bashrc');
writeFileSync(bashRc, `PS1='ready$ '; bind 'set enable-bracketed-paste off'; source ${files.bash}\n`);
// The first one keeps what compinit finds, which takes it a second, for the others.
writeFileSync(join(folder, '.zshrc'), `PS1='ready$ '; PROMPT_SP=; unsetopt prompt_sp zle_bracketed_paste; fpath=(${join(folder, 'zsh')} $fpath); autoload -U compinit; compinit -u -d ${join(folder, 'zcompdump')}\n`);
const shells = { bash: ['bash', '--rcfile', bashRc, '-i'], zsh: ['zsh', '-o', 'no_global_rcs', '-i'] };

const presses = [
  ['a command', 'callspool conf\\t', 'callspool config '],
  ['all commands that fit', 'callspool se\\t\\t', 'serve.*\\s.*session'],
  ['an option', 'callspool serve --st\\t', 'serve --stdio '],
  ['a verb', 'callspool user dis\\t', 'user disable '],
  ['a setting, to be gone on with', 'callspool config --set play_w\\t20s', '--set play_wait=20s'],
  ['a value of a setting', 'callspool config --set auth=pa\\t', '--set auth=password '],
  ['a file', 'callspool serve --config callspool.f\\t', '--config callspool.fish '],
  ['a folder, to be gone on with', 'callspool import --from zs\\t', '--from zsh/'],
];
for (const [shell, command] of Object.entries(shells)) {
  for (const [name, keys, expected] of presses) {
    test(`${shell} at a terminal: ${name}`, () => {
      said(join(top, 'tests/tools/press-tab'), [keys, expected, ...command]);
    });
  }
}
