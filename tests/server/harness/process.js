// A program started for a test: its output line by line, its end, and the certainty that it ends.
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until, within } from './until.js';
import { atEnd } from './lifetime.js';

/** A new folder that goes away with the test. */
export function temporaryFolder(t, name = 'callspool') {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  atEnd(t, () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Whether each thread of it stands still: what SIGSTOP asked of one of them, the others may do later. */
export const isFrozen = (pid) => readdirSync(`/proc/${pid}/task`).every((task) => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')));

/** A program stands still until thaw(), or until the test ends. */
export async function freeze(t, program) {
  program.child.kill('SIGSTOP');
  atEnd(t, () => thaw(program));
  await until('it stands still', () => isFrozen(program.pid));
}

export const thaw = (program) => program.child.kill('SIGCONT');

export class Program extends EventEmitter {
  /**
   * options: env (added to a small environment of its own), cwd, stdin ('ignore' or 'pipe'); ownGroup: it starts processes
   * that may outlive it, which are then ended with it.
   */
  constructor(command, args, options = {}) {
    super();
    this.command = `${command} ${args.join(' ')}`;
    this.out = [];
    this.err = [];
    const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'];
    const env = Object.fromEntries(kept.filter((name) => process.env[name]).map((name) => [name, process.env[name]]));
    this.child = spawn(command, args, {
      env: { ...env, ...options.env },
      cwd: options.cwd,
      detached: options.ownGroup,
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    this.ownGroup = options.ownGroup;
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => resolve({ code: null, signal: null, error }));
      this.child.once('close', (code, signal) => resolve({ code, signal }));
    });
    this.exited.then((status) => {
      this.status = status;
      this.emit('end');
    });
    for (const [stream, lines] of [[this.child.stdout, this.out], [this.child.stderr, this.err]]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        this.emit('line', line);
      });
    }
  }

  get pid() {
    return this.child.pid;
  }

  /** What it said so far, for messages. */
  get said() {
    return [...this.out, ...this.err].slice(-60).join('\n');
  }

  /** The first line, already said or to come, that matches; returns the match. */
  async line(pattern, withinMs = 30_000) {
    const find = () => [...this.out, ...this.err].map((line) => line.match(pattern)).find(Boolean);
    const found = new Promise((resolve, reject) => {
      const look = () => {
        const match = find();
        if (match) resolve(match);
        else if (this.status) reject(new Error(`${this.command} ended (${JSON.stringify(this.status)}) before it said ${pattern}:\n${this.said}`));
        else return false;
        this.off('line', look);
        this.off('end', look);
        return true;
      };
      if (!look()) {
        this.on('line', look);
        this.on('end', look);
      }
    });
    return this.#saying(within(`${this.command} says ${pattern}`, found, withinMs));
  }

  /** A failure tells what it said last. */
  async #saying(promise) {
    try {
      return await promise;
    } catch (error) {
      if (!error.message.includes(this.said)) error.message += `\n${this.said}`;
      throw error;
    }
  }

  /** Sends a signal and waits for the end: { code, signal }. */
  async stop(signal = 'SIGTERM', withinMs = 30_000) {
    if (!this.status) this.child.kill(signal);
    try {
      return await this.#saying(within(`${this.command} ends after ${signal}`, this.exited, withinMs));
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** By force.  What it started may have its output still, and so keep it from being closed: nobody waits for that. */
  async end() {
    this.child.kill('SIGKILL');
    if (this.ownGroup) killGroup(this.pid);
    await within('its output is closed', this.exited, 5000).catch(() => {
      this.child.stdout.destroy();
      this.child.stderr.destroy();
    });
  }
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Runs to the end: { code, signal, stdout, stderr }.  stdout is a Buffer when binary; onStderr(chunk) hears it at once. */
export async function run(command, args, options = {}) {
  const kept = options.env ? { ...process.env, ...options.env } : process.env;
  const child = spawn(command, args, { env: kept, cwd: options.cwd, stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const chunks = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk) => {
    chunks.stderr.push(chunk);
    options.onStderr?.(chunk);
  });
  if (options.input !== undefined) child.stdin.end(options.input);
  let timer;
  const kill = () => {
    child.kill('SIGKILL');
    child.stdout.destroy(); // what it started may have them still
    child.stderr.destroy();
  };
  if (options.withinMs !== 0) timer = setTimeout(kill, options.withinMs ?? 60_000);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  const stdout = Buffer.concat(chunks.stdout);
  return { code, signal, stdout: options.binary ? stdout : stdout.toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}
