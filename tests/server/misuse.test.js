// Arguments that a command does not take: each is told in one sentence with status 2, nothing is begun, and what
// lies on the other side of that line goes on to the data folder, which is not there.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, callspool } from './harness/callspool.js';
import { run, temporaryFolder } from './harness/process.js';

const DIGITS = '0123456789abcdef0123456789abcdef';
const CALL = `CA${DIGITS}`;
const RECORDING = `RE${DIGITS}`;
const WEBHOOK = `msg_${RECORDING}_1234`;
const KEY = `CR${DIGITS}`;

const WHICH_RETRY = 'say which: a call SID or a recording SID, --all, or --list';
const REASON_OF_RETRY = '--reason goes with --list or --all, of recordings';
const NO_SID = 'that is neither a call SID (CA...) nor a recording SID (RE...)';
const NO_WEBHOOK = 'with --notify: a webhook-id, as msg_RE..._1234';
const WHICH_HOLD = 'say which: a call SID or a recording SID';
const WHAT_IMPORT = 'say what is to be imported: --since DATE, or --from DIR';
const FROM_ALONE = '--from goes without --since and --until';
const NO_DAY = 'a date is a day, as 2026-01-31';
const ONE_OF_MIGRATE = '--to and --store, or one of them, or one of --status, --pause and --cancel is needed';
const ONE_OF_VERIFY = '--audit, --backup, --report-only and --accept go without each other';
const HEADS_OF_AUDIT = '--heads goes with --audit';
const NOT_DRY = '--trust-clock and --resume are not for --dry-run';
const WHICH_KEY = 'say which: add, list or check';
const DONE_TO_USERS = 'say what is to be done: add|list|rename|role|disable|enable|delete|reset [NAME [NEW]]';

