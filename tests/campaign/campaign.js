// The fault campaign: script/campaign says how it is called.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY } from '../server/harness/callspool.js';
import { liveThrough } from './live.js';
import { makeSchedule } from './schedule.js';

const TOLD_MOST = 1000; // of each objection; the log has all of it

function optionsOf(args) {
  const options = { seed: Math.floor(Math.random() * 2 ** 30), schedules: 100, jobs: 2 };
  const names = { '--seed': 'seed', '--schedules': 'schedules', '--one': 'one', '--jobs': 'jobs', '--show': 'show', '--failures': 'failures' };
  for (let i = 0; i < args.length; i += 2) {
    const name = names[args[i]];
    const value = Number(args[i + 1]);
    if (!name || !Number.isInteger(value) || value < 0) throw new Error(`${args[i]} ${args[i + 1] ?? ''}: see script/campaign`);
    options[name] = value;
  }
  return options;
}

/** All that is known of a schedule that was lived through. */
function writeLog({ seed, objections, log, schedule }) {
  const file = join(dirname(BINARY), `campaign-${seed}.log`);
  writeFileSync(file, `${objections.join('\n')}\n\n${JSON.stringify(schedule, null, 1)}\n\n${log.join('\n')}\n`);
  return file;
}

function tellFailure(lived) {
  const { seed, objections } = lived;
  const file = writeLog(lived);
  console.log(`seed ${seed} FAILED (script/campaign --one ${seed}; its logs: ${file})`);
  for (const objection of objections) console.log(`  ${objection.slice(0, TOLD_MOST)}`);
}

async function campaign({ seed, schedules, jobs, one, failures = Infinity }) {
  const seeds = one !== undefined ? [one] : Array.from({ length: schedules }, (_, i) => seed + i);
  const sums = { schedules: 0, failed: 0, servers: 0, recordings: 0, acknowledged: 0, heard: 0, names: 0, orphans: 0, hits: 0 };
  const beganAt = performance.now();
  let next = 0;
  let slowest = { ms: 0 };
  const work = async () => {
    while (next < seeds.length && sums.failed < failures) {
      const lived = await liveThrough(seeds[next++]);
      sums.schedules += 1;
      if (lived.ms > slowest.ms) slowest = lived;
      if (one !== undefined) console.log(`its logs: ${writeLog(lived)}`);
      for (const name of ['servers', 'recordings', 'acknowledged', 'heard', 'names', 'orphans', 'hits']) sums[name] += lived[name];
      if (lived.objections.length > 0) {
        sums.failed += 1;
        tellFailure(lived);
      }
      if (sums.schedules % 20 === 0) console.log(`${sums.schedules} of ${seeds.length}, ${sums.failed} failed, ${((performance.now() - beganAt) / 1000).toFixed(0)} s`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, seeds.length) }, work));
  const seconds = (performance.now() - beganAt) / 1000;
  console.log(`seeds ${seeds[0]} to ${seeds[seeds.length - 1]}: ${sums.schedules} schedules, ${sums.servers} lives, ${sums.recordings} recordings, ${sums.acknowledged} events acknowledged, `
    + `${sums.heard} plays heard under ${sums.names} ETags, ${sums.hits} calls of the disk failed, ${sums.orphans} files beside others; ${seconds.toFixed(0)} s, the slowest, ${slowest.seed}, ${(slowest.ms / 1000).toFixed(1)} s`);
  console.log(`${sums.schedules - sums.failed} passed, ${sums.failed} failed`);
  return sums.failed === 0;
}

const options = optionsOf(process.argv.slice(2));
if (options.show !== undefined) console.log(JSON.stringify(makeSchedule(options.show), null, 1));
else process.exitCode = await campaign(options) ? 0 : 1;
