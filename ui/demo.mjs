// callspool demo, on a port of its own, for who takes pictures of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** { url, stop }: once it listens. */
export async function startDemo(binary) {
  const demo = spawn(binary, ['demo', '--set', 'listen=127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(demo, 'exit');
  const stop = () => {
    demo.kill('SIGTERM');
    return ended;
  };
  for await (const line of createInterface({ input: demo.stdout })) {
    const url = /listening on (\S+)/.exec(line)?.[1];
    if (url) return { url, stop };
  }
  throw new Error('the demo did not start');
}