/** [arguments, the sentence behind the command's name] */
const misused = [
  [['retry'], WHICH_RETRY],
  [['retry', '--list', '--all'], WHICH_RETRY],
  [['retry', CALL, '--list'], WHICH_RETRY],
  [['retry', CALL, '--all'], WHICH_RETRY],
  [['retry', CALL, '--all', '--list'], WHICH_RETRY],
  [['retry', '--notify'], WHICH_RETRY],
  [['retry', '--reason', 'x'], WHICH_RETRY],
  [['retry', CALL, '--reason', 'x'], REASON_OF_RETRY],
  [['retry', '--notify', '--all', '--reason', 'x'], REASON_OF_RETRY],
  [['retry', '--notify', '--list', '--reason', 'x'], REASON_OF_RETRY],
  [['retry', 'CA12'], NO_SID],
  [['retry', ''], NO_SID],
  [['retry', '--notify', ''], NO_WEBHOOK],
  [['retry', WEBHOOK], NO_SID],
  [['retry', `AC${DIGITS}`], NO_SID],
  [['retry', '--notify', RECORDING], NO_WEBHOOK],
  [['retry', '--notify', `msg_${RECORDING}_`], NO_WEBHOOK],
  [['retry', '--notify', `msg_${RECORDING}_0`], NO_WEBHOOK],
  [['retry', CALL, CALL], `unexpected argument '${CALL}'`],
  [['hold'], WHICH_HOLD],
  [['hold', '--lift'], WHICH_HOLD],
  [['hold', CALL, '--lift', '--reason', 'x'], '--reason is not for --lift'],
  [['hold', 'CA12'], "'CA12' is neither a call SID (CA...) nor a recording SID (RE...)"],
  [['import'], WHAT_IMPORT],
  [['import', '--until', '2026-01-31'], WHAT_IMPORT],
  [['import', '--no-wait'], WHAT_IMPORT],
  [['import', '--from', '.', '--since', '2026-01-31'], FROM_ALONE],
  [['import', '--from', '.', '--until', '2026-01-31'], FROM_ALONE],
  [['import', '--from', '.', '--no-wait'], FROM_ALONE],
  [['import', '--since', 'yesterday'], NO_DAY],
  [['import', '--since', '2026-02-30'], NO_DAY],
  [['import', '--since', '2026-01-3'], NO_DAY],
  [['import', '--since', '2026-01-31T00:00:00Z'], NO_DAY],
  [['import', '--since', '2026-01-30', '--until', '2026-01-32'], NO_DAY],
  [['purge', '--dry-run', '--trust-clock'], NOT_DRY],
  [['purge', '--dry-run', '--resume'], NOT_DRY],
  [['verify', '--audit', '--report-only'], ONE_OF_VERIFY],
  [['verify', '--audit', '--accept'], ONE_OF_VERIFY],
  [['verify', '--backup', '.', '--audit'], ONE_OF_VERIFY],
  [['verify', '--backup', '.', '--report-only'], ONE_OF_VERIFY],
  [['verify', '--backup', '.', '--accept'], ONE_OF_VERIFY],
  [['verify', '--report-only', '--accept'], ONE_OF_VERIFY],
  [['verify', '--heads', 'log'], HEADS_OF_AUDIT],
  [['verify', '--backup', '.', '--heads', 'log'], HEADS_OF_AUDIT],
  [['verify', '--report-only', '--heads', '-'], HEADS_OF_AUDIT],
  [['migrate'], ONE_OF_MIGRATE],
  [['migrate', '--verify-media'], ONE_OF_MIGRATE],
  [['migrate', '--to', 'sqlite', '--status'], ONE_OF_MIGRATE],
  [['migrate', '--store', 'local', '--pause'], ONE_OF_MIGRATE],
  [['migrate', '--to', 'sqlite', '--cancel'], ONE_OF_MIGRATE],
  [['migrate', '--status', '--pause'], ONE_OF_MIGRATE],
  [['migrate', '--pause', '--cancel'], ONE_OF_MIGRATE],
  [['migrate', '--to', 'sqlite', '--verify-media'], '--verify-media goes with --store'],
  [['migrate', '--status', '--verify-media'], '--verify-media goes with --store'],
  [['backup'], 'say where to: a folder'],
  [['restore'], 'say which backup: a folder'],
  [['path'], 'expected one call SID (CA...) or recording SID (RE...)'],
  [['path', 'CA12'], 'expected one call SID (CA...) or recording SID (RE...)'],
  [['nginx', '--explain', 'nginx.conf'], '--explain needs --url'],
  [['doctor', 'proxy', '--nginx-log', 'access.log'], '--nginx-log explains logs: it runs no check'],
  [['key'], WHICH_KEY],
  [['key', 'remove'], WHICH_KEY],
  [['key', 'addd', 'key.pem'], WHICH_KEY],
  [['user'], DONE_TO_USERS],
  [['user', '--admin'], DONE_TO_USERS],
  [['user', 'renmae'], "cannot 'renmae'; did you mean 'rename'?"],
  [['user', 'frobnicate'], "cannot 'frobnicate'"],
  [['user', 'add'], 'add: a name is missing'],
  [['user', 'rename', 'dana'], 'rename: a name is missing'],
  [['user', 'role', 'dana'], 'role: a name is missing'],
  [['user', 'delete'], 'delete: a name is missing'],
  [['user', 'reset'], 'reset: a name is missing'],
  [['user', 'list', 'dana'], "unexpected argument 'dana'"],
  [['user', 'disable', 'dana', 'robin'], "unexpected argument 'robin'"],
  [['user', 'rename', 'dana', 'robin', 'kim'], "unexpected argument 'kim'"],
  [['token'], 'say what is to be done: add NOTE --rights LIST | list | revoke NAME'],
  [['token', 'add', '--rights', 'play'], 'add: a name is missing'],
  [['token', 'list', 'crm'], "unexpected argument 'crm'"],
  [['token', 'revoke'], 'revoke: a name is missing'],
  [['session'], 'say what is to be done: list [--user NAME] | end NAME | end --user NAME'],
  [['session', 'list', 'Zk3_x81Q'], "unexpected argument 'Zk3_x81Q'"],
  [['link'], 'say what is to be done: make CALL_SID|RECORDING_SID | list | revoke NAME'],
  [['link', 'make'], 'make: a name is missing'],
  [['link', 'list', CALL], `unexpected argument '${CALL}'`],
  [['link', 'revoke'], 'revoke: a name is missing'],
  [['link', 'make', CALL, '--plays', 'often'], '--plays often: expected a number, 1 or more'],
  [['link', 'make', CALL, '--plays', '-1'], '--plays -1: expected a number, 1 or more'],
  [['link', 'make', CALL, '--plays', '0'], '--plays 0: expected a number, 1 or more'],
  [['link', 'make', CALL, '--plays', '9223372036854775808'], '--plays 9223372036854775808: expected a number, 1 or more'],
  [['link', 'make', CALL, '--plays'], '--plays needs a value'],
  [['link', 'make', CALL, '--plays='], '--plays : expected a number, 1 or more'],
  [['link', 'make', CALL, '--plays=1', '--plays=2'], '--plays is given twice'],
  [['link', 'make', CALL, '--numbers=yes'], '--numbers takes no value'],
  [['simulate', ...Array(65).fill('--fault=x')], '--fault is given more than 64 times'],
  [['status', '--frobnicate'], "unknown option '--frobnicate'"],
  [['status', '--hlep'], "unknown option '--hlep'; did you mean '--help'?"],
  [['status', '-x'], "unknown option '-x'"],
  [['status', '-'], "unexpected argument '-'"],
];
for (const [args, sentence] of misused) {
  test(`misused: ${args.slice(0, 4).join(' ')}`, async (t) => {
    const { code, stdout, stderr } = await callspool(args, { env: { CALLSPOOL_DATA_DIR: join(temporaryFolder(t), 'none') } });
    assert.deepEqual([code, stdout, stderr], [2, '', `callspool ${args[0]}: ${sentence}\nTry: callspool ${args[0]} --help\n`]);
  });
}

