// The package in a new Debian under a real systemd: the README's commands as they stand, then what people, Twilio and systemd do
// with it, then its end.  Run by script/fresh package, which boots the system (CALLSPOOL_BOX) and lays the package into /root.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import webhooks from 'twilio/lib/webhooks/webhooks.js';
import { ACCOUNT, TOKEN } from '../server/harness/callspool.js';
import { until } from '../server/harness/until.js';
import { RECORDING_STATUS, formBody, recordingCallback } from '../server/harness/webhook.js';

const top = new URL('../..', import.meta.url).pathname;
const box = process.env.CALLSPOOL_BOX;
const HOST = 'https://calls.example.com';
const SIMULATOR = 'http://127.0.0.1:8088';
const UNIT = 'callspool.service';
const SOCKET = 'callspool.socket';
const PATIENCE_MS = 120_000;

/** Runs a command in the system: { code, stdout, stderr }. */
function inside(args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(`${top}/tests/package/box`, ['run', box, ...args], { encoding: 'utf8', maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code ?? 1 : 0, stdout, stderr }));
    child.stdin.on('error', () => {}); // who does not read its input may end before it is written
    child.stdin.end(input);
  });
}

/** The same, which must succeed; what it printed. */
async function does(args, input) {
  const { code, stdout, stderr } = await inside(args, input);
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const shell = (script, input) => does(['bash', '-c', script], input);
const property = async (name, unit = UNIT) => (await does(['systemctl', 'show', '-P', name, unit])).trim();
const becomes = (name, value, unit) => until(`${name} of ${unit ?? UNIT} is ${value}`, async () => (await property(name, unit)) === value, PATIENCE_MS);
const journal = (...args) => does(['journalctl', '-u', UNIT, '-o', 'cat', '--no-pager', ...args]);
const logged = (pattern) => until(`the journal says ${pattern}`, async () => pattern.test(await journal()), PATIENCE_MS);

/** A request by curl, from within: { status, headers, body }. */
async function ask(url, { headers = {}, body, method, args = [] } = {}) {
  const sent = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const out = await does(['curl', '-sS', '-i', '-m', '60', '--cacert', '/etc/ssl/calls.pem', '-b', '/root/cookies', '-c', '/root/cookies',
    ...(method ? ['-X', method] : []), ...(body === undefined ? [] : ['--data-binary', body]), ...sent, ...args, url]);
  const [head, ...rest] = out.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body: rest.join('\r\n\r\n') };
}

const json = { 'Content-Type': 'application/json', Origin: HOST };

async function dropIn(name, text) {
  await shell(`mkdir -p /etc/systemd/system/${UNIT}.d; cat >/etc/systemd/system/${UNIT}.d/${name}.conf; systemctl daemon-reload`, text);
}

/** The id that a process of the system has here. */
function outerPid(pid) {
  const space = readlinkSync(`/proc/${readFileSync(`${box}/leader`, 'utf8').trim()}/ns/pid`);
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).find((name) => {
    try {
      return readlinkSync(`/proc/${name}/ns/pid`) === space && readFileSync(`/proc/${name}/status`, 'utf8').match(/^NSpid:.*\s(\d+)$/m)?.[1] === pid;
    } catch {
      return false; // it has ended
    }
  });
}

/** The commands of the README's "Use it". */
function readmeCommands() {
  const section = readFileSync(`${top}/README.md`, 'utf8').split('\n## Use it\n')[1];
  const lines = section.split('\n');
  const first = lines.findIndex((line) => line.startsWith('    '));
  return lines.slice(first, lines.findIndex((line, at) => at > first && line === '')).map((line) => line.trim());
}

const commands = readmeCommands();

/** Runs one as it stands, by root, with a certificate of the test's own: certbot would ask the world for one. */
function readme(number, input) {
  const certbot = `certbot() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=calls.example.com -addext subjectAltName=DNS:calls.example.com \\
      -keyout /etc/ssl/calls.key -out /etc/ssl/calls.pem 2>/dev/null
    sed -i 's,^    listen 80;,    listen 80; listen 443 ssl; ssl_certificate /etc/ssl/calls.pem; ssl_certificate_key /etc/ssl/calls.key;,' /etc/nginx/conf.d/callspool.conf
    systemctl reload nginx
  }`;
  const command = commands[number - 1].replace('AC...', ACCOUNT);
  // What is typed comes by a pipe: standard input itself is Node's socket, which no /dev/stdin opens.
  return shell(`cd /root; sudo() { "$@"; }\n${certbot}\ncat | {\n${command}\n}`, input);
}

