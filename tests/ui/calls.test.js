// The list that is looked at: what it asks for and when, and that nothing of another list gets into it.
import assert from 'node:assert';
import { test } from 'node:test';
import * as clock from './clock.js';
import { load } from './load.js';

const world = { requests: [], sockets: [] };

class Socket {
  static OPEN = 1;
  readyState = 1;
  sent = [];
  constructor(address) {
    this.address = address;
    world.sockets.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  close() {
    this.readyState = 3;
  }
}

Object.assign(globalThis, { WebSocket: Socket, location: { href: 'http://calls.example.com/' }, addEventListener: () => {}, removeEventListener: () => {} });
globalThis.document = { hidden: false, addEventListener: () => {}, removeEventListener: () => {} };
globalThis.fetch = (address, { signal }) => new Promise((resolve, reject) => {
  const url = new URL(address, 'http://x');
  world.requests.push({
    query: Object.fromEntries(url.searchParams),
    signal,
    answers: (page) => resolve(new Response(JSON.stringify(page))),
    fails: (headers = {}, body = { code: 'overloaded' }) => resolve(new Response(JSON.stringify(body), { status: 503, headers })),
  });
  signal?.addEventListener('abort', () => reject(signal.reason));
});

const turn = async () => {
  for (let i = 0; i < 5; i++) await new Promise((done) => setImmediate(done));
};
async function pass(ms) {
  for (let left = ms; left > 0; left -= 250) {
    clock.tick(Math.min(left, 250));
    await turn();
  }
}

const row = (id, seq = id) => ({ call_sid: `CA${id}`, key: `${id * 1000}.${id}`, seq, recordings: [] });
const range = (from, to) => Array.from({ length: from - to + 1 }, (_, i) => from - i);
const page = (ids, more = {}) => ({ seq: 1000, calls: ids.map((id) => row(id)), next: null, previous: null, number_is_vague: false, ...more });
const last = (list) => list.at(-1);
const ids = (calls) => calls.stretch.rows.map(({ call }) => Number(call.call_sid.slice(2)));

async function list(t, life) {
  clock.hold(1_000_000);
  Object.assign(world, { requests: [], sockets: [] });
  const { Calls, session, progress } = await load('list/calls', 'session', 'live');
  const calls = new Calls();
  let draws = 0;
  calls.state.listen(() => draws++);
  t.after(() => {
    calls.show({ call: 'none' }); // ends its connection and its timers
    clock.release();
  });
  await life({ calls, session, progress, draws: () => draws, socket: () => last(world.sockets), request: () => last(world.requests) });
}

async function begun({ calls, request }, ids, more) {
  calls.show({ direction: 'inbound' });
  request().answers(page(ids, more));
  await turn();
}

test('the first page, then what changes after it', (t) => list(t, async (w) => {
  await begun(w, [9, 8, 7], { seq: 77, next: '7000.7' });
  assert.deepStrictEqual(world.requests[0].query, { direction: 'inbound', limit: '100' });
  assert.deepStrictEqual(Object.fromEntries(w.socket().address.searchParams), { direction: 'inbound', after: '77', bottom: '7000.7' });
  assert.strictEqual(w.calls.state.value.status, 'ready');
}));

test('another filter: the rows stay until its answer, and what was told by the old one is nothing to it', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  const old = w.socket();
  old.says({ seq: 1001, calls: [row(20, 1001)] });
  w.calls.show({ direction: 'outbound' });
  await pass(500);
  assert.deepStrictEqual(ids(w.calls), [9, 8]);
  assert.strictEqual(old.readyState, 3);
  w.request().answers(page([5, 4], { seq: 1002 }));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [5, 4]);
  assert.strictEqual(w.socket().address.searchParams.get('after'), '1002');
}));

test('two filters in a row: the first request is ended, its answer counts for nothing', (t) => list(t, async (w) => {
  w.calls.show({ number: '050' });
  w.calls.show({ number: '0501' });
  assert(world.requests[0].signal.aborted);
  world.requests[0].answers(page([1]));
  world.requests[1].answers(page([2]));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [2]);
  assert.strictEqual(world.sockets.length, 1);
}));

test('the same filter again asks nothing', (t) => list(t, async (w) => {
  await begun(w, [9]);
  w.calls.show({ direction: 'inbound' });
  assert.strictEqual(world.requests.length, 1);
}));

test('many messages in a moment are drawn once', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  const before = w.draws();
  for (let i = 0; i < 8; i++) w.socket().says({ seq: 1001 + i, calls: [row(9, 1001 + i)] });
  await pass(250);
  assert.strictEqual(w.draws() - before, 1);
  assert.strictEqual(w.calls.stretch.get('CA9').seq, 1008);
}));

test('while a pointer is down nothing moves; then all of it', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.calls.hold(true);
  w.socket().says({ seq: 1001, calls: [row(10, 1001)] });
  await pass(3000);
  assert.deepStrictEqual(ids(w.calls), [9, 8]);
  w.calls.hold(false);
  await pass(250);
  assert.deepStrictEqual(ids(w.calls), [10, 9, 8]);
}));

