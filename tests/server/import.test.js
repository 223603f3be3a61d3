// callspool import --since: Twilio's list read back, whoever is killed meanwhile.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { BINARY, CREDENTIALS, callspool, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { listedSids, serveList } from './harness/longlist.js';
import { Program } from './harness/process.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { newSid } from './harness/webhook.js';

const DAY_MS = 86_400_000;
const COUNT = Number(process.env.TEST_IMPORTED ?? 60);
const dayOf = (daysAgo) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);
const agedBy = (days) => new Date(Date.now() - days * DAY_MS).toUTCString();
const SINCE = dayOf(10);
const ageOf = (n) => 2.05 + n * 6 / COUNT; // days: none on an edge

const listRequests = (upstream) => upstream.requests.filter(({ path }) => path.endsWith('/Recordings.json') && !path.includes('/Calls/'));
const importsOf = async (server) => (await requestJson(`${server.url}/api/imports`)).json;
const since = (server, ...args) => callspool(['import', '--since', SINCE, ...args,
  '--set', `data_dir=${server.dataDir}`, '--set', `twilio.api_url=${server.upstream}`]);
const post = (server, body) => requestJson(`${server.url}/api/imports`, {
  method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(JSON.stringify(body)) }, body: JSON.stringify(body),
});

/** A server, and an upstream with COUNT recordings of the last days, ten a page; `gate.page` is the first that is held back. */
async function startListed(t, { of = () => ({}), settings, dataDir } = {}) {
  const upstream = await startUpstream(t);
  const gate = { page: Infinity };
  const media = audio();
  for (let n = 1; n <= COUNT; n++) {
    const { recordingSid, callSid } = listedSids(n);
    upstream.recordings.set(recordingSid, { media, wav: media, callSid });
  }
  serveList(upstream, {
    count: COUNT, size: 10, of: (n) => ({ startedAt: agedBy(ageOf(n)), ...of(n) }),
    before: (page) => page < gate.page || until('the gate opens', () => page < gate.page, 60_000).catch(() => false),
  });
  const start = (options = {}) => startServer(t, { upstream: upstream.url, settings: { retention: '30d', ...settings }, ...options }).then((server) => Object.assign(server, { upstream: upstream.url }));
  return { upstream, gate, media, server: await start({ dataDir }), start };
}

test('what was recorded before is fetched, once, and asked again it is nothing new', async (t) => {
  const { upstream, server, media } = await startListed(t);
  const { code, stdout, stderr } = await since(server, '--json');
  assert.equal(code, 0, stderr);
  const { imports: [first], to_be_fetched: left } = JSON.parse(stdout);
  assert.deepEqual([first.listed, first.found, first.too_old, first.malformed, first.since, first.until, left], [COUNT, COUNT, 0, 0, SINCE, null, 0]);
  assert.equal(listRequests(upstream).length, COUNT / 10);
  assert.equal(listRequests(upstream)[0].query.get('DateCreated>'), SINCE);
  for (const n of [1, COUNT]) {
    await untilState(server, listedSids(n).callSid, 'stored');
    assert.ok((await request(`${server.url}/api/calls/${listedSids(n).callSid}/download`)).body.equals(media));
  }
  await until('all are stored', async () => (await requestJson(`${server.url}/api/status`)).json.recordings.stored === COUNT);
  const again = await since(server);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, new RegExp(`^${COUNT} recordings listed, 0 of them new, 0 older than recordings are kept, 0 rows that are none$`, 'm'));
  assert.equal(upstream.mediaRequests().length, COUNT, 'each is fetched once');
});

test('killed at any page, it goes on where it was', async (t) => {
  const { upstream, gate, server, start } = await startListed(t);
  gate.page = 2;
  const command = new Program(BINARY, ['import', '--since', SINCE, '--set', `data_dir=${server.dataDir}`], { env: CREDENTIALS });
  await until('two pages are in the ledger', async () => (await importsOf(server)).imports[0]?.listed === 20);
  await command.stop('SIGINT');
  let running = server;
  for (let page = 2; page < COUNT / 10; page++) {
    await running.kill();
    const asked = listRequests(upstream).length;
    gate.page = page + 1;
    running = await start({ dataDir: server.dataDir });
    // Nobody asks again: the ledger says what is to be done.
    const done = await until(`page ${page} is in the ledger`, async () => {
      const { imports: [row] } = await importsOf(running);
      return row.listed === 10 * (page + 1) && row;
    });
    const [next] = listRequests(upstream).slice(asked);
    assert.equal(Number(next.query.get('Page')), page, 'it begins with the page that was not read');
    assert.equal(done.found, 10 * (page + 1));
  }
  const { code, stdout, stderr } = await since(running, '--json');
  assert.equal(code, 0, stderr);
  const { imports: [row] } = JSON.parse(stdout);
  assert.ok(row.completed_at);
  await until('all are stored', async () => (await requestJson(`${running.url}/api/status`)).json.recordings.stored === COUNT);
  for (let n = 1; n <= COUNT; n++) assert.ok(upstream.mediaRequests(listedSids(n).recordingSid).length >= 1);
});

