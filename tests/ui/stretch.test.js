// The list's stretch against a model of the server: whatever comes in whatever order, there is never a gap, never a
// duplicate, and when all was told, each row is as the server has it.
import assert from 'node:assert';
import test from 'node:test';
import { load } from './load.js';

const { Stretch, byPlace, keyOf, placeOf } = await load('list/stretch');

const RUNS = Number(process.env.CALLSPOOL_STRETCH_RUNS ?? 60);
const STEPS = 300;

/** A small generator of numbers, so that a failure can be had again by its seed. */
function random(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class Server {
  calls = new Map();
  seq = 100;
  told = 100;
  filter = 0;
  #changed = new Set();

  constructor(count, pick) {
    this.pick = pick;
    for (let i = 0; i < count; i++) this.add(pick(100000));
    this.told = this.seq;
    this.#changed.clear();
  }

  add(ms) {
    const id = this.calls.size + 1;
    const call = { call_sid: `CA${id}`, key: `${ms}.${id}`, seq: 0, kind: this.pick(3) };
    this.calls.set(call.call_sid, call);
    this.change(call.call_sid, {});
  }

  change(sid, change) {
    this.calls.set(sid, { ...this.calls.get(sid), ...change, seq: ++this.seq });
    this.#changed.add(sid);
  }

  passes = (call) => this.filter === 0 || call.kind === this.filter;

  list() {
    return [...this.calls.values()].filter(this.passes).sort((a, b) => byPlace(placeOf(a.key), placeOf(b.key)));
  }

  /** What changed since the last message. */
  message() {
    const changed = [...this.#changed].map((sid) => this.calls.get(sid));
    this.#changed.clear();
    this.told = this.seq;
    return { seq: this.seq, calls: changed.filter(this.passes), gone: changed.filter((call) => !this.passes(call)).map((call) => call.call_sid) };
  }

  older(key, limit) {
    const list = this.list();
    const rest = key === null ? list : list.filter((call) => byPlace(placeOf(call.key), placeOf(key)) > 0);
    const calls = rest.slice(0, limit);
    return { seq: this.seq, calls, next: rest.length > limit ? calls.at(-1).key : null, previous: key === null ? null : key };
  }

  newer(key, limit) {
    const above = this.list().filter((call) => byPlace(placeOf(call.key), placeOf(key)) < 0);
    const calls = above.slice(-limit);
    return { seq: this.seq, calls, next: calls.at(-1)?.key ?? key, previous: above.length > limit ? calls[0].key : null };
  }
}

const justAbove = (key) => keyOf({ ...placeOf(key), id: placeOf(key).id + 1 });

/** One page's life: asked, read by the server at some moment, delivered at a later one. */
function read(server, ticket, around) {
  if (ticket.part === 'newer') return [server.newer(ticket.key, 20)];
  if (!around) return [server.older(ticket.key, 20)];
  return [server.older(justAbove(around), 20), server.newer(around, 20)];
}

function checkOrder({ rows, top, bottom, waiting }) {
  for (let i = 1; i < rows.length; i++) assert(byPlace(rows[i - 1].place, rows[i].place) < 0, 'in order, each once');
  assert.strictEqual(new Set(rows.map((row) => row.call.call_sid)).size, rows.length, 'no call twice');
  for (const { call, place } of rows) {
    assert(!bottom || byPlace(place, bottom) <= 0, 'no row below the bottom');
    assert(!top || byPlace(place, top) >= 0, 'no row above the top');
    assert(!waiting.has(call.call_sid), 'what waits is no row');
  }
}

function checkWhole(stretch, server) {
  const expected = server.list().filter(({ key }) => {
    const place = placeOf(key);
    return (!stretch.bottom || byPlace(place, stretch.bottom) <= 0) && (!stretch.top || byPlace(place, stretch.top) >= 0);
  });
  const held = [...stretch.waiting.values()].sort((a, b) => byPlace(a.place, b.place));
  assert.deepStrictEqual([...held, ...stretch.rows].map((row) => row.call), expected);
}

function start(pick, filter) {
  const server = new Server(60 + pick(200), pick);
  server.filter = filter;
  const stretch = new Stretch({ rows: 50 + pick(100), waiting: 2 + pick(10) });
  const ticket = stretch.askAnew();
  stretch.page(ticket, server.older(null, 20));
  return { server, stretch, messages: [], pages: [] };
}

const STEPS_OF = {
  comes: ({ server, pick }) => server.add(90000 + pick(20000)),
  comesLate: ({ server, pick }) => server.add(pick(100000)),
  changes: ({ server, pick }) => server.change(`CA${1 + pick(server.calls.size)}`, {}),
  passesOrNot: ({ server, pick }) => server.change(`CA${1 + pick(server.calls.size)}`, { kind: pick(3) }),
  moves({ server, pick }) {
    const id = 1 + pick(server.calls.size);
    server.change(`CA${id}`, { key: `${pick(110000)}.${id}` });
  },
  tells: ({ server, messages }) => messages.push(server.message()),
  hears: ({ stretch, messages }) => messages.length && stretch.receive(messages.shift()),
  hearsAgain: ({ stretch, messages }) => messages.length && stretch.receive(messages[0]),
  asks({ stretch, pages, pick }) {
    const part = pick(2) ? 'older' : 'newer';
    const ticket = stretch.ask(part);
    if (ticket) pages.push({ ticket });
  },
  asksAnew: ({ stretch, pages, pick }) => pick(4) === 0 && pages.push({ ticket: stretch.askAnew() }),
  asksAround({ stretch, pages, pick }) {
    const row = stretch.rows[pick(stretch.rows.length || 1)];
    if (row && pick(3) === 0) pages.push({ ticket: stretch.askAnew(), around: keyOf(row.place) });
  },
  reads({ server, pages, pick }) {
    const page = pages[pick(pages.length || 1)];
    if (page && !page.answer) page.answer = read(server, page.ticket, page.around);
  },
  answers({ stretch, pages, pick }) {
    const [page] = pages.splice(pick(pages.length || 1), 1);
    if (page?.answer) stretch.page(page.ticket, ...page.answer);
    else if (page) stretch.drop(page.ticket);
  },
  scrolls({ stretch, pick }) {
    stretch.takesNew = pick(2) === 0;
    if (stretch.takesNew) stretch.takeWaiting();
  },
  cuts: ({ stretch, pick }) => stretch.cut(pick(stretch.rows.length || 1)),
};
const NAMES = Object.keys(STEPS_OF);

function settle({ server, stretch, messages, pages }) {
  for (const { ticket, answer } of pages.splice(0)) if (answer) stretch.page(ticket, ...answer); else stretch.drop(ticket);
  messages.push(server.message());
  for (const message of messages.splice(0)) stretch.receive(message);
}

function run(seed) {
  const pick = random(seed);
  const world = { ...start(pick, pick(3)), pick };
  for (let i = 0; i < STEPS; i++) {
    STEPS_OF[NAMES[pick(NAMES.length)]](world);
    checkOrder(world.stretch);
    if (i % 50 === 49) {
      settle(world);
      checkWhole(world.stretch, world.server);
    }
  }
}

test(`${RUNS} random lives of a list: pages, events, resets, cuts, in any order`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      run(seed);
    } catch (error) {
      error.message = `seed ${seed}: ${error.message}`;
      throw error;
    }
  }
});

