// The real binary, on a port of its own and a folder of its own.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Program, run, temporaryFolder } from './process.js';
import { requestJson } from './http.js';
import { until } from './until.js';
import { atEnd } from './lifetime.js';

export const BINARY = process.env.CALLSPOOL_BIN ?? new URL('../../../build-test/callspool', import.meta.url).pathname;
if (!existsSync(BINARY)) throw new Error(`there is no ${BINARY}: run script/test, or set CALLSPOOL_BIN`);

const MANAGER = new URL('./service_manager.py', import.meta.url).pathname;

export const ACCOUNT = 'AC0123456789abcdef0123456789abcdef';
export const TOKEN = '00112233445566778899aabbccddeeff';
export const CREDENTIALS = { TWILIO_ACCOUNT_SID: ACCOUNT, TWILIO_AUTH_TOKEN: TOKEN };

const LISTENING = /callspool(?: \w+)? is listening on (http:\/\/\S+)/;
const SANITIZER = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;

const settingArguments = (settings) => Object.entries(settings)
  .filter(([, value]) => value !== undefined).flatMap(([key, value]) => ['--set', `${key}=${value}`]);

/** One subcommand run to its end, with the test account in the environment. */
export function callspool(args, options = {}) {
  return run(BINARY, args, { ...options, env: { ...CREDENTIALS, ...options.env } });
}

/**
 * The command that gives another command mounts of its own: root may have them at once, anybody else as root
 * of a user namespace.  In a chroot, whose root folder is no mount, their propagation cannot be changed; that way is
 * tried last, because elsewhere a mount could be seen outside.
 */
let mounts;
function ownMounts() {
  mounts ??= findOwnMounts();
  return mounts;
}

function findOwnMounts() {
  const failures = [];
  for (const way of [['-m'], ['-rm'], ['-m', '--propagation', 'unchanged']]) {
    const tried = spawnSync('unshare', [...way, 'true'], { encoding: 'utf8' });
    if (tried.status === 0) return ['unshare', ...way];
    failures.push(tried.stderr);
  }
  throw new Error(`a test needs mounts of its own: ${failures.join('')}`);
}

/**
 * A disk of `mib` MiB, mounted at the existing folder `path`, that outlives a server: options.disk of startServer.
 * `seenFrom(path)` is where others see what is on it.
 */
export async function startDisk(t, path, mib) {
  const [command, ...args] = ownMounts();
  const holder = new Program(command, [...args, 'sh', '-c', `mount -t tmpfs -o size=${mib}m none "$0" && echo mounted && exec cat`, path], { stdin: 'pipe' });
  atEnd(t, () => holder.stop('SIGKILL'));
  await holder.line(/^mounted$/);
  const asUser = args.some((arg) => arg.startsWith('-r')) ? ['-U', '--preserve-credentials'] : [];
  return { enter: ['nsenter', '-t', String(holder.pid), '-m', '-r', ...asUser], seenFrom: (inside) => `/proc/${holder.pid}/root${inside}` };
}

/**
 * Starts a subcommand that serves.  Adds to the Program: url, dataDir, finish().
 *
 * When the test ends the server is stopped by SIGTERM, must exit with 0, and must not have logged
 * anything at level=error, save what one of `expectErrors` (regular expressions) matches.
 */
