// What happens in one schedule: settings, and the lives of a server, each of them steps and an end.  Made of the seed alone, so that the
// same seed is the same schedule; what a machine makes of the moments between the steps is its own.
//
// A recording is known by its number, in the order in which they are placed.  A step's `ms` is what passes before it.
import { Dice } from '../server/harness/dice.js';
import { CALLS } from '../server/harness/faulty.js';
import { KINDS } from '../server/harness/shadow.js';

const RATES = ['', '', '@60%', '@30%'];
const TIMES = ['', '', '#1', '#2', '#4'];

/** Rules of the simulated Twilio (docs/simulate.md).  Not among them: 401 and a 403 for many, which pause an account for a minute. */
const UPSTREAM = [
  [3, () => '429'], [1, () => '429=1#1'], [3, (dice) => dice.pick(['500', '502', '503', '504'])], [1, (dice) => `${dice.pick(['500', '503'])}:all`],
  [3, (dice) => `page=${dice.pick(['xml', 'json', 'html'])}`], [2, () => 'empty'], [2, () => 'redirect'], [2, () => 'close'], [1, () => 'close:all'],
  [2, () => 'hang#1'], [2, (dice) => `delay=${dice.between(20, 400)}ms`], [4, (dice) => `slow=${dice.pick([8000, 30_000, 100_000, 300_000])}`],
  [3, (dice) => `stall=${dice.between(0, 99)}%`], [5, (dice) => `cut=${dice.between(0, 99)}%`], [2, (dice) => `length=+${dice.between(1, 5000)}`],
  [3, () => 'no-length'], [1, () => 'type=text/html'], [2, () => '404'], [6, () => 'ranges'], [5, () => 'changed'], [1, () => '500:api'], [1, () => 'hang#1:api'],
];

/** Some of it is heard, then the line breaks, and what comes next is other media. */
const changing = (dice) => [`changed#${dice.between(2, 4)}`, `${dice.pick(['cut', 'cut', 'stall'])}=${dice.between(20, 99)}%#${dice.between(1, 2)}`, ...(dice.chance(70) ? [`slow=${dice.pick([30_000, 100_000, 300_000])}`] : [])];

function faultStep(dice) {
  if (dice.chance(15)) return { what: 'fault', rules: changing(dice) };
  const rules = Array.from({ length: dice.between(1, 3) }, () => {
    const rule = dice.weighted(UPSTREAM)(dice);
    if (rule.includes('#') || rule.includes(':')) return rule;
    return rule + dice.pick(RATES) + dice.pick(TIMES);
  });
  // Without an end a rule of these would hold until the quiet, and nothing else would happen.
  return { what: 'fault', rules: rules.map((rule) => (/^(404|hang|empty|page|stall)/.test(rule) && !rule.includes('#') && !rule.includes('@') ? `${rule}#2` : rule)) };
}

/** The callbacks of one call with its recordings, in the order in which they are sent. */
function callbacksOf(dice, recordings) {
  const wanted = [{ of: 'initiated' }, { of: 'completed' }];
  for (let number = 0; number < recordings; number += 1) wanted.push({ of: 'in-progress', number }, { of: 'recorded', number });
  const sent = wanted.flatMap((callback) => {
    const fate = dice.weighted([[12, 'once'], [3, 'dropped'], [3, 'doubled'], [3, 'late']]);
    if (fate === 'dropped') return [];
    const one = { ...callback, ms: dice.weighted([[3, 0], [1, dice.between(0, 100)]]), ...(fate === 'late' ? { isLate: true } : {}) };
    return fate === 'doubled' ? [one, { ...one, ms: dice.between(0, 60) }] : [one];
  });
  return dice.chance(40) ? dice.shuffle(sent) : sent;
}

/** Twilio encrypts it: is its key with the server from the start, and do callbacks tell how, or the API alone? */
const sealing = (dice) => ({ key: dice.weighted([[2, 'early'], [1, 'late']]), isTold: dice.chance(80) });

