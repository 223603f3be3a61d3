// The disk as power loss leaves it, from what tests/tools/forgetful.c kept beside it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY } from './callspool.js';
import { seeded } from './seeded.js';

const FORGETFUL = join(dirname(BINARY), 'tests/tools/forgetful.so');
const PAGE = 4096;

let sanitizers;

/** The environment in which these libraries stand before all others; a sanitizer wants to be the first. */
export function preloaded(libraries) {
  sanitizers ??= execFileSync('ldd', [BINARY], { encoding: 'utf8' }).match(/\S*\/lib[at]san\S*/g) ?? [];
  return { LD_PRELOAD: [...sanitizers, ...libraries].join(' ') };
}

/**
 * The environment of a server on the folder `disk`, whose durable state is kept in the folder `shadow`, new or gone
 * on with.  `syncs`: it is killed as it begins one more than so many; `fails`: after so many, one fails.  `above`: libraries
 * that see a call before this one does.
 */
export function forgetful(disk, shadow, { syncs, fails, above = [] } = {}) {
  if (!existsSync(FORGETFUL)) throw new Error(`there is no ${FORGETFUL}: ninja builds it with the server`);
  mkdirSync(shadow, { recursive: true });
  return { ...preloaded([...above, FORGETFUL]), FORGETFUL_DIR: disk, FORGETFUL_SHADOW: shadow, ...(syncs === undefined ? {} : { FORGETFUL_SYNCS: String(syncs) }), ...(fails === undefined ? {} : { FORGETFUL_FAILS: String(fails) }) };
}

export const KINDS = ['log', 'media', 'folder', 'ledger'];

/** The next sync of that kind (one of KINDS) fails, and what it would have made durable is lost though it can be read. */
export function failNextSync(shadow, kind) {
  writeFileSync(join(shadow, `armed.${kind}`), '');
}

/** No sync is to fail any more: one that was to fail and did not come in time would be the next start's. */
export function failNoSync(shadow) {
  for (const kind of KINDS) rmSync(join(shadow, `armed.${kind}`), { force: true });
}

const ofRun = seeded(1);

/** Names and keys of a folder as it stands: Map of name to { type, key }. */
function namesNow(folder) {
  const names = new Map();
  if (!folder) return names;
  for (const name of readdirSync(folder)) {
    const about = lstatSync(join(folder, name), { bigint: true });
    if (!about.isDirectory() && !about.isFile()) continue; // a socket
    names.set(name, { type: about.isDirectory() ? 'd' : 'f', key: `${about.ino}.${about.birthtimeNs}` });
  }
  return names;
}

function namesKept(shadow, key) {
  const file = join(shadow, `names.${key}`);
  const names = new Map();
  if (!existsSync(file)) return names;
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const [type, inner] = line.split(' ', 2);
    names.set(line.slice(type.length + inner.length + 2), { type, key: inner });
  }
  return names;
}

/** Where each key stands in the disk as it was when the power went. */
function pathsNow(folder, paths = new Map()) {
  for (const [name, { type, key }] of namesNow(folder)) {
    paths.set(key, join(folder, name));
    if (type === 'd') pathsNow(join(folder, name), paths);
  }
  return paths;
}

/** Each page, and the length, either as it was synced or as it was written last. */
function tear(kept, now, isLucky) {
  const torn = Buffer.alloc(isLucky() ? kept.length : now.length);
  for (let at = 0; at < torn.length; at += PAGE) {
    const from = isLucky() ? kept : now;
    from.subarray(at, at + PAGE).copy(torn, at);
  }
  return torn;
}

/**
 * Makes the new folder `to` of what is durable of `disk`: names that were synced, with the bytes that were
 * synced; a file that never was is empty.  `isTorn`: what was not synced reached the disk or not, each name
 * and each page by chance, which `below` (seeded.js) takes.
 */
export function rebuild(disk, shadow, to, { isTorn = false, below = ofRun } = {}) {
  const isLucky = () => below(2) === 0;
  const paths = isTorn ? pathsNow(disk) : new Map();

  const makeFile = (key, path) => {
    const kept = join(shadow, `content.${key}`);
    if (!paths.has(key) && existsSync(kept)) return copyFileSync(kept, path);
    const bytes = existsSync(kept) ? readFileSync(kept) : Buffer.alloc(0);
    return writeFileSync(path, paths.has(key) ? tear(bytes, readFileSync(paths.get(key)), isLucky) : bytes);
  };
  const makeFolder = (key, path, folderNow) => {
    mkdirSync(path);
    const kept = namesKept(shadow, key);
    const now = isTorn ? namesNow(folderNow) : kept;
    for (const name of new Set([...kept.keys(), ...now.keys()])) {
      const entry = kept.get(name)?.key === now.get(name)?.key || isLucky() ? kept.get(name) : now.get(name);
      if (!entry) continue;
      const inner = join(path, name);
      if (entry.type === 'd') makeFolder(entry.key, inner, paths.get(entry.key));
      else makeFile(entry.key, inner);
    }
  };
  makeFolder(readFileSync(join(shadow, 'root'), 'utf8'), to, disk);
}