test('what waited while the list was read anew is older than that: it brings nothing back', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.socket().says({ seq: 1001, calls: [row(10, 1001)] });
  w.socket().says({ seq: 1100, more: 300 });
  clock.tick(0);
  await turn();
  w.request().answers(page([9, 8], { seq: 1100 }));
  await turn();
  w.socket().says({ seq: 1101, calls: [row(11, 1101)] });
  await pass(500);
  assert.deepStrictEqual(ids(w.calls), [11, 9, 8]);
}));

test('a list that was read anew while a menu is open comes when it is closed, and what is newer after it', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.calls.hold(true);
  w.socket().says({ seq: 1001, calls: [row(10, 1001)] });
  w.socket().says({ seq: 1100, more: 300 });
  await pass(250);
  w.request().answers(page([9], { seq: 1100 }));
  await turn();
  w.socket().says({ seq: 1101, calls: [row(11, 1101)] });
  await pass(1000);
  assert.deepStrictEqual(ids(w.calls), [9, 8]);
  w.calls.hold(false);
  await pass(250);
  assert.deepStrictEqual(ids(w.calls), [11, 9]);
}));

test('another list while one that was read anew waits for the menu: nothing of it comes', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.calls.hold(true);
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  w.request().answers(page(range(60, 30), { seq: 1100 }));
  await turn();
  w.calls.show({ direction: 'outbound' });
  w.request().answers(page([5, 4], { seq: 1101 }));
  await turn();
  w.calls.hold(false);
  await pass(250);
  assert.deepStrictEqual(ids(w.calls), [5, 4]);
  w.socket().says({ seq: 1102, calls: [row(6, 1102)] });
  await pass(250);
  assert.deepStrictEqual(ids(w.calls), [6, 5, 4], 'nor is it taken for a flood of new calls');
}));

test('reset at the top: the first page takes the place', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  assert.deepStrictEqual(w.request().query, { direction: 'inbound', limit: '100' });
  w.request().answers(page([30, 29], { seq: 1100 }));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [30, 29]);
}));

test('reset while scrolled: around the first row that is seen', (t) => list(t, async (w) => {
  await begun(w, range(60, 1));
  w.calls.see({ index: 20, isAtTop: false });
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  const [below, above] = world.requests.slice(-2);
  assert.deepStrictEqual([below.query.after, above.query.before], ['40000.41', '40000.40']);
  above.answers(page([90, 80], { seq: 1101, previous: '90000.90' }));
  below.answers(page([40, 39], { seq: 1100, next: '39000.39' }));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [90, 80, 40, 39]);
  assert.strictEqual(w.calls.stretch.newCount, 0);
  assert(w.calls.stretch.top, 'not live');
}));

test('more than is told: read anew, at most once in 2 s, until it is as new as what was told', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  const before = world.requests.length;
  w.socket().says({ seq: 1100, more: 300 });
  await pass(250);
  w.socket().says({ seq: 1200, more: 300 });
  w.socket().says({ seq: 1250, more: 300 });
  await pass(500);
  assert.strictEqual(world.requests.length - before, 1);
  w.request().answers(page([10, 9], { seq: 1150 }));
  await pass(1000);
  assert.strictEqual(world.requests.length - before, 1, 'not before 2 s');
  await pass(1000);
  assert.strictEqual(world.requests.length - before, 2);
  w.request().answers(page([11, 10], { seq: 1260 }));
  await pass(5000);
  assert.strictEqual(world.requests.length - before, 2);
  assert.deepStrictEqual(ids(w.calls), [11, 10]);
}));

test('reading anew failed: it is tried again', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  w.request().fails();
  await pass(2500);
  w.request().answers(page([12], { seq: 1100 }));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [12]);
  assert.strictEqual(w.calls.state.value.status, 'ready');
}));

test('signed out while it is read anew: it is not asked for again until somebody is back', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  const before = world.requests.length;
  w.request().fails({}, { code: 'unauthenticated' });
  await pass(10_000);
  assert.strictEqual(world.requests.length, before);
  w.session.set({ auth: 'password', signed_in: true, user: null });
  await pass(2000);
  assert.strictEqual(world.requests.length, before + 1);
  w.request().answers(page([12], { seq: 1100 }));
  await turn();
  assert.deepStrictEqual(ids(w.calls), [12]);
}));

