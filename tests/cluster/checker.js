// What must be true of a run: a function of its history, of the ledger and the store at its end, and of what Twilio had.  Nothing is asked of anybody here.
//
//	check(history, truth)    [{ point, text }]: what is not so; none: all is well
//
// The points are those of docs/testing.md.  truth is what truth.js gathers; of processes nothing but the history tells.
import { createHash } from 'node:crypto';

const DELETED_WITHIN_MS = 3000;
/** A door (door.js) sees an end a little later than it was. */
const OVERLAP_MS = 700;
/** Who could not hear, or did not run, has so long to find out what it missed. */
const RECOVERS_MS = 10_000;
/** Whoever stood still, or was cut off, for so long may have been taken for dead rightly, and finds out so soon after it. */
const STILL_MS = 8000, FOUND_OUT_MS = 15_000;
const TOLD = 3; // bits of a change: of a call, of a recording
const LAST = 1e12;

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const of = (history, what) => history.filter((entry) => entry.what === what);

/** [{ process, from, to }] of entries that begin and end something. */
function spans(history, begins, ends) {
  const open = new Map();
  const found = [];
  for (const entry of history) {
    if (begins(entry) && !open.has(entry.process)) open.set(entry.process, entry.at);
    else if (ends(entry) && open.has(entry.process)) {
      found.push({ process: entry.process, from: open.get(entry.process), to: entry.at });
      open.delete(entry.process);
    }
  }
  for (const [process, from] of open) found.push({ process, from, to: LAST });
  return found;
}

const isLife = (...states) => ({ what, state }) => what === 'life' && states.includes(state);
const frozen = (history) => spans(history, isLife('stopped'), isLife('woken', 'ended', 'died'));
const cutOff = (history) => spans(history, ({ what, line }) => what === 'cut' && line === 'database', ({ what, line }) => what === 'mended' && line === 'database');
const serverAway = (history) => spans(history, ({ what, state }) => what === 'database' && state === 'away', ({ what, state }) => what === 'database' && state === 'back');

/** What was committed then may be gone. */
const tails = (history) => of(history, 'tail').map(({ from, at }) => ({ from, to: at }));
const overlaps = (a, b) => a.from <= b.to && b.from <= a.to;
const isIn = (list, span) => list.some((one) => overlaps(one, span));

/** So long before `at`, not counting what of `list` lies before it: nobody finds anything out while the database is away. */
function beginOf(at, ms, list) {
  let from = at - ms;
  for (const one of [...list].reverse()) if (overlaps(one, { from, to: at })) from -= Math.min(one.to, at) - one.from;
  return from;
}

// 1: each event that was acknowledged is in the log.
function acknowledged(history, truth) {
  const there = new Set(truth.marks);
  const lost = tails(history);
  return of(history, 'webhook').filter((entry) => entry.answer === 200 && !there.has(entry.mark) && !isIn(lost, { from: entry.from, to: entry.at }))
    .map(({ mark, callSid, recordingSid, of: kind, process, from, at }) => `event ${mark} (${kind} of ${recordingSid ?? callSid}) was acknowledged by ${process} between ${from} and ${at}, and is lost`);
}

// 2: calls and recordings are what one process makes of the log; a main recording never changed.
function projected(history, truth) {
  const found = [];
  const fresh = new Set(truth.fresh), made = new Set(truth.projected);
  for (const row of truth.projected) if (!fresh.has(row)) found.push(`is in the ledger, and not in a fresh projection of its log: ${row}`);
  for (const row of truth.fresh) if (!made.has(row)) found.push(`is in a fresh projection of the log, and not in the ledger: ${row}`);
  const lost = tails(history);
  const main = new Map();
  const see = (callSid, sid, at) => {
    const before = main.get(callSid);
    if (before && before.sid !== sid && !lost.some(({ from }) => before.at >= from && at >= from)) found.push(`the main recording of ${callSid} was ${before.sid} at ${before.at}, and is ${sid} at ${at}`);
    if (sid) main.set(callSid, { sid, at });
  };
  for (const entry of of(history, 'seen')) if (entry.main) see(entry.callSid, entry.main, entry.at);
  for (const [callSid, sid] of truth.mains) see(callSid, sid, LAST);
  return found;
}