test('the README has five commands', () => {
  assert.equal(commands.length, 5, commands.join('\n'));
});

test('1: the package is installed, and waits', async () => {
  await readme(1);
  assert.equal(await property('ActiveState'), 'inactive');
  assert.equal(await property('ActiveState', SOCKET), 'inactive');
  assert.equal((await does(['systemctl', '--failed', '--plain', '--no-legend'])).trim(), '');
  await does(['systemctl', 'start', UNIT]);
  assert.equal(await property('ConditionResult'), 'no');
  assert.equal((await inside(['dpkg', '--verify', 'callspool'])).stdout, '');
});

test('2: the auth token is for root alone', async () => {
  await readme(2, `${TOKEN}\n`);
  assert.equal(await does(['stat', '-c', '%a %U', '/etc/callspool/twilio/auth_token', '/etc/callspool/twilio']), '600 root\n700 root\n');
});

test('3: the settings', async () => {
  await readme(3);
  await shell(`printf 'twilio.api_url = ${SIMULATOR}\\n' >>/etc/callspool/callspool.conf`);
  await does(['systemd-run', '-q', '--unit=twilio', `--setenv=TWILIO_ACCOUNT_SID=${ACCOUNT}`, `--setenv=TWILIO_AUTH_TOKEN=${TOKEN}`,
    'callspool', 'simulate', '--listen', '127.0.0.1:8088', '--past', '3']);
  assert.match(await does(['callspool', 'config']), new RegExp(`public_url = ${HOST} .*callspool.conf:`));
});

test('4: it runs, as its own user, and said that it is ready', async () => {
  await readme(4);
  assert.equal(await property('ActiveState'), 'active');
  assert.equal(await property('Type'), 'notify');
  assert.equal(await property('ActiveState', SOCKET), 'active');
  assert.equal((await shell(`stat -c %U /proc/${await property('MainPID')}`)).trim(), 'callspool');
  assert.equal(await does(['stat', '-c', '%a %U', '/var/lib/callspool']), '700 callspool\n');
});

test('5: nginx passes it on', async () => {
  await readme(5);
  // A reload is asked for, and not waited for.
  const { status, body } = await until('nginx listens', () => ask(`${HOST}/health`), PATIENCE_MS);
  assert.equal(status, 200, body);
});

test('the first administrator signs in', async () => {
  const link = (await does(['cat', '/var/lib/callspool/first-administrator'])).trim();
  assert.ok(link.startsWith(`${HOST}/join#`), link);
  assert.equal((await ask(link)).status, 200);
  assert.equal((await ask(`${HOST}/api/calls`)).status, 401);
  const password = 'correct horse of ruth 7';
  const joined = await ask(`${HOST}/join`, { headers: json, body: JSON.stringify({ invitation: link.split('#')[1], name: 'ruth', password }) });
  assert.equal(joined.status, 200, joined.body);
  const signedIn = await ask(`${HOST}/api/session`, { headers: json, body: JSON.stringify({ name: 'ruth', password }) });
  assert.equal(signedIn.status, 200, signedIn.body);
  assert.equal((await ask(`${HOST}/api/calls`)).status, 200);
});