test('a page says what is being fetched, as rows of events do; but not by a row that is older than the one that is shown', (t) => list(t, async (w) => {
  const told = (id, arriving, seq = id) => ({ ...row(id, seq), recordings: [{ recording_sid: `RE${id}`, arriving }] });
  const some = { bytes: 10, total: 100 };
  await begun(w, [], { seq: 77, next: '8000.8', calls: [told(9, some), told(8, null)] });
  assert.deepStrictEqual([...w.progress.value.keys()], ['RE9']);
  w.socket().says({ progress: [8, 7].map((id) => ({ recording_sid: `RE${id}`, call_sid: `CA${id}`, bytes: 20, total: 100 })) });
  void w.calls.older();
  w.request().answers(page([], { seq: 1005, calls: [told(7, null)] }));
  await turn();
  assert.deepStrictEqual([...w.progress.value.keys()].sort(), ['RE8', 'RE9']);
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  w.socket().says({ seq: 1101, calls: [told(9, null, 1101)] });
  await pass(250);
  w.request().answers(page([], { seq: 1100, calls: [told(9, some), told(8, null)] }));
  await turn();
  assert.deepStrictEqual([...w.progress.value.keys()], []);
}));

test('the list failed: why, and again when the server says', (t) => list(t, async (w) => {
  w.calls.show({});
  w.request().fails({ 'Retry-After': '7' });
  await turn();
  const { status, againAt, error } = w.calls.state.value;
  assert.deepStrictEqual([status, againAt, error.code], ['failed', 1_007_000, 'overloaded']);
  await pass(7000);
  w.request().answers(page([1]));
  await turn();
  assert.strictEqual(w.calls.state.value.status, 'ready');
}));

test('older calls failed: said, and had by asking again', (t) => list(t, async (w) => {
  await begun(w, [9, 8], { next: '8000.8' });
  void w.calls.older();
  void w.calls.older();
  assert.strictEqual(world.requests.length, 2, 'asked once at a time');
  assert.strictEqual(w.request().query.after, '8000.8');
  w.request().fails();
  await turn();
  assert(w.calls.state.value.hasOlderFailed);
  void w.calls.older();
  w.request().answers(page([7], { seq: 1005, next: null }));
  await turn();
  assert(!w.calls.state.value.hasOlderFailed);
  assert.deepStrictEqual(ids(w.calls), [9, 8, 7]);
  assert.deepStrictEqual(w.socket().sent, [{ filter: { direction: 'inbound' }, bottom: null, after: 1000, id: 1 }], 'the server hears how far down');
}));

test('more than 20 new calls a second wait until they are asked for', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.socket().says({ seq: 1100, calls: range(30, 10).map((id) => row(id, 1100)) });
  await pass(250);
  assert.deepStrictEqual(ids(w.calls), [9, 8]);
  assert.strictEqual(w.calls.stretch.newCount, 21);
  await w.calls.toNewest();
  assert.strictEqual(w.calls.stretch.rows.length, 23);
  assert.strictEqual(w.calls.stretch.newCount, 0);
}));

test('many that came one after another while nothing could move come in', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.calls.hold(true);
  for (const id of range(40, 10).reverse()) {
    w.socket().says({ seq: 1000 + id, calls: [row(id, 1000 + id)] });
    await pass(250);
  }
  w.calls.hold(false);
  await pass(250);
  assert.strictEqual(w.calls.stretch.rows.length, 33);
}));

test('more than can be kept while nothing moves: the list is read anew', (t) => list(t, async (w) => {
  await begun(w, [9, 8]);
  w.calls.hold(true);
  const before = world.requests.length;
  for (let i = 0; i < 21; i++) w.socket().says({ seq: 1100 + i, gone: Array.from({ length: 100 }, (_, n) => `CA${1000 + n}`) });
  await pass(2500);
  assert.strictEqual(world.requests.length - before, 1);
}));

test('the pill is pressed while the list is read anew around what is seen: then it is read from the top', (t) => list(t, async (w) => {
  await begun(w, range(60, 1));
  w.calls.see({ index: 20, isAtTop: false });
  w.socket().says({ seq: 1100, reset: true });
  await pass(250);
  const [below, above] = world.requests.slice(-2);
  below.answers(page([40, 39], { seq: 1100, next: '39000.39' }));
  above.answers(page([42, 41], { seq: 1100, previous: '42000.42' }));
  await turn();
  w.socket().says({ seq: 1101, more: 5 });
  const there = w.calls.toNewest();
  await pass(2500);
  for (const request of world.requests.slice(-2)) request.answers(page([40, 39], { seq: 1101, next: '39000.39', previous: '42000.42' }));
  await pass(2500);
  assert.strictEqual(w.request().query.before ?? w.request().query.after, undefined);
  w.request().answers(page([99, 98], { seq: 1102 }));
  await there;
  assert.deepStrictEqual(ids(w.calls), [99, 98]);
}));

test('back at the top by scrolling: a few come in, many are put above what is read', (t) => list(t, async (w) => {
  await begun(w, range(60, 1));
  w.calls.see({ index: 20, isAtTop: false });
  w.socket().says({ seq: 1100, calls: [row(61, 1100), row(62, 1100)] });
  await pass(250);
  assert.strictEqual(w.calls.stretch.newCount, 2);
  w.calls.see({ index: 0, isAtTop: true });
  assert.deepStrictEqual(ids(w.calls).slice(0, 2), [62, 61]);
  assert(w.calls.stretch.takesNew);
}));