// 3: counters say how many there are.
function counted({}, truth) {
  const names = new Set([...Object.keys(truth.counts), ...Object.keys(truth.counted)]);
  return [...names].filter((name) => (truth.counts[name] ?? 0) !== (truth.counted[name] ?? 0))
    .map((name) => `the counter ${name} says ${truth.counts[name] ?? 0}, and there are ${truth.counted[name] ?? 0}`);
}

// 4: one at a time asks Twilio for a recording, and nobody who lives is taken for dead.
function alone(history) {
  const found = [];
  const excuses = [...frozen(history), ...cutOff(history)];
  const lost = tails(history);
  const isExcused = (process, span) => isIn(excuses.filter((one) => one.process === process), span) || isIn(lost, span);
  const bySid = new Map();
  for (const entry of of(history, 'asked')) bySid.set(entry.recordingSid, [...bySid.get(entry.recordingSid) ?? [], entry]);
  for (const [recordingSid, requests] of bySid) {
    requests.sort((a, b) => a.from - b.from);
    requests.forEach((first, i) => {
      for (const second of requests.slice(i + 1)) {
        const common = Math.min(first.to, second.to) - second.from;
        if (first.process === second.process || common <= OVERLAP_MS || isExcused(first.process, { from: first.from - RECOVERS_MS, to: second.from })) continue;
        found.push(`${recordingSid} was asked for by ${first.process} from ${first.from} to ${first.to} and by ${second.process} from ${second.from} to ${second.to}`);
      }
    });
  }
  const away = serverAway(history);
  for (const { process, number, at } of of(history, 'life').filter(({ state }) => state === 'buried')) {
    const still = excuses.filter((one) => one.process === process && one.to - one.from >= STILL_MS);
    if (!isIn(still, { from: beginOf(at, FOUND_OUT_MS, away), to: at }) && !isIn(lost, { from: at - FOUND_OUT_MS, to: at })) found.push(`${process}, number ${number}, was taken for dead at ${at}, and had neither stood still nor been cut off from the database`);
  }
  for (const { process, at, said } of of(history, 'life').filter(({ state }) => state === 'died')) found.push(`${process} ended by itself at ${at}: ${said?.join('\n')}`);
  return found;
}

/** A file is removed when the ledger says so: was it deleted, or replaced by another one, in what a failover took away? */
function isRemovalLost(history, { recordingSid, at }, tail) {
  if (at < tail.from) return false;
  const isDeletion = ({ what, act, from }) => what === 'person' && act === 'delete' && from <= tail.to; // whoever stood still did it later than it was asked to
  const isFetch = ({ what, from, to }) => what === 'asked' && from <= tail.to && to >= tail.from - RECOVERS_MS;
  return history.some((entry) => entry.recordingSid === recordingSid && (isDeletion(entry) || isFetch(entry)));
}

// 5: an ETag names one content, and what is stored is what the ledger says.
function contents(history, truth) {
  const found = [];
  const agrees = (content, { offset, length, sha256: is }) => offset + length <= content.length && sha256(content.subarray(offset, offset + length)) === is;
  const byEtag = new Map();
  for (const entry of of(history, 'play').filter(({ pieces }) => pieces)) {
    const { recordingSid, etag, pieces, process, from } = entry;
    const before = byEtag.get(etag);
    const candidates = before?.recordingSid === recordingSid ? before.contents : before ? [] : truth.media.get(recordingSid) ?? [];
    const left = candidates.filter((content) => pieces.every((piece) => piece.length === 0 || agrees(content, piece)));
    const told = `${recordingSid} at ${process} from ${from}, ETag ${etag}, ${pieces.map(({ offset, length, total }) => `${length} from ${offset} of ${total}`).join(' and ')}`;
    if (left.length === 0) found.push(`${told}: these bytes are no part of it, or its ETag names two contents`);
    else if (!entry.cut && pieces.some(({ total }) => total !== undefined && left.every(({ length }) => length !== total))) found.push(`${told}: it has ${left.map(({ length }) => length).join(' or ')} bytes`);
    else if (etag) byEtag.set(etag, { recordingSid, contents: left });
  }
  for (const entry of of(history, 'lost')) {
    if (!tails(history).some((tail) => isRemovalLost(history, entry, tail))) found.push(`${entry.recordingSid} was stored, and ${entry.process} says at ${entry.at} that it is lost`);
  }
  for (const { recordingSid, process, at } of of(history, 'forgotten')) {
    if (!tails(history).some(({ from }) => from <= at)) found.push(`${process} says at ${at} that ${recordingSid}, which it had to do with, is in no ledger`);
  }
  const files = new Map(truth.files.map((file) => [file.key, file]));
  for (const { recordingSid, state, path, sha256: digest, size } of truth.recordings.filter((row) => row.state === 'stored')) {
    const file = files.get(path);
    if (!file) found.push(`${recordingSid} is ${state}, and there is no ${path}`);
    else if (file.sha256 !== digest || file.size !== size) found.push(`${path} has ${file.size} bytes, SHA-256 ${file.sha256}, and the ledger says ${size}, ${digest}`);
    else if (!(truth.media.get(recordingSid) ?? []).some((content) => sha256(content) === digest)) found.push(`${path} is nothing that Twilio had`);
  }
  return found;
}