test('root asks it, without an option: status, another user', async () => {
  const { code, stdout, stderr } = await inside(['callspool', 'status']);
  assert.ok(code === 0 || code === 6, stdout + stderr);
  assert.match(await does(['callspool', 'user', 'add', 'dana']), /^https:\/\/calls\.example\.com\/join#/);
});

let call;
test('a webhook that Twilio signed is taken, another is not', async () => {
  const list = JSON.parse(await does(['curl', '-sS', '-u', `${ACCOUNT}:${TOKEN}`, `${SIMULATOR}/2010-04-01/Accounts/${ACCOUNT}/Recordings.json`]));
  const { sid, call_sid: callSid } = list.recordings[0];
  const fields = recordingCallback({ RecordingSid: sid, CallSid: callSid });
  const post = (signature) => ask(HOST + RECORDING_STATUS, { body: formBody(fields), headers: { 'X-Twilio-Signature': signature } });
  assert.equal((await post(webhooks.getExpectedTwilioSignature(TOKEN, HOST + RECORDING_STATUS, fields))).status, 200);
  assert.equal((await post(webhooks.getExpectedTwilioSignature('another', HOST + RECORDING_STATUS, fields))).status, 403);
  call = callSid;
});

test('its recording is played through nginx, a range and whole', async () => {
  const url = `${HOST}/api/calls/${call}/download`;
  const range = await ask(url, { args: ['-r', '0-1', '-o', '/dev/null', '-D', '-'] });
  assert.equal(range.status, 206);
  assert.match(range.head, /content-range: bytes 0-1\//i);
  await does(['curl', '-sSf', '--cacert', '/etc/ssl/calls.pem', '-b', '/root/cookies', '-o', '/root/played.mp3', url]);
  await shell(`cmp /root/played.mp3 "$(callspool path ${call})"`);
});

test('systemd-analyze: the unit as it runs', async () => {
  assert.equal((await inside(['systemd-analyze', 'verify', '--man=no', UNIT, SOCKET])).stderr, '');
  await does(['systemd-analyze', 'security', '--no-pager', '--threshold=12', UNIT]);
});

test('stopped, it is started by the next connection', async () => {
  await does(['systemctl', 'stop', UNIT]);
  assert.equal(await property('ActiveState', SOCKET), 'active');
  assert.equal((await ask('http://127.0.0.1:8080/health')).status, 200);
  assert.equal(await property('ActiveState'), 'active');
});

test('systemctl reload reads the settings anew', async () => {
  const pid = await property('MainPID');
  await shell("printf 'log_level = debug\\n' >>/etc/callspool/callspool.conf");
  await does(['systemctl', 'reload', UNIT]);
  await logged(/log_level = debug, and was info/);
  assert.equal(await property('MainPID'), pid);
  await shell("sed -i '/^log_level/d' /etc/callspool/callspool.conf; systemctl reload callspool");
});

test('lines of the log have their priority', async () => {
  assert.notEqual(await journal('-p', 'info..info'), '');
  assert.equal(await journal('-p', 'err'), '');
});

for (const thread of ['serving', 'fetching', 'keeping']) {
  test(`one loop hangs (${thread}): the watchdog ends it, and it is started again`, async (t) => {
    await dropIn('watchdog', '[Service]\nWatchdogSec=2s\n');
    await does(['systemctl', 'restart', UNIT]);
    const restarts = Number(await property('NRestarts'));
    const pid = await property('MainPID');
    const holder = spawn(`${top}/tests/package/freeze-thread`, [String(outerPid(pid)), thread], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => {
      holder.kill();
      return shell(`rm -r /etc/systemd/system/${UNIT}.d; systemctl daemon-reload; systemctl restart ${UNIT}`);
    });
    const [held] = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
    assert.match(String(held), /^\d+/, 'the thread is held');
    await until('it was started again', async () => Number(await property('NRestarts')) > restarts, PATIENCE_MS);
    await becomes('ActiveState', 'active');
    await logged(/[Ww]atchdog timeout/);
    assert.notEqual(await property('MainPID'), pid);
    assert.equal((await ask(`${HOST}/health`)).status, 200);
  });
}

test('five restarts under connections: none is refused', async () => {
  const counts = await shell(`
    ask() {
      n=0 bad=0
      while [ ! -e /root/restarted ]; do
        curl -sf -m 60 -o /dev/null http://127.0.0.1:8080/health || bad=$((bad + 1)); n=$((n + 1))
      done
      echo "$n $bad"
    }
    for i in 1 2 3 4 5 6 7 8; do ask & done
    for i in 1 2 3 4 5; do systemctl restart ${UNIT}; done
    touch /root/restarted; wait`);
  const all = counts.trim().split('\n').map((line) => line.split(' ').map(Number));
  const sum = (column) => all.reduce((total, row) => total + row[column], 0);
  console.log(`# ${sum(0)} connections during five restarts, ${sum(1)} refused`);
  assert.ok(sum(0) >= 8, counts);
  assert.equal(sum(1), 0, counts);
});

test('a wrong setting is told once, and does not start it again and again', async () => {
  await shell("printf 'play_wait = soon\\n' >>/etc/callspool/callspool.conf");
  await inside(['systemctl', 'restart', UNIT]);
  assert.equal(await property('ExecMainStatus'), '2');
  await logged(/play_wait = soon: expected a duration/);
  assert.equal(await property('NRestarts'), '0');
  await shell("sed -i '/^play_wait/d' /etc/callspool/callspool.conf");
  await does(['systemctl', 'restart', UNIT]);
  assert.equal((await ask(`${HOST}/health`)).status, 200);
});

test('the whole demo runs under it', async (t) => {
  t.after(() => shell(`systemctl stop ${UNIT} ${SOCKET}; rm -r /etc/systemd/system/${UNIT}.d; systemctl daemon-reload; systemctl start ${UNIT}`));
  await does(['systemctl', 'stop', SOCKET, UNIT]);
  await dropIn('demo', '[Service]\nType=exec\nWatchdogSec=0\nExecStart=\nExecStart=/usr/bin/callspool demo --set listen=127.0.0.1:8090\nSystemCallLog=~@system-service\n');
  await does(['systemctl', 'start', UNIT]);
  const played = await until('a recording of the demo is stored', async () => {
    const { body } = await ask('http://127.0.0.1:8090/api/calls');
    return JSON.parse(body).calls.find((one) => one.recordings?.some((recording) => recording.state === 'stored'));
  }, PATIENCE_MS);
  const reply = await ask(`http://127.0.0.1:8090/api/calls/${played.sid ?? played.call_sid}/download`, { args: ['-r', '0-1', '-o', '/dev/null', '-D', '-'] });
  assert.equal(reply.status, 206);
  const invocation = await property('InvocationID');
  const warnings = await does(['journalctl', `_SYSTEMD_INVOCATION_ID=${invocation}`, '-p', 'warning', '-o', 'cat', '--no-pager']);
  // The demo's Twilio limits how much it is asked, so that the page has something to show.
  assert.deepEqual(warnings.split('\n').filter((line) => line && !/msg="Twilio limits account AC/.test(line)), []);
});

test('installed over itself: settings and recordings stay, the socket is never closed', async () => {
  const since = await property('ActiveEnterTimestampMonotonic', SOCKET);
  const pid = await property('MainPID');
  await shell('cd /root && apt-get install -y --reinstall ./callspool_*.deb');
  assert.equal(await property('ActiveEnterTimestampMonotonic', SOCKET), since);
  assert.notEqual(await property('MainPID'), pid);
  assert.match(await does(['callspool', 'config']), new RegExp(`public_url = ${HOST}`));
  await shell(`test -f "$(callspool path ${call})"`);
  assert.equal((await ask(`${HOST}/health`)).status, 200);
});

/** What bears its name, but for what the README's commands and this test made, and what dpkg, apt and the journal keep. */
const traces = async () => (await shell(`find / -xdev \\( -path /proc -o -path /root -o -path /tmp -o -path /var/tmp -o -path /run -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \\
    -o -path /etc/nginx/conf.d \\) -prune -o -name '*callspool*' -print`)).trim().split('\n').filter(Boolean);

test('purge leaves nothing but recordings', async () => {
  await does(['apt-get', 'purge', '-y', 'callspool']);
  assert.deepEqual(await traces(), ['/var/lib/callspool']);
  assert.match(await shell('find /var/lib/callspool/recordings -type f'), new RegExp(call));
  assert.equal(await shell('systemctl list-units --all --plain --no-legend "callspool*"'), '');
});

test('and without recordings nothing at all', async () => {
  await shell('cd /root && apt-get install -y ./callspool_*.deb && rm -r /var/lib/callspool/recordings/*');
  await does(['apt-get', 'purge', '-y', 'callspool']);
  assert.deepEqual(await traces(), []);
  // Its user stays, as files elsewhere may belong to it.
  assert.match(await does(['getent', 'passwd', 'callspool']), /nologin/);
});
