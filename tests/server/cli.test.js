// The command line: what each command prints, its exit status, and settings from every source.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNT, BINARY, TOKEN, callspool, startServer } from './harness/callspool.js';
import { request, requestJson, parseReplies } from './harness/http.js';
import { run, temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const COMMANDS = ['serve', 'demo', 'simulate', 'status', 'health', 'doctor', 'path', 'user', 'token', 'session', 'link', 'import', 'retry', 'hold', 'purge', 'verify', 'backup', 'restore', 'config', 'nginx', 'migrate', 'upgrade', 'version'];

test('version', async () => {
  const { code, stdout, stderr } = await callspool(['version']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^callspool \d+\.\d+\.\d+/);
});

test('--help names every command and exits with 0', async () => {
  const { code, stdout } = await callspool(['--help']);
  assert.equal(code, 0);
  for (const command of COMMANDS) assert.match(stdout, new RegExp(`^\\s+${command}\\b`, 'm'));
});

for (const command of COMMANDS) {
  test(`${command} --help has examples`, async () => {
    const { code, stdout, stderr } = await callspool([command, '--help']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`callspool ${command}`));
    assert.match(stdout, /example/i);
  });
}

for (const args of ['nginx', 'config', 'version', '--help', 'help']) {
  test(`${args} on a full disk: what could not be printed is no success`, async (t) => {
    const { code, stderr } = await run('sh', ['-c', 'exec "$0" "$1" >/dev/full', BINARY, args], { env: { CALLSPOOL_DATA_DIR: temporaryFolder(t) } });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^callspool: cannot write to standard output: /m);
  });
}

test('a token that could not be printed is told of by its name', async (t) => {
  const server = await startServer(t);
  const set = `data_dir=${server.dataDir}`;
  const { code, stderr } = await run('sh', ['-c', 'exec "$0" token add crm --rights play --set "$1" >/dev/full', BINARY, set]);
  assert.equal(code, 1, stderr);
  const [, name] = stderr.match(/^callspool: the secret of '(\S+)' could not be printed, and is not told again/m) ?? assert.fail(stderr);
  assert.equal((await callspool(['token', 'revoke', name, '--set', set])).code, 0);
});

test('--version says what version does', async () => {
  const { code, stdout } = await callspool(['--version']);
  assert.equal(code, 0);
  assert.equal(stdout, (await callspool(['version'])).stdout);
});

for (const command of COMMANDS) {
  test(`help ${command} prints what ${command} --help prints`, async () => {
    const { code, stdout, stderr } = await callspool(['help', command]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, (await callspool([command, '--help'])).stdout);
    assert.match(stdout, /^ {2}--help /m);
    const usage = stdout.slice(0, stdout.indexOf('\n\n'));
    for (const [flag] of usage.matchAll(/--[a-z-]+/g)) assert.match(stdout, new RegExp(`^ {2}${flag} `, 'm'), 'what the first line names is explained');
  });
}

test('--help tells every exit status', async () => {
  const { stdout } = await callspool(['--help']);
  for (let status = 0; status <= 8; status++) assert.match(stdout, new RegExp(`^ {2}${status} {2}\\w`, 'm'));
});

const typos = [
  ['a command', ['srve'], /unknown command 'srve'; did you mean 'serve'\?/],
  ['a command to help with', ['help', 'sttaus'], /did you mean 'status'\?/],
  ['a command that is like none', ['frobnicate'], /unknown command 'frobnicate'$/m],
  ['an option', ['status', '--jsn'], /unknown option '--jsn'; did you mean '--json'\?/],
  ['an option of simulate', ['simulate', '--sped', '4'], /did you mean '--speed'\?/],
  ['a setting', ['config', '--set', 'retenton=9d'], /did you mean 'retention'\?/],
];
for (const [name, args, says] of typos) {
  test(`a typo is refused with what was meant: ${name}`, async () => {
    const { code, stdout, stderr } = await callspool(args);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, says);
  });
}

const wrong = [
  ['no command', []],
  ['a command that is none', ['frobnicate']],
  ['an option that is none', ['version', '--frobnicate']],
  ['an option of another command', ['status', '--stdio']],
  ['another one', ['serve', '--json']],
  ['a value for a switch', ['status', '--json=yes']],
  ['--json twice', ['status', '--json', '--json']],
  ['an argument too many', ['status', 'now']],
  ['two SIDs', ['path', newSid('CA'), newSid('CA')]],
  ['help with two commands', ['help', 'serve', 'demo']],
  ['a number that is none', ['simulate', '--rate', 'many']],
  ['an option behind --', ['status', '--', '--json']],
  ['--set without a value', ['config', '--set']],
  ['--set without =', ['config', '--set', 'listen']],
];
for (const [name, args] of wrong) {
  test(`refused with status 2: ${name}`, async () => {
    const { code, stdout, stderr } = await callspool(args);
    assert.equal(code, 2, stdout + stderr);
    assert.notEqual(stderr, '');
  });
}

