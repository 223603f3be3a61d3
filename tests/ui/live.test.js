// The connection: begun anew where it ended, whatever broke it, and never twice at once.
import assert from 'node:assert';
import { test } from 'node:test';
import * as clock from './clock.js';
import { load } from './load.js';

const world = { sockets: [], polls: [], listeners: {} };

class Socket {
  static OPEN = 1;
  readyState = 0;
  sent = [];
  constructor(address) {
    this.address = address;
    world.sockets.push(this);
    world.breaks = () => this.close();
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  close() {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.();
  }
  get after() {
    return Number(this.address.searchParams.get('after'));
  }
}

const listen = (name, told) => (world.listeners[name] = told);
Object.assign(globalThis, { WebSocket: Socket, location: { href: 'https://calls.example.com/' }, addEventListener: listen, removeEventListener: () => {} });
Object.defineProperty(globalThis, 'navigator', { value: { onLine: true, language: 'en' }, configurable: true });
globalThis.document = { hidden: false, addEventListener: listen, removeEventListener: () => {} };
globalThis.fetch = (address, { signal }) => new Promise((resolve, reject) => {
  const poll = {
    address,
    signal,
    answers: (message) => resolve(new Response(JSON.stringify(message))),
    fails: () => reject(new TypeError('no network')),
    refuses: (code, status) => resolve(new Response(JSON.stringify({ code }), { status })),
  };
  signal.addEventListener('abort', () => reject(signal.reason));
  world.polls.push(poll);
  world.breaks = poll.fails;
});
Math.random = () => 0.5;

const turn = () => new Promise((done) => setImmediate(done));
const turns = async () => {
  for (let i = 0; i < 5; i++) await turn();
};

/** In steps, so that whoever looks at the clock meanwhile sees it go on. */
function pass(ms) {
  for (let left = ms; left > 0; left -= 500) clock.tick(Math.min(left, 500));
}

/** One life of a connection with the clock in our hands. */
async function live(t, life, wanted = {}) {
  clock.hold(1_000_000);
  Object.assign(world, { sockets: [], polls: [] });
  const { watch, connection, progress, onCall, session, mustSignIn } = await load('live', 'session');
  const told = [];
  const feed = watch({ filter: { direction: 'inbound' }, seq: 100, bottom: '5.5', told: (message) => told.push(message), ...wanted });
  t.after(() => clock.release());
  try {
    await life({ feed, told, connection, progress, onCall, session, mustSignIn, pass, socket: () => world.sockets.at(-1), poll: () => world.polls.at(-1) });
  } finally {
    feed.end();
  }
}

test('it begins after the page that was read, by its filter', (t) => live(t, ({ socket }) => {
  assert.strictEqual(socket().address.href, 'wss://calls.example.com/api/events?direction=inbound&after=100&bottom=5.5');
}));

test('a message is told, and its rows', (t) => live(t, ({ socket, told, connection, onCall }) => {
  const rows = [];
  onCall((call) => rows.push(call.call_sid));
  socket().open();
  socket().says({ seq: 101, calls: [{ call_sid: 'CA1', recordings: [] }] });
  assert.deepStrictEqual(told.map(({ seq }) => seq), [101]);
  assert.deepStrictEqual(rows, ['CA1']);
  assert(connection.value.isLive);
}));

test('closed: at once again, after what was told last', (t) => live(t, ({ socket, pass }) => {
  socket().open();
  socket().says({ seq: 140 });
  socket().close();
  pass(1);
  assert.strictEqual(world.sockets.length, 2);
  assert.strictEqual(socket().after, 140);
}));

/** Of either kind. */
const begun = () => world.sockets.length + world.polls.length;

test('broken again and again: it waits longer', (t) => live(t, async ({ pass }) => {
  const waits = [];
  for (let i = 0; i < 6; i++) {
    const count = begun();
    world.breaks();
    await turns();
    let waited = 0;
    for (; begun() === count && waited < 30000; waited += 500) pass(500);
    waits.push(waited);
  }
  assert.deepStrictEqual(waits, [500, 1000, 2000, 5000, 10000, 20000]);
}));

test('a break is spoken of after 3 s, and until it is over', (t) => live(t, ({ socket, pass, connection }) => {
  socket().open();
  socket().says({ seq: 101 });
  socket().close();
  pass(2000);
  assert.deepStrictEqual(connection.value, { isLive: true, offlineSince: null });
  pass(2000);
  assert.deepStrictEqual(connection.value, { isLive: false, offlineSince: 1_000_000 });
  socket().open();
  socket().says({ seq: 101 });
  assert.deepStrictEqual(connection.value, { isLive: true, offlineSince: null });
}));

test('25 s without a word: the socket is dead', (t) => live(t, ({ socket, pass }) => {
  socket().open();
  socket().says({ seq: 150 });
  pass(20_000);
  assert.strictEqual(world.sockets.length, 1);
  pass(7000);
  assert.strictEqual(world.sockets.length, 2);
  assert.strictEqual(world.sockets[0].readyState, 3);
  assert.strictEqual(socket().after, 150);
}));

test('the machine slept: at once again', (t) => live(t, ({ socket, pass }) => {
  socket().open();
  socket().says({ seq: 150 });
  clock.setTime(Date.now() + 9000);
  pass(1000);
  assert.strictEqual(world.sockets.length, 2);
}));

test('a socket that is closed late says nothing more', (t) => live(t, ({ feed, socket, told }) => {
  const old = socket();
  old.open();
  feed.again();
  old.says({ seq: 999 });
  old.onclose();
  assert.deepStrictEqual(told, []);
  assert.strictEqual(world.sockets.length, 2);
}));

test('refused twice: a long poll of the same numbers, and a socket again after 5 min', async (t) => live(t, async ({ socket, poll, pass, told }) => {
  socket().close();
  pass(1);
  socket().close();
  pass(1000);
  await turn();
  assert.strictEqual(world.sockets.length, 2);
  assert.strictEqual(poll().address, '/api/events?direction=inbound&after=100&bottom=5.5');
  poll().answers({ seq: 160, calls: [] });
  await turn();
  assert.deepStrictEqual(told.map(({ seq }) => seq), [160]);
  assert.match(poll().address, /after=160/);
  pass(300_000 - 39_000);
  await turn();
  clock.setTime(Date.now() + 60_000);
  poll().answers({ seq: 161 });
  await turn();
  pass(30_000);
  assert(world.sockets.length > 2, 'a socket is tried again');
}));

for (const [what, opens] of [['opens and says nothing', true], ['neither opens nor is refused', false]]) {
  test(`a socket that ${what}, twice: a long poll`, (t) => live(t, async ({ socket, poll, pass, connection }) => {
    for (let i = 1; i <= 2; i++) {
      assert.strictEqual(world.sockets.length, i);
      if (opens) socket().open();
      pass(27_000);
    }
    await turns();
    assert.deepStrictEqual([world.sockets.length, world.polls.length], [2, 1]);
    poll().answers({ seq: 160 });
    await turns();
    assert(connection.value.isLive);
  }));
}

test('a socket that opens and is closed without a word, twice: a long poll', (t) => live(t, ({ socket, pass }) => {
  for (let i = 1; i <= 2; i++) {
    socket().open();
    socket().close();
    pass(1000);
  }
  assert.deepStrictEqual([world.sockets.length, world.polls.length], [2, 1]);
}));

test('a socket that spoke and then was silent, or the machine slept while it opened: it is not to blame', (t) => live(t, ({ socket, pass }) => {
  for (let i = 0; i < 3; i++) {
    socket().open();
    socket().says({ seq: 150 + i });
    pass(27_000);
  }
  for (let i = 0; i < 3; i++) {
    clock.setTime(Date.now() + 60_000);
    pass(1000);
  }
  assert.strictEqual(world.polls.length, 0);
  assert.strictEqual(world.sockets.length, 7);
}));

test('refused once, and once again after one that spoke: nothing is between us', (t) => live(t, ({ socket, pass }) => {
  socket().close();
  pass(1);
  socket().open();
  socket().says({ seq: 150 });
  for (const ms of [1, 1000]) {
    socket().close();
    pass(ms);
  }
  assert.deepStrictEqual([world.sockets.length, world.polls.length], [4, 0]);
}));

test('nothing answers at all: the socket is not to blame', async (t) => live(t, async ({ socket, poll, pass }) => {
  socket().close();
  pass(1);
  socket().close();
  pass(1000);
  await turn();
  poll().fails();
  await turn();
  await turn();
  pass(20_000);
  assert(world.sockets.length > 2);
}));

const dana = () => ({ auth: 'password', signed_in: true, user: { name: 'dana', role: 'listener', rights: ['read'] } });

/** The server ends the session: two sockets are refused, and the poll says why. */
async function endSession({ session, socket, poll, pass }) {
  session.set(dana());
  socket().open();
  socket().says({ seq: 140 });
  for (const ms of [1, 1000, 2000]) {
    socket().close();
    pass(ms);
  }
  await turns();
  poll().refuses('unauthenticated', 401);
  await turns();
}

test('signed out: nothing is asked until somebody is back', (t) => live(t, async (w) => {
  await endSession(w);
  assert(w.mustSignIn.value, 'the page asks to sign in');
  const asked = [world.sockets.length, world.polls.length];
  assert.deepStrictEqual(asked, [3, 1]);
  w.pass(600_000);
  world.listeners.visibilitychange();
  world.listeners.online();
  w.pass(600_000);
  await turns();
  assert.deepStrictEqual([world.sockets.length, world.polls.length], asked);
  assert(!w.connection.value.isLive);
  w.session.set(dana());
  w.mustSignIn.set(false);
  assert.deepStrictEqual([world.sockets.length, world.polls.length], [4, 1]);
  assert.strictEqual(w.socket().after, 140);
}));

test('signed out, and the form was put away: it asks once more, for somebody may be back in another window', (t) => live(t, async (w) => {
  await endSession(w);
  w.mustSignIn.set(false);
  assert.strictEqual(world.sockets.length, 4);
  w.socket().open();
  w.socket().says({ seq: 141 });
  assert(w.connection.value.isLive);
}));

test('ended while nobody was signed in: it does not come back', (t) => live(t, async (w) => {
  await endSession(w);
  w.feed.end();
  w.session.set(dana());
  assert.strictEqual(world.sockets.length, 3);
}));

test('back in the network: it waits no longer', (t) => live(t, async ({ pass }) => {
  for (let i = 0; i < 4; i++) {
    world.breaks();
    await turns();
    pass(10_000);
  }
  world.breaks();
  await turns();
  const count = begun();
  world.listeners.online();
  assert.strictEqual(begun(), count + 1);
}));

test('a wider list is told to the server, with the page it comes from', (t) => live(t, ({ feed, socket }) => {
  socket().open();
  socket().says({ seq: 150 });
  feed.widen('3.3', 140);
  feed.widen('3.3', 141);
  feed.widen(null, 150);
  assert.deepStrictEqual(socket().sent, [{ filter: { direction: 'inbound' }, bottom: '3.3', after: 140, id: 1 }, { filter: { direction: 'inbound' }, bottom: null, after: 140, id: 2 }]);
}));

test('a wider list before the socket is open: another socket, for the address of this one says how far down', (t) => live(t, ({ feed, socket }) => {
  feed.widen('3.3', 90);
  assert.strictEqual(world.sockets.length, 2);
  assert.strictEqual(world.sockets[0].readyState, 3);
  assert.deepStrictEqual([socket().after, socket().address.searchParams.get('bottom')], [90, '3.3']);
}));

test('a wider list while a poll is out: another poll, for this one passes over what is further down', (t) => live(t, async ({ feed, poll, told, socket, pass }) => {
  socket().close();
  pass(1);
  socket().close();
  pass(1000);
  await turns();
  const early = poll();
  feed.widen('3.3', 90);
  early.answers({ seq: 160 });
  await turns();
  assert(early.signal.aborted);
  assert.deepStrictEqual(told, []);
  assert.strictEqual(world.polls.length, 2);
  assert.strictEqual(poll().address, '/api/events?direction=inbound&after=90&bottom=3.3');
}));

test('a wider list, and a break before the server said that it knows: it begins where the page was', (t) => live(t, ({ feed, socket, pass }) => {
  socket().open();
  socket().says({ seq: 150 });
  feed.widen('3.3', 140);
  socket().says({ seq: 155 });
  socket().close();
  pass(1);
  assert.strictEqual(socket().after, 140);
  socket().open();
  feed.widen('2.2', 140);
  socket().says({ seq: 156, id: 2 });
  socket().close();
  pass(1);
  assert.strictEqual(socket().after, 156);
}));

test('what is being fetched is known until its row says that it is here', (t) => live(t, ({ socket, progress }) => {
  socket().open();
  socket().says({ progress: [{ recording_sid: 'RE1', call_sid: 'CA1', bytes: 10, total: 100 }] });
  const { bytes, total } = progress.value.get('RE1');
  assert.deepStrictEqual([bytes, total], [10, 100]);
  const before = progress.value;
  socket().says({ seq: 120, calls: [{ call_sid: 'CA2', recordings: [{ recording_sid: 'RE2' }] }] });
  assert.strictEqual(progress.value, before, 'nobody is drawn anew for it');
  socket().says({ seq: 121, calls: [{ call_sid: 'CA1', recordings: [{ recording_sid: 'RE1', arriving: null }] }] });
  assert.strictEqual(progress.value.size, 0);
}));

const coming = (...numbers) => ({ progress: numbers.map((i) => ({ recording_sid: `RE${i}`, call_sid: `CA${i}`, bytes: 10, total: 100 })) });

test('of a call that is gone nothing is being fetched, as far as is told here', (t) => live(t, ({ socket, progress }) => {
  socket().open();
  socket().says(coming(1, 2));
  socket().says({ seq: 120, gone: ['CA1'] });
  assert.deepStrictEqual([...progress.value.keys()], ['RE2']);
}));

test('what was not heard of for 30 s is being fetched no longer: its end is not told to whoever shows other calls', (t) => live(t, ({ socket, progress, pass }) => {
  socket().open();
  socket().says(coming(1, 2));
  pass(20_000);
  socket().says(coming(2));
  pass(12_000);
  assert.deepStrictEqual([...progress.value.keys()], ['RE2']);
  pass(30_000);
  assert.strictEqual(progress.value.size, 0);
}));

test('ended: nothing is asked any more', (t) => live(t, ({ feed, socket, pass }) => {
  socket().open();
  feed.end();
  pass(60_000);
  assert.strictEqual(world.sockets.length, 1);
}));
