// The quiet after a schedule: nothing fails any more, and everything that was promised is looked at.
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { request, requestJson } from '../server/harness/http.js';
import { run } from '../server/harness/process.js';
import { isLost, toldFaults } from './damage.js';
import { keptBy } from './schedule.js';
import { until } from '../server/harness/until.js';

const WITHIN_MS = 60_000;
const LONG_WAIT_MS = 1500; // what is to be tried again later than this is retried, as a person would
const DESCRIPTORS_MOST = 160;
const MEMORY_MOST_KIB = 1_500_000; // under ASan; a leak of what is played would be seen

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Where our only copy was damaged: how it ends is told (lookAtStore). */
const ANY = ['stored', 'queued', 'waiting', 'dead', 'gone', 'expired', 'purged', 'deleted'];

/** It is known that it was begun, and no more. */
const BEGUN = ['announced', 'recording'];

/** The states in which the recording may be in the end; undefined: it may be unknown, too. */
function lawfulStates(world, recording) {
  const { deleted, status, held, age } = recording;
  if (isLost(recording)) return ANY;
  if (status === 'absent') return [undefined, 'absent', ...BEGUN, 'deleted', 'gone'];
  // A deletion of what was purged is answered as one that was done.
  if (deleted === 'yes') return ['deleted', ...(world.couldBePurged(recording) ? ['purged'] : [])];
  const { retention, grace } = keptBy(world.live);
  const isDue = age > retention + grace;
  const states = new Set(deleted === 'maybe' ? ['deleted'] : []);
  if (!isDue || held !== 'no') states.add('stored');
  if (world.couldBePurged(recording) && held !== 'yes') states.add('purged');
  // What was too old when it was to be fetched is not; nor is the list read so far back that it finds what no webhook told of.
  if (isDue && held !== 'yes') for (const state of ['expired', 'queued', 'waiting']) states.add(state);
  if (age > 0 && !world.callbacks.isTold(recording)) return [...states, undefined, ...BEGUN];
  return [...states];
}

/** Whether a play of it, by its age, is refused. */
const isExpired = (world, { age, row }) => age > keptBy(world.live).retention && !row.hold;

async function untilSettled(world, recording) {
  const states = lawfulStates(world, recording);
  let isRetried = false;
  await until(`${recording.recordingSid} is ${states.join(' or ')}`, async () => {
    const row = await world.rowOf(recording);
    recording.row = row;
    if (states.includes(row?.state)) return true;
    if (!isRetried && row?.next_try_at && Date.parse(row.next_try_at) - Date.now() > LONG_WAIT_MS) {
      isRetried = true;
      await request(`${world.server.url}/api/recordings/${recording.recordingSid}/retry`, { method: 'POST' });
    }
    throw new Error(JSON.stringify(row ?? null));
  }, WITHIN_MS);
}

async function lookAtPlay(world, recording) {
  const reply = await request(`${world.server.url}/api/recordings/${recording.recordingSid}/media`);
  await world.players.look(recording, reply, {});
  if (isLost(recording)) return undefined;
  // A play of what no webhook told of asks Twilio: it is known by now; and answered 410 for its age, it may still be on its way.
  if (!recording.row || BEGUN.includes(recording.row.state)) await untilSettled(world, recording);
  const about = `${recording.recordingSid}, held: ${recording.held}, deleted: ${recording.deleted}, is ${recording.row?.state} and its play is answered ${reply.status}`;
  if (recording.row?.state === 'stored') {
    recording.isKept = true;
    if (isExpired(world, recording)) return reply.status !== 410 && world.object(`${about}, and is older than it is kept`);
    if (reply.status !== 200 || reply.cut) world.object(`${about}${reply.cut ? ', cut' : ''} ${reply.status === 200 ? '' : reply.body}`);
    return undefined;
  }
  if (reply.status === 200) return world.object(about);
  if (['deleted', 'purged'].includes(recording.row?.state) && recording.status !== 'absent' && reply.status !== 410) world.object(about);
  return undefined;
}

async function lookAtDigest(world, recording) {
  if (!recording.isKept || isLost(recording)) return;
  const digest = await until(`${recording.recordingSid} has a digest`, async () => (await world.rowOf(recording)).sha256, WITHIN_MS);
  if (!recording.contents.some((content) => sha256(content) === digest)) world.object(`${recording.recordingSid} has the digest ${digest} of something else`);
}

