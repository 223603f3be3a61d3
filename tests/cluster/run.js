// The long test of several processes: script/cluster-test says how it is called.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY } from '../server/harness/callspool.js';
import { liveThrough } from './live.js';

const TEXTS = { store: /^(bucket|folder)$/, only: /./ };
const TOLD_MOST = 20; // objections of a point; the file has all of them

function optionsOf(args) {
  const options = { seed: Math.floor(Math.random() * 2 ** 30), seconds: 600, hands: 3, only: undefined };
  for (let i = 0; i < args.length; i += 2) {
    const name = { '--seed': 'seed', '--seconds': 'seconds', '--hands': 'hands', '--every': 'everyMs', '--once': 'once', '--store': 'store', '--only': 'only' }[args[i]];
    const value = TEXTS[name] ? args[i + 1] ?? '' : Number(args[i + 1]);
    if (!name || (TEXTS[name] ? !TEXTS[name].test(value) : !Number.isInteger(value) || value < 0)) throw new Error(`${args[i]} ${args[i + 1] ?? ''}: see script/cluster-test`);
    options[name] = value;
  }
  return options;
}

/** What is started is ended with it: stands in for the `t` of a test. */
function lifetime() {
  const endings = [];
  return { after: (ending) => endings.push(ending), end: async () => { for (const ending of endings.reverse()) await ending(); } };
}

function tell(lived) {
  const points = new Map();
  for (const { point, text } of lived.objections) points.set(point, [...points.get(point) ?? [], text]);
  for (const [point, texts] of points) {
    console.log(`point ${point}: ${texts.length} objections`);
    for (const text of texts.slice(0, TOLD_MOST)) console.log(`  ${text.slice(0, 1000)}`);
  }
}

async function main({ store, ...options }) {
  const folder = join(dirname(BINARY), 'cluster');
  mkdirSync(folder, { recursive: true });
  const t = lifetime();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => t.end().catch(() => {}).finally(() => process.exit(1))); // what it started would go on
  const isInBucket = store ? store === 'bucket' : options.seed % 3 !== 0;
  console.log(`seed ${options.seed}, ${options.seconds} s, media in ${isInBucket ? 'a bucket' : 'a folder'}`);
  let failed = true;
  try {
    const lived = await liveThrough(t, { ...options, isInBucket, log: join(folder, `${options.seed}.jsonl`) });
    const { objections, logs, ms, openedMs, seed, troubles, ...sums } = lived;
    writeFileSync(join(folder, `${seed}.log`), `${objections.map(({ point, text }) => `${point}: ${text}`).join('\n')}\n\n${logs.join('\n')}\n`);
    tell(lived);
    console.log(`${Object.entries(troubles).map(([name, count]) => `${count} ${name}`).join(', ')}`);
    console.log(`${Object.entries(sums).map(([name, count]) => `${count} ${name}`).join(', ')}; ${(ms / 1000).toFixed(0)} s, of which ${(openedMs / 1000).toFixed(0)} to begin; logs: ${join(folder, `${seed}.{log,jsonl}`)}`);
    failed = objections.length > 0;
    console.log(failed ? `seed ${seed} FAILED` : `seed ${seed} passed`);
  } finally {
    await t.end().catch((error) => {
      console.log(error.message.slice(0, 4000));
      failed = true;
    });
  }
  return !failed;
}

process.exit(await main(optionsOf(process.argv.slice(2))) ? 0 : 1);