/** callspool config with a settings file of these lines. */
async function config(t, lines, args = [], env = {}) {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, lines.join('\n'), { mode: 0o600 });
  return { file, ...await callspool(['config', '--config', file, ...args], { env: { CALLSPOOL_AUTH: 'none', ...env } }) };
}

const badSettings = [
  ['unknown', 'lissten = 1', /lissten/],
  ['a duration that is none', 'play_wait = soon', /play_wait/],
  ['a duration without a unit', 'play_wait = 25', /play_wait/],
  ['out of bounds', 'fetch.concurrency = 100000000', /fetch\.concurrency/],
  ['a format that is none', 'format = ogg', /format/],
  ['an address that is none', 'listen = nowhere', /listen/],
  ['a host that is none', 'listen = foo:1', /no such host/],
  ['not key = value', 'just words', /just words|key = value/],
  ['twice', 'format = mp3\nformat = wav', /format/],
  ['nothing where there is a default', 'log_level =', /log_level/],
  ['every origin', 'cors_origins = *', /cors_origins/],
  ['a quote that is not closed', 'data_dir = "data', /not closed/],
  ['words behind a quote', "data_dir = 'a' b", /closing quote/],
];
for (const [name, line, says] of badSettings) {
  test(`a setting is refused at start, naming the line: ${name}`, async (t) => {
    const { code, stderr, file } = await config(t, ['# a comment', '', 'retention = 7d', line]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, says);
    const lineNumber = 4 + (line.includes('\n') ? 1 : 0);
    assert.match(stderr, new RegExp(`${file}:${lineNumber}\\b`), stderr);
  });
}

test('config --explained is a settings file that says the same', async (t) => {
  const env = { CALLSPOOL_AUTH: 'none' };
  const set = ['--set', 'data_dir=/srv/calls', '--set', 'trusted_proxies=10.0.0.1 ::1'];
  const { code, stdout } = await callspool(['config', '--explained', ...set], { env });
  assert.equal(code, 0);
  assert.match(stdout, /^data_dir = \/srv\/calls$/m);
  assert.match(stdout, /^# Every play is answered.*\n# A duration, from 10ms to 10m; a reload changes it\.\n#play_wait = 25s$/m);
  const values = async (args) => Object.entries(JSON.parse((await callspool(['config', '--json', ...args], { env })).stdout)).map(([key, { value }]) => [key, value]);
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, stdout);
  assert.deepEqual(await values(['--config', file]), await values(set));
});

