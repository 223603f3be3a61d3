// What happens to stored files behind the server's back, and what has to be true of them in the end.
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestJson } from '../server/harness/http.js';

/** The latest of its files, where we see it; undefined: there is none. */
function fileOf(world, { recordingSid }) {
  const folder = world.disk.seen(join(world.disk.dataDir, 'recordings'));
  const generation = (name) => Number(name.split('.').at(-2));
  const [latest] = readdirSync(folder, { recursive: true }).map(String).filter((name) => name.includes(recordingSid) && /\.(mp3|wav)$/.test(name))
    .sort((a, b) => generation(b) - generation(a));
  return latest && join(folder, latest);
}

/** Never in place, as the server may have it open, and the kernel may send what it was given later; and never a part of it under its name. */
function replace(world, path, bytes) {
  const beside = world.disk.seen(join(world.disk.path, 'damaged'));
  try {
    writeFileSync(beside, bytes);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function flip(world, path, at) {
  const bytes = readFileSync(path);
  bytes[at] ^= 0x20;
  replace(world, path, bytes);
  return bytes;
}

function change(world, recording, { how, at }) {
  const path = fileOf(world, recording);
  if (!path) return;
  const [content] = recording.contents;
  const place = Math.floor(content.length * at / 100);
  recording.isDamaged = true;
  world.explainLoss(recording);
  if (how === 'remove') rmSync(path);
  else if (how === 'cut') replace(world, path, readFileSync(path).subarray(0, place));
  else recording.damaged = [...recording.damaged ?? [], flip(world, path, place)];
}

/** A stored recording's file is another from now on.  One without a digest is not flipped: nobody could tell. */
export async function damage(world, recording, step) {
  const row = await world.rowOf(recording).catch(() => undefined);
  if (row?.state !== 'stored' || (step.how === 'flip' && !row.sha256)) return;
  try {
    change(world, recording, step);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ENOSPC') throw error; // removed meanwhile; a disk that is full
  }
}

/** Somebody deletes a stored recording at Twilio: ours is the only copy. */
export async function forget(world, recording) {
  const row = await world.rowOf(recording).catch(() => undefined);
  if (row?.state !== 'stored' || recording.isForgotten) return;
  await world.twilio.learnEditions(recording);
  recording.isForgotten = true; // at the latest when it is answered
  if (await world.twilio.forget(recording.recordingSid) === false) recording.isForgotten = false;
}

/** Our only copy was damaged: it may be gone, but not in silence. */
export const isLost = (recording) => Boolean(recording.isForgotten && recording.isDamaged);

/** All faults that are told: [{ file, kind, state, recording_sid, ... }]. */
export async function toldFaults(server) {
  const faults = [];
  for (let after = ''; ;) {
    const { json } = await requestJson(`${server.url}/api/verifications${after && `?after=${encodeURIComponent(after)}`}`);
    faults.push(...json.faults);
    if (!json.more) return { faults, asked: json.asked };
    after = json.faults.at(-1).file;
  }
}
