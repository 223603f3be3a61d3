// Lives through one run: clients and troubles, then quiet, and says what was wrong.
import { setTimeout as pause } from 'node:timers/promises';
import { Callers } from './callers.js';
import { check } from './checker.js';
import { Lister, listWhole } from './lister.js';
import { Follower, Person, Player } from './listeners.js';
import { Nemesis } from './nemesis.js';
import { leftOf, truthOf, untilQuiet } from './truth.js';
import { World } from './world.js';

const QUIET_WITHIN_MS = 90_000; // a lease of a commit without an answer is found within a minute, and what it was of is fetched then
const PLAYERS = 8, PEOPLE = 3, LISTERS = 2;

/** No trouble is left, and all of them run. */
async function heal(world) {
  for (const owner of world.rules.keys()) await world.disturbTwilio(owner);
  for (const member of world.members) member.heal();
  for (const member of world.members) if (!member.isUp) await member.start();
}

/** Each recording once more, at each of them. */
async function playAll(world, players) {
  const left = [...world.recordings];
  const work = async (player) => {
    for (let recording = left.pop(); recording; recording = left.pop()) for (const member of world.members) await player.play(recording, member);
  };
  await Promise.all(players.map(work));
}

/** Clients and troubles, then quiet: what is there in the end. */
async function useAll(world, nemesis, { seconds, everyMs }) {
  const callers = new Callers(world, { everyMs });
  const players = Array.from({ length: PLAYERS }, (_, i) => new Player(world, world.dice(100 + i)));
  const people = Array.from({ length: PEOPLE }, (_, i) => new Person(world, world.dice(200 + i)));
  const followers = [...world.members, undefined].map((member, i) => new Follower(world, world.dice(300 + i), member ? `of ${member.name}` : 'of all', member));
  const listers = Array.from({ length: LISTERS }, (_, i) => new Lister(world, world.dice(400 + i)));
  world.turns.start();
  for (const one of [callers, ...players, ...people, ...followers, ...listers, nemesis]) one.start();
  await Promise.race([world.rest(1000 * seconds), nemesis.running]);
  world.end();
  await nemesis.stop();
  if (world.isGivenUp) throw new Error('one of the processes ended by itself');
  await heal(world);
  await Promise.all([callers, ...people, ...listers].map((one) => one.stop()));
  world.history.add('quiet', {});
  await Promise.all(players.map((player) => player.stop()));
  await untilQuiet(world, QUIET_WITHIN_MS);
  await playAll(world, players);
  await untilQuiet(world, QUIET_WITHIN_MS); // a play of what no webhook told of has it fetched
  await listWhole(world);
  await pause(1000); // for followers: what they are told of is told within a quarter of that
  await world.turns.stop();
  const left = await leftOf(world);
  for (const follower of followers) follower.isOver = true;
  for (const member of world.members) await member.stop();
  await Promise.all(followers.map((follower) => follower.stop()));
  return truthOf(world, left);
}

/**
 * options: seed, seconds of troubles; once: each kind of trouble once, for at most so many seconds; isInBucket, s3 (of World.open); log: where the history is kept.
 * Gives { objections: [{ point, text }], counts, ms, ... }.
 */
export async function liveThrough(t, { seed, seconds, once, hands, only, everyMs = 150, ...options }) {
  const beganAt = performance.now();
  const world = await World.open(t, { seed, ...options });
  const openedMs = performance.now() - beganAt;
  const nemesis = new Nemesis(world, { hands, once, only: only?.split(',') });
  const objections = [];
  let truth;
  try {
    truth = await useAll(world, nemesis, { seconds, everyMs });
  } catch (error) {
    world.giveUp();
    objections.push({ point: 0, text: error.stack });
  }
  world.end();
  objections.push(...check(world.history.entries, truth));
  const count = (what) => world.history.entries.filter((entry) => entry.what === what).length;
  return {
    seed, objections, openedMs, ms: performance.now() - beganAt, troubles: nemesis.counts, recordings: world.recordings.length, events: truth?.marks.length, turns: truth?.turns.length, files: truth?.files.length,
    plays: count('play'), webhooks: count('webhook'), feeds: count('feed'), lists: count('list'), asked: count('asked'), lives: world.members.reduce((sum, { lives }) => sum + lives.length, 0),
    logs: world.members.flatMap(({ name, lives }) => lives.flatMap((life, i) => [`--- ${name}, life ${i + 1}`, ...life.err])),
  };
}