function lookAtHold(world, recording) {
  const { recordingSid, status, held, age, row } = recording;
  if (isLost(recording) || status === 'absent' || (age > 0 && !world.callbacks.isTold(recording))) return undefined;
  if (row?.state !== 'stored') return held === 'yes' && world.object(`${recordingSid} is held, and is ${row?.state}`);
  if (held !== 'maybe' && Boolean(row.hold) !== (held === 'yes')) world.object(`${recordingSid} was ${held === 'yes' ? '' : 'not '}held, and is shown with ${JSON.stringify(row.hold)}`);
  return undefined;
}

/** The comparison of the store with the ledger comes to its end, and leaves no fault but those of what cannot be fetched any more. */
async function lookAtStore(world) {
  const lost = new Set(world.recordings.filter(isLost).map(({ recordingSid }) => recordingSid));
  const { status, body } = await requestJson(`${world.server.url}/api/verifications`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
  if (status !== 200) return world.object(`the comparison of the store was answered ${status} ${body}`);
  return until('the store is compared, and mended', async () => {
    const told = await toldFaults(world.server);
    const left = told.faults.filter((fault) => !lost.has(fault.recording_sid) && fault.state !== 'mended');
    world.told = told.faults;
    if (!told.asked.completed_at || left.length > 0) throw new Error(JSON.stringify({ ...told, faults: left }));
    return true;
  }, WITHIN_MS);
}

/** Nothing that is due is left once somebody asks for it: Twilio has answered, and the clock is right. */
async function lookAtPurge(world) {
  if (!world.schedule.isAging) return;
  await until('what is due is removed when it is asked for', async () => {
    const { status, json } = await requestJson(`${world.server.url}/api/purge`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } });
    if (status !== 200 || json.failure || json.files_left) throw new Error(`${status} ${JSON.stringify(json)}`);
    return true;
  }, WITHIN_MS);
  const { json } = await requestJson(`${world.server.url}/api/purge`);
  if (json.recordings !== 0 || json.files_left || json.clock !== null) world.object(`after a purge: ${JSON.stringify(json)}`);
}

/** A damaged file that cannot be fetched again: what calls itself stored, and is not, is told. */
function lookAtLost(world) {
  for (const recording of world.recordings.filter(isLost)) {
    const isTold = world.told.some((fault) => fault.recording_sid === recording.recordingSid && ['open', 'mending', 'stays'].includes(fault.state));
    if (recording.row?.state === 'stored' && !recording.isWhole && !isTold) world.object(`${recording.recordingSid} is damaged, Twilio has it no more, and nothing is told: ${JSON.stringify(world.told)}`);
  }
}

/** What lies below recordings/ and arriving/: nothing of what was removed, and each file whole. */
async function lookAtFiles(world) {
  const dataDir = world.disk.seen();
  const arriving = join(dataDir, 'arriving');
  await until('nothing is left of what was under way', () => {
    const left = readdirSync(arriving);
    if (left.length > 0) throw new Error(left.join(' '));
    return true;
  });
  const bySid = new Map(world.recordings.map((recording) => [recording.recordingSid, recording]));
  const foreign = () => readdirSync(join(dataDir, 'recordings'), { recursive: true }).map(String).filter((file) => /\.\w+$/.test(file)).filter((file) => {
    const recording = bySid.get(file.match(/RE[0-9a-f]{32}/)?.[0]);
    return !recording?.isKept && !(recording && isLost(recording));
  });
  await until('the files of what was removed are gone', () => {
    const left = foreign();
    if (left.length > 0) throw new Error(left.join(' '));
    return true;
  }, 10_000);
  for (const file of readdirSync(join(dataDir, 'recordings'), { recursive: true }).map(String)) {
    const [, recordingSid] = file.match(/(RE[0-9a-f]{32}).*\.(mp3|wav)$/) ?? [];
    if (!recordingSid) continue;
    const found = readFileSync(join(dataDir, 'recordings', file));
    const recording = bySid.get(recordingSid);
    recording.files = [...recording.files ?? [], file];
    recording.isWhole = recording.contents.some((content) => content.equals(found));
    if (!recording.isWhole && !isLost(recording)) world.object(`${file} is no whole recording: ${found.length} bytes`);
  }
  for (const recording of world.recordings) {
    if (recording.isKept && !recording.files) world.object(`${recording.recordingSid} has no file`);
    if (recording.files?.length > 1) world.orphans = [...world.orphans ?? [], ...recording.files];
  }
}