/** [arguments, what is said]: found to be wrong by what is to be done, before anything is. */
const refused = [
  [['session', 'end'], 'say which session ends, by its name, or whose: --user NAME'],
  [['session', 'end', 'Zk3_x81Q', '--user', 'dana'], 'say which session ends, by its name, or whose: --user NAME'],
  [['token', 'add', 'crm'], 'say what the token may do: --rights play,read,link,change,status,admin'],
  [['link', 'make', 'CA12'], "'CA12' is no SID of a call (CA...) or a recording (RE...)"],
  [['user', 'delete', 'a/b'], "'a/b': a name is made of letters, digits and . _ @ + -"],
  [['user', 'delete', ''], "'': a name is made of letters, digits and . _ @ + -"],
  [['token', 'revoke', '../users'], "'../users': a name is made of letters, digits and . _ @ + -"],
  [['link', 'list', '--call', `${CALL}?`], `'${CALL}?': a name is made of letters, digits and . _ @ + -`],
  [['key', 'add'], 'name the file of the private key'],
  [['key', 'add', 'key.pem'], 'say for which public key it is, as Twilio shows it: --sid CR...'],
  [['key', 'add', 'key.pem', '--sid', KEY.slice(0, -1)], `'${KEY.slice(0, -1)}' is no SID of a public key: CR and 32 hexadecimal digits`],
  [['key', 'check', '--public', 'key.pem'], '--public goes with the file of a private key'],
  [['doctor', '--watch', '--every', '999ms'], '--every 999ms: expected a duration from 1s to 7d'],
  [['doctor', '--watch', '--every', '169h'], '--every 169h: expected a duration from 1s to 7d'],
  [['doctor', 'proxy', '--watch', '--nginx-conf', '-'], "--watch reads nginx's configuration each time: name a file in place of -"],
  [['doctor', '--watch', '--every', 'often'], '--every often: expected a duration from 1s to 7d'],
  [['doctor', '--proxy-read-timeout', '60'], '--proxy-read-timeout 60: expected a duration, as 60s'],
];
for (const [args, says] of refused) {
  test(`refused: ${args.join(' ')}`, async (t) => {
    const { code, stdout, stderr } = await callspool(args, { env: { CALLSPOOL_DATA_DIR: join(temporaryFolder(t), 'none') } });
    assert.deepEqual([code, stdout, stderr], [2, '', `callspool: ${says}\n`]);
  });
}

