// What the process gives up, and that strangers cannot write into its log.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from './harness/callspool.js';
import { RawConnection } from './harness/http.js';
import { Caller, addPerson, firstAdministrator, startWithPeople } from './harness/people.js';

test('no core is dumped, and no new privileges are had', async (t) => {
  const server = await startServer(t, { settings: { core_dumps: undefined } });
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  assert.match(status, /^NoNewPrivs:\s+1$/m);
  assert.match(readFileSync(`/proc/${server.pid}/limits`, 'utf8'), /^Max core file size\s+0\s+0\s/m);
  const crashed = server.stop('SIGABRT'); // its default is a core
  server.killed = true;
  server.finished = await crashed;
  const left = ['.', server.dataDir].flatMap((folder) => readdirSync(folder).filter((name) => /^core(\.\d+)?$/.test(name)));
  assert.deepEqual(left, []);
});

test('with core_dumps = on the limit of the shell is left alone', async (t) => {
  const server = await startServer(t, {});
  const own = readFileSync('/proc/self/limits', 'utf8').match(/^Max core file size.*$/m)[0];
  assert.equal(readFileSync(`/proc/${server.pid}/limits`, 'utf8').match(/^Max core file size.*$/m)[0], own);
});

/* root may look into every process, but for these capabilities. */
const LIKE_ANYBODY = process.getuid() === 0 ? ['setpriv', '--bounding-set', '-sys_ptrace,-perfmon,-sys_admin'] : [];

test('another process of the same user cannot look into its memory or environment', async (t) => {
  const looks = async (core_dumps) => {
    const { pid } = await startServer(t, { settings: { core_dumps }, under: LIKE_ANYBODY });
    return ['environ', 'maps'].map((name) => {
      const [command, ...args] = [...LIKE_ANYBODY, 'cat', `/proc/${pid}/${name}`];
      return spawnSync(command, args).status;
    });
  };
  assert.deepEqual(await looks('on'), [0, 0], 'asked for by name');
  assert.deepEqual(await looks(undefined), [1, 1]);
});

/* Each would be a line of its own, colour the terminal, or turn the text around. */
const INJECTIONS = ['dana\r\nlevel=error msg="forged"', 'dana\nlevel=error forged=1', '\x1b[31mred\x1b[0m', 'abc\u202Ednex', 'a"b=c d', '\u2028line', '\x00nul', '\x7f', '%0d%0alevel=error', 'x'.repeat(64)];

test('what strangers send stands in the log as what it is, one line an event', async (t) => {
  const { server } = await startWithPeople(t, { settings: { log_level: 'debug' } });
  const admin = await firstAdministrator(server);
  await addPerson(admin, 'dana');
  for (const name of INJECTIONS) {
    const json = { name, password: 'not the password at all' };
    assert.equal((await new Caller(server).ask('POST', '/api/session', { json, headers: { 'User-Agent': encodeURI(name) } })).status, name.includes('\0') ? 400 : 401);
    assert.ok((await new Caller(server).ask('GET', `/${encodeURIComponent(name)}`)).status >= 400);
    await new Caller(server).ask('GET', '/api/calls', { headers: { 'X-Forwarded-For': encodeURIComponent(name) } });
  }
  const connection = await RawConnection.open(server.url);
  connection.send('GET /l/\x1b[31m HTTP/1.1\r\nHost: callspool.test\r\nConnection: close\r\n\r\n');
  await connection.untilClosed();
  await server.line(/sign-in of \\"x{60,}/);
  for (const line of server.err) {
    assert.match(line, /^(<\d>|time=\S+ )?level=(debug|info|warn) /, `a line that is not ours: ${JSON.stringify(line)}`);
    assert.doesNotMatch(line, /[\x00-\x08\x0b-\x1f\x7f\u202e\u2028]/, JSON.stringify(line));
  }
  const { entries } = (await admin.asks(200, 'GET', '/api/audit?kind=sign_in_failed')).json;
  const names = entries.map(({ body }) => JSON.parse(body).name);
  for (const name of INJECTIONS.filter((text) => !text.includes('\0'))) assert.ok(names.includes(name), `the audit has ${JSON.stringify(name)}`);
});