test('where no server runs it reads the list itself, and the next start fetches', async (t) => {
  const { upstream, server, start } = await startListed(t);
  await server.finish();
  const { code, stdout, stderr } = await since(server);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`^${COUNT} recordings listed, ${COUNT} of them new`, 'm'));
  assert.match(stdout, /the next start of the server fetches them/);
  assert.equal(upstream.mediaRequests().length, 0);
  const again = await start({ dataDir: server.dataDir });
  await until('all are stored', async () => (await requestJson(`${again.url}/api/status`)).json.recordings.stored === COUNT);
});

test('what is older than recordings are kept is counted, and not fetched', async (t) => {
  const old = (n) => n > COUNT / 2;
  const { upstream, server } = await startListed(t, { settings: { retention: '4d', purge_grace: '1d' }, of: (n) => (old(n) ? { startedAt: agedBy(9) } : {}) });
  const { imports: [row] } = JSON.parse((await since(server, '--json')).stdout);
  const tooOld = Array.from({ length: COUNT }, (_, i) => i + 1).filter((n) => old(n) || ageOf(n) > 5).length;
  assert.deepEqual([row.listed, row.too_old], [COUNT, tooOld]);
  await until('the others are stored', async () => (await requestJson(`${server.url}/api/status`)).json.recordings.stored === COUNT - tooOld);
  assert.equal(upstream.mediaRequests(listedSids(COUNT).recordingSid).length, 0);
  const { complete } = (await requestJson(`${server.url}/api/status`)).json;
  assert.equal(complete.expired, tooOld);
});

test('rows that make no sense are told, and the others are taken; a list that is refused is told, too', async (t) => {
  const upstream = await startUpstream(t);
  const server = Object.assign(await startServer(t, { upstream: upstream.url }), { upstream: upstream.url });
  const good = newSid('RE');
  let status = 401;
  upstream.answer = (_, reply, { path }) => {
    if (!path.endsWith('/Recordings.json')) return false;
    reply.writeHead(status, { 'Content-Type': 'application/json' });
    reply.end(JSON.stringify({ recordings: [{ sid: 'RE\u009b2J' }, { sid: good, call_sid: newSid('CA'), status: 'absent', date_created: agedBy(1) }], next_page_uri: null }));
    return true;
  };
  const command = new Program(BINARY, ['import', '--since', SINCE, '--set', `data_dir=${server.dataDir}`], { env: CREDENTIALS });
  await command.line(/Twilio answered 401: it refuses the credentials; it is tried again/);
  status = 200;
  await post(server, { since: dayOf(11) }); // asked anew, it is not waited for
  // None is new where the try that was waited for came first, and found it.
  await command.line(/^1 recordings listed, [01] of them new, 0 older than recordings are kept, 1 rows that are none$/);
  assert.deepEqual(await command.exited, { code: 0, signal: null });
  assert.equal((await (await fetch(`${server.url}/api/status`)).json()).recordings.absent, 1);
});

test('what cannot be imported is refused in words', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const tomorrow = new Date(Date.now() + 2 * DAY_MS).toISOString().slice(0, 10);
  for (const args of [['--since', 'yesterday'], ['--since', '2026-13-01'], ['--since', '2026-01-01T00:00:00Z'], ['--until', SINCE], ['--since', SINCE, '--from', '/tmp'],
    ['--since', tomorrow], ['--since', SINCE, '--until', dayOf(20)]]) {
    const { code, stderr } = await callspool(['import', ...args, '--set', `data_dir=${server.dataDir}`]);
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
  }
  assert.equal((await callspool(['import', '--since', SINCE, '--set', 'data_dir=/nonexistent/callspool'])).code, 3);
  for (const body of [{ since: 7 }, { since: '2026-1-1' }, { since: null }]) assert.equal((await post(server, body)).status, 400, JSON.stringify(body));
  assert.deepEqual((await importsOf(server)).imports, []);
  assert.equal((await post(server, {})).status, 200, 'all that there is');
});