/** No descriptor holds the bytes of what was removed, and there are not too many. */
async function lookAtProcess(world) {
  const folder = `/proc/${world.server.pid}/fd`;
  const targets = () => readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd));
    } catch {
      return '';
    }
  });
  await until('no descriptor is left of what was removed', () => {
    const left = targets().filter((target) => /\/(recordings|arriving)\/.*\(deleted\)$/.test(target));
    if (left.length > 0) throw new Error(left.join(' '));
    return true;
  }, 10_000);
  if (targets().length > DESCRIPTORS_MOST) world.object(`${targets().length} descriptors are open: ${targets().join(' ')}`);
  const [, kib] = readFileSync(`/proc/${world.server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+) kB/);
  if (Number(kib) > MEMORY_MOST_KIB) world.object(`the server takes ${kib} KiB`);
}

/** Twilio is not asked more often than the faults explain. */
function lookAtRequests(world, before, after, wasStored) {
  const seconds = (performance.now() - world.beganAt) / 1000;
  const most = 20 + 10 * world.servers.length + 40 * seconds;
  for (const [recordingSid, { requests, open_max: openMax }] of Object.entries(before)) {
    if (requests > most) world.object(`${recordingSid} was asked for ${requests} times in ${seconds.toFixed(1)} s`);
    if (openMax > 4 + world.servers.length) world.object(`${recordingSid} was asked for ${openMax} times at once`);
  }
  for (const [recordingSid, { requests }] of Object.entries(after)) {
    if (world.recordings.some((recording) => recording.recordingSid === recordingSid && isLost(recording))) continue;
    if (requests > (wasStored.has(recordingSid) ? 0 : 4)) {
      world.object(`${recordingSid} was ${wasStored.has(recordingSid) ? 'stored, and was' : ''} asked for ${requests} times when nothing failed any more`);
    }
  }
}

/** Each event that was acknowledged is in the ledger, which is sound. */
async function lookAtLedger(world) {
  // A copy: sqlite3 does not find its way into another's mounts.
  const ledger = join(world.folder, 'ledger.db');
  for (const name of ['', '-wal']) {
    const from = world.disk.seen(join(world.disk.dataDir, `ledger.db${name}`));
    if (existsSync(from)) copyFileSync(from, ledger + name);
  }
  const { code, stdout, stderr } = await run('sqlite3', [ledger, 'PRAGMA integrity_check; SELECT CAST(raw AS TEXT) FROM events']);
  if (code !== 0 || !stdout.startsWith('ok\n')) return world.object(`the ledger: ${stdout.slice(0, 300)} ${stderr}`);
  const marks = new Set([...stdout.matchAll(/CampaignMark=?[^0-9a-zA-Z]*(\d+)/g)].map(([, mark]) => Number(mark)));
  for (const [mark, event] of world.callbacks.acknowledged) {
    if (!marks.has(mark)) world.object(`event ${mark} was acknowledged and is lost: ${JSON.stringify(event)}`);
  }
  return undefined;
}

export async function beQuiet(world) {
  const { twilio, callbacks, recordings, schedule } = world;
  await twilio.clearFaults();
  world.disk.calm();
  world.clock.set(0);
  callbacks.sendLate();
  await callbacks.settle();
  await world.players.stop();
  world.upkeep.addKey();
  if (schedule.quiet !== 'go on') await world.restart(schedule.quiet);
  if (world.hasChanged) for (const recording of recordings) await twilio.learnEditions(recording);
  const before = await twilio.asked();
  const wasStored = new Set();
  for (const recording of recordings) if (!recording.isDamaged && (await world.rowOf(recording))?.state === 'stored') wasStored.add(recording.recordingSid);
  await twilio.forgetAsked();
  for (const recording of recordings) await untilSettled(world, recording);
  await lookAtPurge(world);
  await lookAtStore(world);
  for (const recording of recordings) await untilSettled(world, recording); // what was found is fetched again
  for (const recording of recordings) await lookAtPlay(world, recording);
  for (const recording of recordings) {
    await lookAtDigest(world, recording);
    lookAtHold(world, recording);
  }
  await lookAtFiles(world);
  lookAtLost(world);
  await lookAtProcess(world);
  lookAtRequests(world, before, await twilio.asked(), wasStored);
  await world.stop();
  if (!existsSync(world.disk.seen(join(world.disk.dataDir, 'ledger.db')))) return world.object('there is no ledger');
  return lookAtLedger(world);
}