// ---- page.md's seven rules, one by one ----

const call = (id, seq = id, ms = id) => ({ call_sid: `CA${id}`, key: `${ms}.${id}`, seq });
const pageOf = (ids, { seq = 100, next = null, previous = null } = {}) => ({ seq, calls: ids.map((id) => call(id)), next, previous });
const sids = (stretch) => stretch.rows.map((row) => Number(row.call.call_sid.slice(2)));

function listOf(ids, ends, limits) {
  const stretch = new Stretch(limits);
  stretch.page(stretch.askAnew(), pageOf(ids, ends));
  return stretch;
}

test('1: a page extends the end that it was asked for', () => {
  const stretch = listOf([9, 8], { next: '8.8' });
  assert(stretch.page(stretch.ask('older'), pageOf([7, 6])));
  assert.deepStrictEqual(sids(stretch), [9, 8, 7, 6]);
  assert.strictEqual(stretch.ask('older'), null, 'the end is reached');
  assert.strictEqual(stretch.ask('newer'), null, 'live above');
});

test('1: a page of a list that was since replaced is thrown away', () => {
  const stretch = listOf([9, 8], { next: '8.8' });
  const old = stretch.ask('older');
  stretch.page(stretch.askAnew(), pageOf([19, 18]));
  assert(!stretch.page(old, pageOf([7])));
  assert.deepStrictEqual(sids(stretch), [19, 18]);
});

test('1: of two lists asked for, the later one counts, though it answers first', () => {
  const stretch = listOf([9]);
  const [first, second] = [stretch.askAnew(), stretch.askAnew()];
  assert(stretch.page(second, pageOf([2])));
  assert(!stretch.page(first, pageOf([1])));
  assert.deepStrictEqual(sids(stretch), [2]);
});

test('2: a lower seq never overwrites a higher one', () => {
  const stretch = listOf([9, 8]);
  stretch.receive({ seq: 200, calls: [call(9, 150)] });
  stretch.receive({ seq: 201, calls: [call(9, 120)] });
  assert.strictEqual(stretch.get('CA9').seq, 150);
});

test('2: a page that was read before an event is put right by it', () => {
  const stretch = listOf([9, 8], { next: '8.8' });
  const ticket = stretch.ask('older');
  stretch.receive({ seq: 200, calls: [call(7, 150)], gone: ['CA6'] });
  stretch.page(ticket, pageOf([7, 6, 5]));
  assert.deepStrictEqual(sids(stretch), [9, 8, 7, 5]);
  assert.strictEqual(stretch.get('CA7').seq, 150);
});