function placeStep(dice, isAging) {
  const recordings = dice.weighted([[6, 1], [1, 2], [1, 3]]);
  const status = dice.weighted([[14, 'completed'], [1, 'absent']]);
  return {
    what: 'place',
    call: `CA${dice.hex(32)}`,
    recording: `RE${dice.hex(32)}`,
    recordings,
    seconds: dice.weighted([[5, dice.between(1, 6)], [2, dice.between(7, 20)], [1, dice.between(21, 60)]]),
    channels: dice.weighted([[4, 2], [1, 1]]),
    status,
    ...(status === 'completed' && dice.chance(25) ? { sealed: sealing(dice) } : {}),
    age: isAging ? dice.weighted(AGES) : 0,
    callbacks: callbacksOf(dice, recordings),
  };
}

const LIVE = {
  'fetch.concurrency': (dice) => dice.pick([1, 2, 4, 32]),
  'fetch.player_slots': (dice) => dice.pick([0, 1, 8]),
  play_wait: (dice) => dice.pick(['300ms', '1s', '2s']),
  'fetch.retry_first': (dice) => dice.pick(['10ms', '20ms', '50ms']),
  send_timeout: (dice) => dice.pick(['10s', '60s']),
};

/** How long recordings are kept, in days, and how much longer their bytes; the ages are near none of the edges. */
const KEPT = [[30, 1], [3, 1], [3, 23], [2, 1]];
const AGES = [[5, 0], [2, 2.5], [2, 5]];

function live(dice, isAging) {
  const settings = Object.fromEntries(Object.entries(LIVE).map(([key, value]) => [key, value(dice)]));
  if (!isAging) return { ...settings, retention: 'forever' };
  const [retention, grace] = dice.pick(KEPT);
  return { ...settings, retention: `${retention}d`, purge_grace: `${grace}d` };
}

/** Of live settings: { retention, grace } in days. */
export const keptBy = ({ retention, purge_grace: grace }) => (retention === 'forever' ? { retention: Infinity, grace: 0 } : { retention: parseInt(retention, 10), grace: parseInt(grace, 10) });

// What forgetful.c reads itself must not fail.
function ioStep(dice, { isForgetful }) {
  const file = dice.weighted([[5, 'media'], [2, 'ledger'], [2, 'log']]);
  return {
    what: 'io', file, call: dice.pick(isForgetful ? CALLS.filter((call) => call !== 'open' && call !== 'read') : CALLS), after: dice.weighted([[2, 0], [2, dice.between(1, 10)], [1, dice.between(10, 60)]]),
    count: dice.weighted([[4, 1], [1, dice.between(2, 6)]]), error: dice.pick(['EIO', 'EIO', 'ENOSPC']),
  };
}

const HOUR_S = 3600;
const YEAR_S = 365 * 24 * HOUR_S;

/**
 * The wall clock jumps: so many seconds ahead of what it is, or behind; 0: it is set right.  Hours bring no age over an edge, as after a
 * start a clock counts as right that is some days ahead (docs/upkeep.md).
 */
function clockStep(dice) {
  const far = dice.weighted([[2, dice.between(2, 11) * HOUR_S], [2, dice.between(1, 10) * YEAR_S]]);
  return { what: 'clock', ahead: dice.weighted([[2, far], [2, -far], [1, 0]]) };
}

/** Somebody changes the file of one that is stored: a bit of it, its length, or that it is there. */
const damageStep = (dice, number) => ({ what: 'damage', number, how: dice.pick(['flip', 'flip', 'cut', 'remove']), at: dice.between(0, 99) });

/** One of the recordings that are there, the latest rather than the first. */
const any = (dice, placed) => placed - 1 - Math.min(dice.below(placed), dice.below(placed));