/** A shell's words, for node gives a program no bytes that are no UTF-8: a server is told of none, for JSON holds none. */
const BYTES = "\"$(printf '90d\\240')\"";
const inWords = (t, words) => run('/bin/sh', ['-c', `exec "$0" ${words}`, BINARY], { env: { CALLSPOOL_DATA_DIR: join(temporaryFolder(t), 'none'), CALLSPOOL_AUTH: 'none' } });
const notUtf8 = [
  [`token add crm --rights play --expires ${BYTES}`, '--expires is not UTF-8'],
  [`token add crm --rights play --expires=${BYTES}`, '--expires is not UTF-8'],
  [`token add ${BYTES} --rights play`, 'add: a name or a note is not UTF-8'],
  [`link make ${RECORDING} --expires ${BYTES}`, '--expires is not UTF-8'],
  [`link make ${RECORDING} --note ${BYTES}`, '--note is not UTF-8'],
  [`user add dana --full-name ${BYTES}`, '--full-name is not UTF-8'],
  [`user add ${BYTES}`, 'add: a name or a note is not UTF-8'],
  [`user rename dana ${BYTES}`, 'rename: a name or a note is not UTF-8'],
  [`user role dana ${BYTES}`, 'role: a name or a note is not UTF-8'],
  [`hold ${RECORDING} --reason ${BYTES}`, '--reason is not UTF-8'],
  [`migrate --store ${BYTES}`, '--store is not UTF-8'],
];
for (const [words, sentence] of notUtf8) {
  test(`not UTF-8: ${words}`, async (t) => {
    const { code, stdout, stderr } = await inWords(t, words);
    const [command] = words.split(' ');
    assert.deepEqual([code, stdout, stderr], [2, '', `callspool ${command}: ${sentence}\nTry: callspool ${command} --help\n`]);
  });
}

test('a file may be called what is not UTF-8, but not the binary of an upgrade, which the server is told of', async (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(Buffer.concat([Buffer.from(join(folder, 'caf')), Buffer.from([0xe9])]), '');
  const file = `"$(printf '${folder}/caf\\351')"`;
  const settings = await inWords(t, `token list --config ${file}`);
  assert.deepEqual([settings.code, settings.stdout], [3, ''], settings.stderr);
  const { code, stdout, stderr } = await inWords(t, `upgrade --binary ${file}`);
  assert.deepEqual([code, stdout, stderr], [2, '', 'callspool: the path of --binary is not UTF-8, and the server takes no other\n']);
});

/** What is used as it should be: it looks for a ledger, and finds none. */
const used = [
  ['retry', CALL],
  ['retry', RECORDING],
  ['retry', '--all'],
  ['retry', '--list', '--reason', 'x'],
  ['retry', '--all', '--reason', 'x'],
  ['retry', '--notify', WEBHOOK],
  ['retry', '--notify', '--all'],
  ['retry', '--notify', '--list'],
  ['hold', CALL],
  ['hold', RECORDING, '--reason', 'x'],
  ['hold', RECORDING, '--lift'],
  ['import', '--since', '2024-02-29', '--until', '2024-03-01'],
  ['purge', '--dry-run'],
  ['purge', '--trust-clock', '--resume'],
  ['verify', '--accept'],
  ['path', CALL],
  ['path', RECORDING],
  ['migrate', '--status'],
  ['migrate', '--pause'],
  ['migrate', '--cancel'],
  ['user', 'list'],
  ['user', 'rename', 'dana', 'robin'],
  ['user', 'delete', 'dana.o_n-1+x@example.com'],
  ['token', 'add', 'crm', '--rights', 'play'],
  ['session', 'end', 'Zk3_x81Q'],
  ['session', 'end', '--user', 'dana'],
  ['link', 'make', CALL, '--plays', '1', '--numbers'],
  ['link', 'make', RECORDING],
];
const UNCHECKED = 8; // of a store that is not there nothing was found out
for (const [args, status] of [...used.map((one) => [one, 3]), [['verify', '--report-only'], UNCHECKED]]) {
  test(`no misuse, and nothing is there: ${args.join(' ')}`, async (t) => {
    const dataDir = join(temporaryFolder(t), 'none');
    const { code, stdout, stderr } = await callspool(args, { env: { CALLSPOOL_DATA_DIR: dataDir, CALLSPOOL_AUTH: 'none' } });
    assert.equal(code, status, stdout + stderr);
    assert.doesNotMatch(stderr, /Try: /);
    assert.equal(existsSync(dataDir), false, 'and none is made');
  });
}