/** Who could not hear of a failover goes on from what there was before it, until that is found out: then at once the reader is told to read anew. */
function isToldNext(entry, next, deaf) {
  return (next?.more || next?.reset) && isIn(deaf.filter(({ process }) => process === entry.process), { from: entry.from - RECOVERS_MS, to: entry.at });
}

/** Of one reader: the calls that it was told of between two numbers are those that changed there. */
function followed(reader, entries, { turns, losses }, deaf) {
  const found = [];
  for (const [i, entry] of entries.entries()) {
    if (entry.after === undefined || entry.reset) continue;
    const { process, from, at, after, seq, more } = entry;
    const about = `${reader} at ${process}, ${from} to ${at}, after ${after}`;
    if (seq < after) found.push(`${about}: its number fell to ${seq}`);
    if (more) continue;
    if (losses.some((lost) => after > lost.lastKept && after <= lost.last && from > lost.at) && !isToldNext(entry, entries[i + 1], deaf)) found.push(`${about}: what it had been told of is gone, and it was told no reset`);
    const told = new Set([...entry.calls ?? [], ...entry.gone ?? []]);
    for (const turn of turns.slice(firstAfter(turns, after), firstAfter(turns, seq))) {
      const missed = turn.changes.filter(({ what, callSid }) => (what & TOLD) && callSid !== '-' && !told.has(callSid)).map(({ callSid }) => callSid);
      if (turn.isAll || missed.length > 0) found.push(`${about}: it was told of all up to ${seq}, and not of ${turn.isAll ? 'everything' : missed.join(' and ')}, which changed in ${turn.seq}`);
    }
  }
  return found;
}