function step(dice, { disk, isAging, isJumping, isTampered }, placed) {
  const of = (what) => () => ({ what, number: any(dice, placed) });
  const steps = [
    [8, () => placeStep(dice, isAging)],
    [6, () => faultStep(dice)],
    [3, () => ({ what: 'calm' })],
    [4, () => ({ what: 'late' })],
    [3, () => ({ what: 'ask' })],
    [isAging ? 5 : 2, () => ({ what: 'hup', settings: live(dice, isAging) })],
    // What is old is held more often, and stays so: else hardly one of those that a hold alone keeps is left at the end.
    ...(placed > 0 ? [[isAging ? 10 : 4, of('hold')], [isAging ? 1 : 2, of('lift')], [isAging ? 2 : 4, of('delete')], [3, of('retry')], [2, of('tell')]] : []),
    [1, () => ({ what: 'key' })],
    ...(isAging ? [[3, () => ({ what: 'purge', isTrusting: dice.chance(20) })]] : []),
    ...(isJumping ? [[6, () => clockStep(dice)]] : []),
    ...(isTampered ? [[4, () => ({ what: 'verify', isCommand: dice.chance(25) })]] : []),
    ...(isTampered && placed > 0 ? [[8, () => damageStep(dice, any(dice, placed))]] : []),
    // Where reads fail now and then, a file that is whole may be taken for lost, and then Twilio's copy is needed.
    ...(isTampered && placed > 0 && !disk.isFaulty ? [[3, of('forget')]] : []),
    ...(disk.isForgetful ? [[3, () => ({ what: 'sync', kind: dice.pick(KINDS) })]] : []),
    ...(disk.isFaulty ? [[8, () => ioStep(dice, disk)]] : []),
    ...(disk.isSmall ? [[4, () => ({ what: 'fill', left: dice.pick([0, 0, 4096, 300_000, 900_000]) })], [3, () => ({ what: 'drain' })]] : []),
  ];
  return { ...dice.weighted(steps)(), ms: dice.weighted([[3, 0], [4, dice.between(1, 40)], [1, dice.between(40, 200)]]) };
}

function oneLife(dice, about, placedBefore) {
  const { disk } = about;
  const steps = [];
  let placed = placedBefore;
  for (let left = dice.between(3, 12); left > 0; left -= 1) {
    steps.push(step(dice, about, placed));
    const last = steps[steps.length - 1];
    if (last.what === 'place') placed += last.recordings;
  }
  const ends = disk.isForgetful ? [[1, 'stop'], [2, 'kill'], [3, 'power'], [3, 'torn']] : [[1, 'stop'], [3, 'kill']];
  return { life: { steps, end: dice.weighted(ends), ms: dice.between(0, 80) }, placed };
}

/** The schedule of a seed, as plain data. */
export function makeSchedule(seed) {
  const dice = new Dice(seed);
  const kind = dice.weighted([[3, 'plain'], [4, 'forgetful'], [4, 'faulty'], [2, 'both'], [2, 'small']]);
  const disk = { isForgetful: kind === 'forgetful' || kind === 'both', isFaulty: kind === 'faulty' || kind === 'both', isSmall: kind === 'small' };
  const about = { disk, isAging: dice.chance(35), isJumping: dice.chance(25), isTampered: dice.chance(35) };
  const lives = [];
  let placed = 0;
  for (let left = dice.weighted([[3, 1], [4, 2], [2, 3]]); left > 0; left -= 1) {
    const made = oneLife(dice, about, placed);
    lives.push(made.life);
    placed = made.placed;
  }
  return {
    seed,
    ...about,
    settings: {
      threads: dice.between(1, 2), format: dice.weighted([[4, 'mp3'], [1, 'wav']]), cache_entries: dice.pick([1, 4, 4096]),
      'fetch.stall_timeout': '300ms', 'fetch.connect_timeout': '2s', stop_timeout: '200ms', 'fetch.retry_most': dice.pick(['60ms', '200ms', '400ms']),
      reconcile_interval: '1s', min_free: disk.isSmall ? '512K' : '0',
    },
    live: live(dice, about.isAging),
    players: dice.between(1, 5),
    lives,
    // What the quiet begins with, so that it is not always the end of the last life; on a whole disk the server may go on, and heal.
    quiet: dice.pick(disk.isForgetful ? ['power', 'kill', 'stop'] : kind === 'plain' ? ['kill', 'stop', 'go on', 'go on'] : ['kill', 'stop']),
  };
}