test('serve refuses a wrong setting before it does anything', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${dataDir}`, '--set', 'no_such_setting=1']);
  assert.equal(code, 2);
  assert.match(stderr, /no_such_setting/);
  assert.equal(existsSync(dataDir), false);
});

const badForServe = [
  ['a proxy that is no address', ['auth=none', 'trusted_proxies=10.0.0.0/8 nginx'], /nginx/],
  ['certificates that are not there', ['auth=none', 'fetch.ca_file=/no/such/file'], /ca_file/],
];
for (const [name, sets, says] of badForServe) {
  test(`serve is refused, with nothing begun: ${name}`, async (t) => {
    const dataDir = join(temporaryFolder(t), 'data');
    const { code, stderr } = await callspool(['serve', ...[`data_dir=${dataDir}`, ...sets].flatMap((set) => ['--set', set])], { withinMs: 15_000 });
    assert.notEqual(code, 0);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /runtime error/);
    assert.equal(existsSync(dataDir), false);
  });
}

test('settings: --set beats the environment, which beats the file, which beats the default', async (t) => {
  const print = async (lines, args, env) => (await config(t, lines, args, env)).stdout;
  assert.match(await print([], [], {}), /^fetch\.concurrency = 32\b.*default/m);
  assert.match(await print(['fetch.concurrency = 5'], [], {}), /^fetch\.concurrency = 5\b.*callspool\.conf:1/m);
  assert.match(await print(['fetch.concurrency = 5'], [], { CALLSPOOL_FETCH_CONCURRENCY: '6' }), /^fetch\.concurrency = 6\b.*CALLSPOOL_FETCH_CONCURRENCY/m);
  assert.match(await print(['fetch.concurrency = 5'], ['--set', 'fetch.concurrency=7'], { CALLSPOOL_FETCH_CONCURRENCY: '6' }), /^fetch\.concurrency = 7\b.*--set/m);
});

test('config --json: every setting, its value, and where that came from', async (t) => {
  const { code, stdout, stderr, file } = await config(t, ['fetch.concurrency = 5'], ['--json', '--set', 'play_wait=20s']);
  assert.equal(code, 0, stderr);
  const settings = JSON.parse(stdout);
  const lines = (await config(t, [])).stdout.trim().split('\n').map((line) => line.replace(/^# /, '').split(' ')[0]);
  assert.deepEqual(Object.keys(settings).sort(), lines.sort());
  assert.deepEqual(settings['fetch.concurrency'], { value: '5', from: `${file}:1`, live: true });
  assert.deepEqual([settings.play_wait.value, settings.auth], ['20s', { value: 'none', from: 'CALLSPOOL_AUTH' }]);
  assert.match(settings.play_wait.from, /--set/);
  assert.deepEqual(settings.format, { value: 'mp3', from: 'default' });
  assert.ok(!stdout.includes(TOKEN), 'no secret');
});

test('settings: comments behind values, and quotes', async (t) => {
  const lines = ['retention = 9d  # nine days', 'public_url = "https://calls.example.com"', "data_dir = 'a # b'", 'fetch.proxy = http://proxy:3128#x'];
  const { code, stdout, stderr } = await config(t, lines);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^retention = 9d {2}# .*callspool\.conf:1$/m);
  assert.match(stdout, /^public_url = https:\/\/calls\.example\.com {2}#/m);
  assert.match(stdout, /^data_dir = "a # b" {2}#/m);
  assert.match(stdout, /^fetch\.proxy = http:\/\/proxy:3128#x {2}#/m);
});

test('what config prints is a settings file that says the same', async (t) => {
  const secret = join(temporaryFolder(t), 'the # token');
  writeFileSync(secret, `${TOKEN}\n`, { mode: 0o600 });
  const lines = ['retention = forever', `twilio.auth_token_secondary_file = '${secret}'`, 'trusted_proxies = 10.0.0.0/8, ::1', 'data_dir = " a \\"#\\" \\\\ b "'];
  const first = await config(t, lines);
  assert.equal(first.code, 0, first.stderr);
  const again = await config(t, first.stdout.split('\n'));
  assert.equal(again.code, 0, again.stderr);
  const values = (text) => text.split('\n').map((line) => line.replace(/ {2}# [^#]*$/, '').replace(/ {2}# .*the # token.*$/, ''));
  assert.deepEqual(values(again.stdout), values(first.stdout));
  assert.match(first.stdout, /^twilio\.auth_token_secondary_file = "[^"]*the # token" {2}# /m);
  assert.ok(!first.stdout.includes(TOKEN));
});

test('a name of ours in the environment that is no setting is refused', async (t) => {
  const { code, stderr } = await config(t, [], [], { CALLSPOOL_RETENTON: '30d' });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /CALLSPOOL_RETENTON\b.*CALLSPOOL_RETENTION\b/);
  assert.equal((await config(t, [], [], { CALLSPOOL_SERVICE_HOST: '10.0.0.1', CALLSPOOL_PORT: 'tcp://10.0.0.1:8080' })).code, 0);
});

test('a settings file that is missing and one that cannot be read are the same fault, and so it is with secrets', async (t) => {
  const folder = temporaryFolder(t);
  for (const path of [join(folder, 'none'), folder]) {
    for (const args of [['--config', path], ['--set', `twilio.auth_token_file=${path}`]]) {
      const { code, stderr } = await callspool(['config', ...args]);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(path), stderr);
    }
    const inFile = await config(t, [`twilio.auth_token_file = ${path}`]);
    assert.equal(inFile.code, 2, inFile.stderr);
    assert.ok(inFile.stderr.includes(`${inFile.file}:1:`), inFile.stderr);
    const served = await callspool(['serve', '--set', 'auth=none', '--set', `data_dir=${folder}/data`, '--set', `twilio.accounts_file=${path}`]);
    assert.equal(served.code, 2, served.stderr);
  }
});

test('secrets: never by --set, never shown', async (t) => {
  const refused = await callspool(['config', '--set', `twilio.auth_token=${TOKEN}`]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /twilio\.auth_token/);
  const { stdout, stderr } = await config(t, []);
  assert.match(stdout, new RegExp(ACCOUNT));
  assert.ok(!stdout.includes(TOKEN) && !stderr.includes(TOKEN) && !refused.stderr.includes(TOKEN));
});

test('auth = none is refused on an address that others reach', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${dataDir}`, '--set', 'auth=none', '--set', 'listen=0.0.0.0:0'], { withinMs: 15_000 });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /auth/);
});

test('path: where the file of a call lies; 3 when there is none, 2 for what is no SID', async (t) => {
  const { server, recording } = await startStored(t);
  const set = ['--set', `data_dir=${server.dataDir}`];
  for (const sid of [recording.callSid, recording.recordingSid]) {
    const { code, stdout, stderr } = await callspool(['path', sid, ...set]);
    assert.equal(code, 0, stderr);
    assert.equal(statSync(stdout.trim()).size, recording.bytes.length);
  }
  assert.equal((await callspool(['path', newSid('CA'), ...set])).code, 3);
  assert.equal((await callspool(['path', 'CA12', ...set])).code, 2);
  await server.stop('SIGTERM');
  assert.equal((await callspool(['path', recording.callSid, ...set])).code, 0, 'without a running server too');
});