/** The place of the first one after that number. */
function firstAfter(turns, seq) {
  let [low, high] = [0, turns.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (turns[middle].seq > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

// 6: who follows hears of every turn, in order, or is told to read anew.
function followedAll(history, truth) {
  const byReader = new Map();
  for (const entry of of(history, 'feed').filter(({ seq }) => seq !== undefined)) byReader.set(entry.reader, [...byReader.get(entry.reader) ?? [], entry]);
  const deaf = [...frozen(history), ...cutOff(history)];
  return [...byReader].flatMap(([reader, entries]) => followed(reader, entries, truth, deaf));
}

// 7: what was deleted is played by nobody who is connected.
function deleted(history) {
  const found = [];
  const lost = tails(history);
  const hears = (process, span) => !isIn([...frozen(history), ...cutOff(history)].filter((one) => one.process === process).map(({ from, to }) => ({ from, to: to + RECOVERS_MS })), span)
    && !isIn(serverAway(history).map(({ from, to }) => ({ from, to: to + RECOVERS_MS })), span);
  const gone = new Map();
  for (const { act, answer, recordingSid, from, at } of of(history, 'person')) {
    if (act === 'delete' && answer === 200 && !gone.has(recordingSid) && !isIn(lost, { from, to: at })) gone.set(recordingSid, at);
  }
  for (const { recordingSid, process, from, pieces, at } of of(history, 'play')) {
    const goneAt = gone.get(recordingSid);
    if (!pieces || goneAt === undefined || from <= goneAt + DELETED_WITHIN_MS || !hears(process, { from: goneAt, to: from })) continue;
    found.push(`${recordingSid} was deleted at ${goneAt}, and ${process} played it from ${from} to ${at}`);
  }
  return found;
}

const OVER = new Set(['stored', 'absent', 'purged', 'deleted']);
const TOLD_WHY = new Set(['dead', 'gone']);

// 8: what was to be fetched is stored, or it is told why not.
function fetched(history, truth) {
  const found = truth.recordings.filter(({ state, reason }) => !OVER.has(state) && !(TOLD_WHY.has(state) && reason) && state !== 'announced')
    .map(({ recordingSid, state, reason, nextTryAt }) => `${recordingSid} is ${state}${reason ? ` (${reason})` : ''}${nextTryAt ? `, to be tried at ${nextTryAt}` : ''} in the end`);
  const bySid = new Map(truth.recordings.map((row) => [row.recordingSid, row]));
  const lost = tails(history);
  for (const { of: kind, status, recordingSid, answer, from, at } of of(history, 'webhook')) {
    if (kind !== 'recorded' || status !== 'completed' || answer !== 200 || isIn(lost, { from, to: at })) continue;
    const row = bySid.get(recordingSid);
    if (!row || row.state === 'announced') found.push(`that ${recordingSid} is completed was acknowledged at ${at}, and it is ${row?.state ?? 'unknown'} in the end`);
  }
  return [...new Set(found)];
}

// 9: nothing is left half-way.
function finished({}, truth) {
  const found = [];
  for (const [what, count] of [['leases', truth.leases], ['open attempts', truth.openAttempts], ['events that are not projected', truth.unprojected], ['events that were set aside', truth.setAside]]) {
    if (count > 0) found.push(`${count} ${what} are left`);
  }
  return found;
}

// 10: the store has what the ledger names, and else what a process left that was stopped in the middle.
function named(history, truth) {
  const found = [];
  const lost = tails(history);
  const paths = new Set(truth.recordings.filter(({ state }) => state === 'stored').flatMap(({ path }) => [path, path.replace(/\.\w+$/, '.peaks')]));
  const tried = new Set(truth.attempts.map(({ recordingSid, generation }) => `${recordingSid}.${generation}`));
  const gone = new Set(truth.recordings.filter(({ state }) => state === 'deleted').map(({ path }) => path).filter(Boolean));
  for (const { key } of truth.files) {
    const [, recordingSid, generation] = key.match(/(RE[0-9a-f]{32})\.(\d+)\.\w+$/) ?? [];
    if (paths.has(key)) continue;
    if (gone.has(key)) found.push(`${key} is there, and was deleted`);
    else if (!tried.has(`${recordingSid}.${generation}`) && lost.length === 0) found.push(`${key} is named by nothing in the ledger, and by no attempt`);
  }
  return found;
}

// 11: a list is in order whichever way it is read, has each call once, and all that are known to have been there.

const KEY_NONE = [Infinity, Infinity], KEY_LEAST = [0, 0];
const placeOf = (key) => key.split('.').map(Number);
const compare = (a, b) => a[0] - b[0] || a[1] - b[1];
const groupBy = (list, keyOf) => list.reduce((groups, one) => groups.set(keyOf(one), [...groups.get(keyOf(one)) ?? [], one]), new Map());
const tellPage = ({ process, from, at, side, filter, place, walk }) => `${side} calls of ${JSON.stringify(filter)} from ${place ?? 'the newest on'} at ${process}, ${from} to ${at}${walk ? ', in the end' : ''}`;
const digitsOf = (number) => (number ?? '').replace(/\D/g, '');
const directionOf = (text) => text?.match(/^(in|out)bound/)?.[0] ?? null;

/** { callSid, place, direction, from, to, at } of calls that were never said to be anywhere else; `at`: when that was heard first. */
function settledCalls(history, truth) {
  const settled = new Map();
  const moved = new Set();
  const see = (at, { callSid, key, direction, from, to }) => {
    const before = settled.get(callSid);
    if (!before) settled.set(callSid, { callSid, key, place: placeOf(key), direction: directionOf(direction), from, to, at });
    else if (before.key !== key || before.direction !== directionOf(direction)) moved.add(callSid);
    else Object.assign(before, { from: before.from === from ? from : null, to: before.to === to ? to : null });
  };
  for (const { what, at, rows, ...row } of history) {
    if (what === 'list') for (const one of rows ?? []) see(at, one);
    else if (what === 'seen' && row.key) see(at, row);
  }
  for (const row of truth.calls) {
    const before = settled.get(row.callSid);
    if (before && (before.key !== row.key || before.direction !== row.direction)) moved.add(row.callSid);
  }
  return [...settled.values()].filter(({ callSid }) => !moved.has(callSid));
}

const passes = ({ direction, number }, call) => (!direction || directionOf(call.direction) === direction) && (!number || digitsOf(call.from).includes(number) || digitsOf(call.to).includes(number));

/** Of one page: its order, and that it goes on where it is to. */
function inOrder(page) {
  const { side, filter, place, rows, beyond } = page;
  const places = rows.map(({ key }) => placeOf(key));
  const [first, last] = side === 'older' ? [places[0], places.at(-1)] : [places.at(-1), places[0]];
  const isBehind = (a, b) => (side === 'older' ? compare(a, b) < 0 : compare(a, b) > 0);
  const found = [];
  if (places.some((one, i) => i > 0 && compare(places[i - 1], one) <= 0)) found.push(`${tellPage(page)}: not newest first: ${rows.map(({ key }) => key).join(', ')}`);
  if (first && place && !isBehind(first, placeOf(place))) found.push(`${tellPage(page)}: begins with ${first.join('.')}`);
  if (beyond && place && !isBehind(placeOf(beyond), placeOf(place))) found.push(`${tellPage(page)}: goes on from ${beyond}`);
  if (beyond && last && isBehind(last, placeOf(beyond))) found.push(`${tellPage(page)}: goes on from ${beyond}, and has ${last.join('.')}`);
  for (const row of rows) if (!passes(filter, row)) found.push(`${tellPage(page)}: has ${JSON.stringify(row)}`);
  return found;
}

/** Of one page: what is known to lie in its reach, and is not in it. */
function missing(page, settled, isExcused) {
  const { side, filter, place, rows, beyond, from } = page;
  const [start, end] = [place && placeOf(place), beyond && placeOf(beyond)];
  const reaches = (one) => (side === 'older' ? compare(one, start ?? KEY_NONE) < 0 && compare(one, end ?? KEY_LEAST) >= 0 : compare(one, start ?? KEY_LEAST) > 0 && compare(one, end ?? KEY_NONE) <= 0);
  const there = new Set(rows.map(({ callSid }) => callSid));
  return settled.filter((call) => call.at <= from && !there.has(call.callSid) && reaches(call.place) && passes(filter, call) && !isExcused(call))
    .map(({ callSid, key, at }) => `${tellPage(page)}: does not have ${callSid}, ${key}, of which was told at ${at}`);
}

/** Of a walk at the end: it is what the ledger has. */
function whole(pages, truth) {
  const [{ side, filter: { direction, state } }] = pages;
  const isAsked = (call) => (!direction || call.direction === direction) && (!state || (state === 'held' ? call.isHeld : call.state === state));
  const wanted = truth.calls.filter(isAsked).sort((a, b) => compare(placeOf(b.key), placeOf(a.key))).map(({ callSid }) => callSid);
  const ordered = side === 'older' ? pages : [...pages].reverse();
  const told = ordered.flatMap(({ rows }) => rows.map(({ callSid }) => callSid));
  const at = wanted.findIndex((callSid, i) => told[i] !== callSid);
  return at < 0 && told.length === wanted.length ? [] : [`${tellPage(pages[0])}: has ${told.length} of ${wanted.length}, and ${told[Math.max(at, 0)]} where ${wanted[Math.max(at, 0)]} is`];
}

function listed(history, truth) {
  const pages = of(history, 'list').filter(({ rows }) => rows);
  const lost = tails(history);
  const settled = settledCalls(history, truth);
  const isPlain = ({ filter }) => !filter.state; // what a state's list has changes without being told
  return [
    ...pages.flatMap(inOrder),
    ...pages.filter((page) => isPlain(page) && !isIn(lost, { from: page.from, to: page.at })).flatMap((page) => missing(page, settled, (call) => isIn(lost, { from: call.at, to: call.at }))),
    ...[...groupBy(pages.filter(({ walk }) => walk), ({ walk }) => walk).values()].flatMap((walk) => whole(walk, truth)),
  ];
}

/** What was answered that no caller should be answered. */
function lawful(history) {
  return history.filter(({ wrong }) => wrong).map(({ what, process, from, at, wrong }) => `${what} at ${process}, ${from} to ${at}: ${wrong}`);
}

export const POINTS = [lawful, acknowledged, projected, counted, alone, contents, followedAll, deleted, fetched, finished, named, listed];

/** What the history says alone. */
const OF_HISTORY = new Set([lawful, alone, deleted]);

/** truth undefined: of a run that came to no end. */
export function check(history, truth) {
  return POINTS.flatMap((point, number) => (truth || OF_HISTORY.has(point) ? point(history, truth).map((text) => ({ point: number, text })) : []));
}