async function start(t, subcommand, { settings = {}, env = {}, args = [], expectErrors = [], dataDir, openFiles, diskMiB, disk, mayDie, under = [], manager, binary = BINARY, spawned } = {}) {
  const limited = openFiles ? ['prlimit', `--nofile=${openFiles}`] : [];
  if (disk) limited.push(...disk.enter);
  if (diskMiB) limited.push(...ownMounts(), 'sh', '-c', `mount -t tmpfs -o size=${diskMiB}m none "$0" && exec "$@"`, dataDir);
  if (manager) limited.push('python3', MANAGER, ...manager, '--');
  const [command, ...rest] = [...under, ...limited, binary, subcommand, ...args, ...settingArguments(settings)];
  const program = new Program(command, rest, { env: { ...CREDENTIALS, ...env }, stdin: manager && 'pipe', ownGroup: Boolean(manager) });
  program.dataDir = dataDir;
  spawned?.(program);
  program.seenFrom = (path) => `/proc/${program.pid}/root${path}`;
  program.finish = async () => {
    const { code, signal } = program.finished ?? await program.stop('SIGTERM');
    const bad = program.err.filter((line) => /\blevel=error\b/.test(line) && !expectErrors.some((pattern) => pattern.test(line)));
    if (bad.length > 0) throw new Error(`callspool ${subcommand} logged errors:\n${bad.join('\n')}`);
    if (program.err.some((line) => SANITIZER.test(line))) throw new Error(`a sanitizer objects:\n${program.err.slice(-120).join('\n')}`);
    if (!program.killed && (code !== 0 || signal !== null)) {
      throw new Error(`callspool ${subcommand} ended with code ${code}, signal ${signal}:\n${program.said}`);
    }
  };
  /** kill -9: no farewell, and its exit status says nothing. */
  program.kill = async () => {
    program.killed = true;
    program.finished = await program.stop('SIGKILL');
  };
  atEnd(t, () => program.finish());
  if (mayDie && !(await Promise.race([program.line(LISTENING), program.exited.then(() => undefined)]))) {
    program.killed = true;
    program.finished = await program.exited;
    return program;
  }
  const [, url] = await program.line(LISTENING);
  program.url = url.replace(/\/$/, '');
  return program;
}

/**
 * callspool serve.  options.settings are added to a set for tests; options.dataDir starts on an
 * existing folder; options.upstream is the address of what stands for Twilio; options.openFiles
 * is the most descriptors that it may have; options.manager are the arguments of service_manager.py, which then starts it; options.diskMiB gives it a disk of its own, so large, which
 * others see under server.seenFrom(path); options.disk one of startDisk(); options.under is a command that starts it; options.binary another program than the one that is tested; options.spawned is given the Program before it listens; with options.mayDie it may end before it listens: it has no url then.
 */
export function startServer(t, options = {}) {
  const dataDir = options.dataDir ?? join(temporaryFolder(t), 'data');
  return start(t, 'serve', {
    ...options,
    dataDir,
    settings: {
      listen: '127.0.0.1:0',
      data_dir: dataDir,
      auth: 'none',
      core_dumps: 'on', // LeakSanitizer looks into the process when it ends
      threads: 2,
      'twilio.api_url': options.upstream ?? 'http://127.0.0.1:1',
      'fetch.retry_first': '50ms',
      reconcile_interval: 'forever', // what no test told of is found only where a test says so
      public_url: 'http://callspool.test',
      ...options.settings,
    },
  });
}

/** callspool simulate, with further arguments: startSimulate(t, ['--past', '20']). */
export function startSimulate(t, args = [], options = {}) {
  return start(t, 'simulate', { ...options, args: ['--listen', '127.0.0.1:0', ...args] });
}

/** callspool demo. */
export function startDemo(t, options = {}) {
  return start(t, 'demo', { ...options, settings: { listen: '127.0.0.1:0', ...options.settings } });
}

/** Waits until the call's recording is in one of the states; returns the call as the API tells it. */
export function untilState(server, callSid, states, withinMs = 30_000) {
  const wanted = [states].flat();
  return until(`${callSid} is ${wanted.join(' or ')}`, async () => {
    const { status, json } = await requestJson(`${server.url}/api/calls/${callSid}`);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(json)}`);
    const call = json.call ?? json;
    if (call.recordings?.some(({ state }) => wanted.includes(state))) return call;
    throw new Error(JSON.stringify(call));
  }, withinMs);
}

/** Where the one recording of a call lies. */
export async function pathOf(server, callSid) {
  const { stdout } = await callspool(['path', callSid, '--set', `data_dir=${server.dataDir}`]);
  return stdout.trim();
}

/** What is stored is hashed a moment later: waits for the digest of that recording, and gives it. */
const DIGEST_MS = 120_000; // it is made at the lowest priority, by which a busy machine goes last

export function untilDigest(server, callSid, recordingSid) {
  return until(`${recordingSid} has a digest`, async () => {
    const { json } = await requestJson(`${server.url}/api/calls/${callSid}`);
    return json.recordings?.find(({ recording_sid: sid }) => sid === recordingSid)?.sha256;
  }, DIGEST_MS);
}