test('path: of several recordings the stored ones, one a line', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const set = ['--set', `data_dir=${server.dataDir}`];
  const absent = recordingCallback({ CallSid: recording.callSid, RecordingStatus: 'absent', ErrorCode: '16101', RecordingDuration: undefined });
  assert.equal((await postForm(server.url, RECORDING_STATUS, absent)).status, 200);
  const second = await store(server, upstream, { callSid: recording.callSid, seconds: 2 });
  await until('both are known', async () => (await requestJson(`${server.url}/api/calls/${recording.callSid}`)).json.recordings.some(({ state }) => state === 'absent'));
  const { code, stdout } = await callspool(['path', recording.callSid, ...set]);
  assert.equal(code, 0);
  const sizes = stdout.trim().split('\n').map((path) => statSync(path).size);
  assert.deepEqual(sizes.sort(), [recording.bytes.length, second.bytes.length].sort(), stdout);
  const none = await callspool(['path', absent.RecordingSid, ...set]);
  assert.deepEqual([none.code, none.stdout], [3, '']);
  assert.match(none.stderr, /nothing of it is stored \(absent\)/);
});

test('status: of a running server, of a stopped one, for people and for machines; 3 without a ledger', async (t) => {
  const { server } = await startStored(t);
  const set = ['--set', `data_dir=${server.dataDir}`];
  const human = await callspool(['status', ...set]);
  assert.equal(human.code, 0, human.stderr);
  assert.match(human.stdout, /^stored +1$/m);
  assert.match(human.stdout, /^fetching +last recording stored \d{4}-/m);
  const { code, stdout, stderr } = await callspool(['status', '--json', ...set]);
  assert.equal(code, 0, stderr);
  const status = JSON.parse(stdout);
  assert.equal(status.recordings.stored, 1, stdout);
  assert.equal(status.degraded, false);
  await server.stop('SIGTERM');
  const stopped = await callspool(['status', ...set]);
  assert.equal(stopped.code, 5, stopped.stderr);
  assert.match(stopped.stdout, /not running/);
  assert.match(stopped.stdout, /^stored +1$/m);
  assert.doesNotMatch(stopped.stdout, /^fetching/m, 'nobody who fetches can be asked');
  const without = await callspool(['status', '--set', `data_dir=${server.dataDir}/nowhere`]);
  assert.equal(without.code, 3);
  assert.match(without.stderr, /no server runs: .*ledger/);
});

test('a data folder whose path is longer than the address of a socket', async (t) => {
  const dataDir = join(temporaryFolder(t), 'long'.repeat(40), 'data');
  await startServer(t, { dataDir });
  const { code, stdout, stderr } = await callspool(['status', '--json', '--set', `data_dir=${dataDir}`]);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).status, 'ok', 'the running server answers');
  assert.equal(statSync(join(dataDir, 'admin.sock')).mode & 0o777, 0o600);
  assert.equal((await callspool(['status', '--set', `data_dir=${dataDir}/nowhere`])).code, 3);
});

test('the administrator\'s socket is the owner\'s alone', async (t) => {
  const server = await startServer(t);
  const { stdout } = await run('find', [server.dataDir, '-type', 's']);
  const [socket] = stdout.trim().split('\n');
  assert.ok(socket, 'there is one');
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  assert.equal(statSync(server.dataDir).mode & 0o007, 0);
});

test('serve --stdio answers one connection on its standard input and output', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const serve = ['serve', '--stdio', '--set', `data_dir=${dataDir}`, '--set', 'auth=none'];
  const options = {
    binary: true, env: { TWILIO_ACCOUNT_SID: ACCOUNT, TWILIO_AUTH_TOKEN: TOKEN },
    input: 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/calls HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  };
  // Node hands its children sockets, as inetd does; a shell has pipes.
  for (const [command, args] of [[BINARY, serve], ['sh', ['-c', 'cat | "$0" "$@" | cat', BINARY, ...serve]]]) {
    const { code, stdout, stderr } = await run(command, args, options);
    assert.equal(code, 0, stderr);
    assert.deepEqual(parseReplies(stdout).map(({ status }) => status), [200, 200], command);
  }
});

test('the ready line names the address, port and all', async (t) => {
  const server = await startServer(t);
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  assert.equal((await request(`${server.url}/health`)).status, 200);
  assert.equal(server.out.filter((line) => /is listening on/.test(line)).length, 1);
  assert.ok((await requestJson(`${server.url}/api/calls`)).json.calls.length === 0);
});