test('2: what went and came back before the page was read stays', () => {
  const stretch = listOf([9, 8], { next: '8.8' });
  const ticket = stretch.ask('older');
  stretch.receive({ seq: 90, gone: ['CA7'] });
  stretch.page(ticket, pageOf([7, 6]));
  assert.deepStrictEqual(sids(stretch), [9, 8, 7, 6]);
});

test('2: an event that comes later than the page, and is older, takes nothing out', () => {
  const stretch = listOf([9, 8]);
  stretch.receive({ seq: 90, gone: ['CA9'] });
  assert.deepStrictEqual(sids(stretch), [9, 8]);
});

test('3: an event moves a row whose start has changed', () => {
  const stretch = listOf([9, 8, 7]);
  stretch.receive({ seq: 200, calls: [{ ...call(7, 150), key: '8.7' }] });
  stretch.receive({ seq: 201, calls: [{ ...call(7, 151), key: '20.7' }] });
  assert.deepStrictEqual(sids(stretch), [7, 9, 8]);
});

test('3: an event below the bottom is left to the page that is read there', () => {
  const stretch = listOf([9, 8], { next: '8.8' });
  stretch.receive({ seq: 200, calls: [call(3, 150)] });
  assert.deepStrictEqual(sids(stretch), [9, 8]);
});

test('3: below the last row of a list that ends there it is a row', () => {
  const stretch = listOf([9, 8]);
  stretch.receive({ seq: 200, calls: [call(3, 150)] });
  assert.deepStrictEqual(sids(stretch), [9, 8, 3]);
});

test('6: a list read around a row goes on at both ends', () => {
  const stretch = listOf([50, 49], { next: '49.49' });
  const ticket = stretch.askAnew();
  stretch.page(ticket, pageOf([30, 29], { next: '29.29' }), pageOf([32, 31], { previous: '32.32' }));
  assert.deepStrictEqual(sids(stretch), [32, 31, 30, 29]);
  stretch.receive({ seq: 200, calls: [call(60, 150)] });
  assert.strictEqual(stretch.rows.length, 4, 'not live: a newer call is no row');
  stretch.page(stretch.ask('newer'), { ...pageOf([60, 33], { seq: 200 }), previous: null });
  assert.strictEqual(stretch.top, null, 'live again');
  assert.deepStrictEqual(sids(stretch), [60, 33, 32, 31, 30, 29]);
});

test('7: the far end is cut, and read again when one comes there', () => {
  const ids = Array.from({ length: 30 }, (_, i) => 30 - i);
  const down = listOf(ids, {}, { rows: 20, waiting: 5 });
  down.cut(20);
  assert.deepStrictEqual(sids(down), ids.slice(10));
  assert.strictEqual(down.ask('newer').key, '20.20');
  const up = listOf(ids, {}, { rows: 20, waiting: 5 });
  up.cut(3);
  assert.deepStrictEqual(sids(up), ids.slice(0, 20));
  assert.strictEqual(up.ask('older').key, '11.11');
});

test('7: a page on its way to an end that was cut is thrown away', () => {
  const stretch = listOf([9, 8, 7], { next: '7.7' }, { rows: 2, waiting: 5 });
  const ticket = stretch.ask('older');
  stretch.cut(0);
  assert(!stretch.page(ticket, pageOf([6])));
  assert.deepStrictEqual(sids(stretch), [9, 8]);
});

test('7: so is one on its way to the top', () => {
  const stretch = listOf([9, 8, 7], { previous: '9.9' }, { rows: 2, waiting: 5 });
  const ticket = stretch.ask('newer');
  stretch.cut(2);
  assert(!stretch.page(ticket, { ...pageOf([10]), previous: null }));
  assert.deepStrictEqual(sids(stretch), [8, 7]);
});

test('while the list is scrolled, new calls wait, and are counted once each', () => {
  const stretch = listOf([9, 8]);
  stretch.takesNew = false;
  stretch.receive({ seq: 200, calls: [call(10, 150), call(11, 151)] });
  stretch.receive({ seq: 201, calls: [call(10, 152)] });
  assert.strictEqual(stretch.newCount, 2);
  stretch.receive({ seq: 202, gone: ['CA11'] });
  assert.strictEqual(stretch.newCount, 1);
  assert.strictEqual(stretch.takeWaiting(), 1);
  assert.deepStrictEqual(sids(stretch), [10, 9, 8]);
});

test('more that wait than are kept: the top is read as a page', () => {
  const stretch = listOf([9, 8], {}, { rows: 20, waiting: 5 });
  stretch.takesNew = false;
  stretch.receive({ seq: 2000, calls: [10, 11, 12, 13, 14, 15].map((id) => call(id)) });
  assert.strictEqual(stretch.waiting.size, 0);
  assert.strictEqual(stretch.newCount, 6);
  assert.strictEqual(stretch.ask('newer').key, '9.9');
});
