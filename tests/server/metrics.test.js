// /metrics counts what was done, exactly, and tells it as Prometheus wants to hear it; /api/health tells the same in words.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { ACCOUNT, startDemo, startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { grown, promtool, scrape, valuesOf, yamlFile } from './harness/metrics.js';
import { Caller, addLink, addPerson, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { startStored } from './harness/stored.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { until } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const PLAYS = 'callspool_plays_total';
const count = ({ samples }, series) => samples.get(series);

test('plays, by where the recording was found and what became of them', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { threads: 1, play_wait: '1s', 'fetch.stall_timeout': '10m' } });
  // Its row changes once more then: what the loop knows of it is asked anew.
  await until('its waveform is made', async () => (await requestJson(`${server.url}/api/calls/${recording.callSid}`)).json.recordings[0].waveform);
  let before = await scrape(server);
  assert.deepEqual(valuesOf(before, PLAYS), {}, 'nothing was played yet');
  const growsBy = async (wanted, what) => {
    const after = await scrape(server);
    assert.deepEqual(grown(before, after, PLAYS), wanted, what);
    before = after;
  };
  const play = async (status, options, path = recording.mediaPath) => {
    const reply = await request(server.url + path, options);
    assert.equal(reply.status, status);
    return reply;
  };

  const { headers } = await play(200);
  await growsBy({ 'source="store",result="played"': 1 }, 'the first is asked of the ledger');
  await play(206, { headers: { Range: 'bytes=0-1' } });
  await play(206, { headers: { Range: 'bytes=0-1,5-9' } });
  await play(200, { method: 'HEAD' }, recording.mediaPath);
  await play(304, { headers: { 'If-None-Match': headers.etag } });
  await play(416, { headers: { Range: 'bytes=99999999-' } });
  await growsBy({ 'source="cache",result="played"': 3, 'source="cache",result="not_modified"': 1, 'source="cache",result="not_satisfiable"': 1 }, 'then the loop knows it');
  await play(404, {}, `/api/recordings/${newSid('RE')}/media`);
  await play(404, {}, `/api/calls/${newSid('CA')}/download`);
  await play(400, {}, '/api/recordings/RE1/media');
  await growsBy({ 'source="none",result="missing"': 2, 'source="none",result="bad_request"': 1 }, 'what is not there');
  const firstBytes = (scraped) => Object.fromEntries(['cache', 'store', 'flight'].map((source) => [source, count(scraped, `callspool_play_first_byte_seconds_count{source="${source}"}`)]));
  assert.deepEqual(firstBytes(before), { cache: 3, store: 1, flight: 0 }, 'each that got sound, and no other');

  // In flight: one that hears it, one that is cut, one that leaves, one that waits in vain.
  const callSid = newSid('CA');
  const recordingSid = newSid('RE');
  const gate = new Gate(audio({ seconds: 20 }));
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  const path = `/api/recordings/${recordingSid}/media`;
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: undefined }));
  await until('the flight has asked', () => gate.requests > 0);
  const flights = valuesOf(await scrape(server), 'callspool_flights');
  assert.equal(Object.values(flights).reduce((sum, one) => sum + one), 1, JSON.stringify(flights));
  const leaver = await RawConnection.open(server.url);
  leaver.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await play(503, {}, path);
  leaver.close();
  await until('all of them are counted', async () => Object.values(grown(before, await scrape(server), PLAYS)).reduce((sum, one) => sum + one, 0) === 2);
  const vain = grown(before, await scrape(server), PLAYS);
  assert.equal(vain['source="flight",result="upstream_unavailable"'] + (vain['source="flight",result="left"'] ?? 0), 2, JSON.stringify(vain));
  before = await scrape(server);
  gate.open(5000);
  const cut = await request(server.url + path);
  assert.deepEqual([cut.status, cut.cut], [200, true]);
  await growsBy({ 'source="flight",result="cut"': 1 }, 'play_wait without a byte');
  const heard = request(server.url + path, { onHead: () => gate.open() });
  assert.deepEqual([(await heard).status, (await heard).cut], [200, false]);
  await growsBy({ 'source="flight",result="played"': 1 }, 'all of it as it came');
  assert.equal(firstBytes(before).flight, 2);
  await untilState(server, callSid, 'stored');
  assert.equal(count(before, 'callspool_play_first_byte_seconds_bucket{source="flight",le="+Inf"}'), 2);
});

test('a play is one over whichever address, and what is asked beside the sound is none', async (t) => {
  const { server, recording } = await startWithPeople(t, { settings: { threads: 1 } });
  const admin = await firstAdministrator(server);
  const status = { headers: { Authorization: `Bearer ${(await addToken(admin, 'status')).bearer}` } };
  const link = await addLink(admin, recording);
  const guest = new Caller(server);
  await guest.asks(200, 'POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
  const player = await addToken(admin, 'play');
  const stored = `/2010-04-01/Accounts/${ACCOUNT}/Recordings/${recording.recordingSid}`;
  // The loop asks the ledger anew where the row has changed meanwhile.
  await until('its waveform is made', async () => (await admin.ask('GET', `/api/recordings/${recording.recordingSid}/waveform`)).status === 200);
  await admin.asks(200, 'GET', recording.mediaPath);
  let before = await scrape(server, status);
  const firstBytes = ({ samples }) => ['cache', 'store', 'flight'].reduce((sum, source) => sum + samples.get(`callspool_play_first_byte_seconds_count{source="${source}"}`), 0);
  const latest = ({ samples }) => samples.get('callspool_latest_plays{source="store"}');
  const all = async () => (await admin.asks(200, 'GET', '/api/status')).json.plays.all;
  assert.deepEqual([valuesOf(before, PLAYS), firstBytes(before), latest(before), await all()], [{ 'source="store",result="played"': 1 }, 1, 1, 1], 'its waveform was no play');
  const growsBy = async (wanted, heard, what) => {
    const after = await scrape(server, status);
    assert.deepEqual([grown(before, after, PLAYS), firstBytes(after) - firstBytes(before), latest(after) - latest(before)], [wanted, heard, heard], what);
    before = after;
    assert.equal(await all(), firstBytes(after), what);
  };

  for (const suffix of ['', '.mp3']) await player.asks(200, 'GET', stored + suffix);
  await player.asks(206, 'HEAD', `${stored}.mp3`, { headers: { Range: 'bytes=0-1' } });
  await growsBy({ 'source="cache",result="played"': 3 }, 3, "Twilio's addresses");
  await new Caller(server).asks(401, 'GET', `${stored}.mp3`);
  await player.asks(404, 'GET', `${stored}.wav`);
  await growsBy({ 'source="none",result="refused"': 1, 'source="none",result="missing"': 1 }, 0, "what Twilio's addresses refuse");
  await player.asks(200, 'GET', `/api/calls/${recording.callSid}/download`);
  await guest.asks(200, 'GET', `/l/${link.name}/media`);
  await guest.asks(200, 'GET', link.mediaPath);
  await growsBy({ 'source="store",result="played"': 1, 'source="cache",result="played"': 2 }, 3, 'a call, and a link, opened or not');

  for (const [who, base] of [[admin, `/api/recordings/${recording.recordingSid}`], [guest, `/l/${link.name}`]]) {
    await who.asks(200, 'GET', `${base}/waveform`);
    await who.asks(400, 'GET', `${base}/waveform?points=none`);
    await who.asks(204, 'POST', `${base}/heard`, { json: { ranges: [[0, 0.5]] } });
  }
  await admin.asks(404, 'GET', `/api/recordings/${newSid('RE')}/waveform`);
  await growsBy({}, 0, 'waveforms and what was heard');
});

test('a client that leaves while it waits for the first byte is counted as one who left', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const gate = new Gate(audio({ seconds: 2 }));
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: undefined }));
  const player = await RawConnection.open(server.url);
  const log = until('the flight has asked', () => gate.requests > 0);
  player.send(`GET /api/recordings/${recordingSid}/media HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await log;
  await until('it waits', async () => (await scrape(server)).samples.get('callspool_connections') >= 2);
  player.socket.resetAndDestroy();
  await until('it is counted', async () => {
    const plays = valuesOf(await scrape(server), PLAYS);
    return Object.entries(plays).some(([labels, n]) => /result="left"/.test(labels) && n === 1) && Object.keys(plays).length === 1;
  });
  gate.open();
  await untilState(server, callSid, 'stored');
});

test('webhooks by result, with their time and the commits behind them', async (t) => {
  const server = await startServer(t, { settings: { threads: 1 } });
  const before = await scrape(server);
  const send = async (status, fields, options) => assert.equal((await postForm(server.url, RECORDING_STATUS, fields, options)).status, status);
  const callback = () => recordingCallback({ RecordingStatus: 'in-progress' });
  await send(200, callback());
  assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
  await send(400, callback(), { signature: null });
  await send(403, callback(), { publicUrl: 'http://elsewhere.test' });
  await send(403, callback(), { publicUrl: 'http://elsewhere.test' });
  await send(403, { ...callback(), AccountSid: newSid('AC') });
  await send(400, { ...callback(), RecordingSid: undefined });
  const after = await scrape(server);
  assert.deepEqual(grown(before, after, 'callspool_webhooks_total'), {
    'result="taken"': 2, 'result="unsigned"': 1, 'result="wrong_signature"': 2, 'result="unknown_account"': 1, 'result="malformed"': 1,
  });
  assert.equal(count(after, 'callspool_webhook_seconds_count'), 2);
  assert.ok(count(after, 'callspool_webhook_seconds_sum') > 0);
  assert.ok(count(after, 'callspool_commit_seconds_count') > count(before, 'callspool_commit_seconds_count'));
  assert.equal(count(after, 'callspool_commits_failed_total'), 0);
  const byStatus = grown(before, after, 'callspool_requests_total');
  assert.deepEqual(byStatus, { 'status="2xx"': 3, 'status="4xx"': 5 }, 'the first scrape is counted by the second');
});

test('attempts by outcome are those of the ledger, and the recordings are by state', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '20ms', 'fetch.retry_most': '100ms' } });
  const announce = async (recording) => {
    const fields = recordingCallback();
    upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, ...recording });
    assert.equal((await postForm(server.url, RECORDING_STATUS, fields)).status, 200);
    return fields.CallSid;
  };
  const whole = audio({ seconds: 5 });
  const error = (status, code) => (request_, reply) => {
    reply.writeHead(status, { 'Content-Type': 'application/xml' });
    reply.end(xmlError(status, code, 'no'));
  };
  let busy = 2;
  const stored = [
    await announce({ media: whole }),
    await announce({ answer: (request_, reply) => (busy-- > 0 ? error(503, 20503)(request_, reply) : reply.writeHead(200, { 'Content-Type': 'audio/mpeg' }).end(whole)) }),
    await announce({ answer: (request_, reply) => (/RequestedChannels=2/.test(request_.url) ? error(400, 20001)(request_, reply) : reply.writeHead(200, { 'Content-Type': 'audio/mpeg' }).end(whole)) }),
  ];
  for (const callSid of stored) await untilState(server, callSid, 'stored');
  await announce({ answer: error(404, 16101) });
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'failed' }))).status, 200);
  await until('one is absent and one is dead', async () => {
    const states = valuesOf(await scrape(server), 'callspool_recordings');
    return states['state="absent"'] === 1 && states['state="dead"'] === 1;
  });
  const after = await scrape(server);
  assert.deepEqual(valuesOf(after, 'callspool_recordings'), { 'state="stored"': 3, 'state="absent"': 1, 'state="dead"': 1 });
  const sql = (text) => execFileSync('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), text]).toString();
  const rows = sql('SELECT outcome, COUNT(*) FROM attempts WHERE ended_at_ms IS NOT NULL GROUP BY outcome').trim().split('\n').map((row) => row.split('|'));
  assert.deepEqual(valuesOf(after, 'callspool_attempts_total'), Object.fromEntries(rows.map(([outcome, n]) => [`outcome="${outcome}"`, Number(n)])));
  assert.deepEqual(new Set(rows.map(([outcome]) => outcome)), new Set(['stored', 'server_error', 'no_dual', 'absent']));
  assert.equal(count(after, 'callspool_store_bytes'), 3 * whole.length);
  assert.equal(count(after, 'callspool_store_files'), 3);
  assert.equal(count(after, 'callspool_received_bytes_total'), Number(sql('SELECT SUM(bytes) FROM attempts')));
  assert.deepEqual([count(after, 'callspool_recordings_expected'), count(after, 'callspool_recordings_here')], [4, 3]);
  assert.equal(count(after, 'callspool_degraded'), 1, 'of the dead letter');
  assert.equal(count(after, 'callspool_oldest_waiting_seconds'), 0);
});

test('sign-ins, and who is over a limit', async (t) => {
  const { server } = await startWithPeople(t, { settings: { threads: 1 } });
  const admin = await firstAdministrator(server);
  await addPerson(admin, 'dana');
  const monitor = await addToken(admin, 'status');
  const look = () => scrape(server, { headers: { Authorization: `Bearer ${monitor.bearer}` } });
  const before = await look();
  assert.equal((await new Caller(server).signIn('dana')).status, 200);
  assert.equal((await new Caller(server).signIn('dana', 'not her password at all')).status, 401);
  const guesser = new Caller(server, { bearer: `csp_${'A'.repeat(32)}` });
  let refused = 0;
  for (let i = 0; i < 40; i++) {
    guesser.bearer = `csp_${String(i).padStart(32, 'A')}`;
    refused += (await guesser.ask('GET', '/api/calls')).status === 429;
  }
  assert.ok(refused > 0);
  const after = await look();
  assert.deepEqual(grown(before, after, 'callspool_sign_ins_total'), { 'result="good"': 1, 'result="wrong"': 1 });
  assert.deepEqual(grown(before, after, 'callspool_throttled_total'), { 'limit="unknown_credentials"': refused });

  // In words, for who reads the calls; who sent what is for who looks after it.
  const listener = await addToken(admin, 'read');
  const { json: health } = await listener.asks(200, 'GET', '/api/health');
  const { json: status } = await monitor.asks(200, 'GET', '/api/status');
  assert.deepEqual(Object.keys(status).filter((key) => !(key in health)), ['webhooks', 'notify', 'fetching']);
  for (const key of ['version', 'started_at', 'recordings', 'bytes_stored', 'complete', 'causes']) assert.deepEqual(health[key], status[key], key);
});

test('promtool finds nothing to object to', async (t) => {
  const { server, recording } = await startStored(t);
  for (let i = 0; i < 4; i++) await request(server.url + recording.mediaPath);
  const scraped = await scrape(server);
  assert.equal(scraped.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const { code, said } = await promtool(['check', 'metrics'], { input: scraped.text });
  assert.equal(said, '');
  assert.equal(code, 0);
  for (const [series] of scraped.samples) {
    assert.doesNotMatch(series, /(AC|CA|RE)[0-9a-f]{32}/, 'a label is never a SID');
  }
  assert.equal(scraped.samples.get(`callspool_build_info{version="${(await requestJson(`${server.url}/health`)).json.version}"}`), 1);
  assert.ok(scraped.samples.get('process_resident_memory_bytes') > 2 ** 20);
  assert.ok(scraped.samples.get('process_cpu_seconds_total') > 0);
  assert.ok(Math.abs(scraped.samples.get('process_start_time_seconds') - Date.now() / 1000) < 300);
  for (const loop of ['serving', 'fetching', 'keeping']) {
    assert.ok(scraped.samples.get(`callspool_loop_turn_seconds_count{loop="${loop}"}`) > 0, loop);
    assert.ok(scraped.samples.has(`callspool_loop_lag_seconds{loop="${loop}"}`), loop);
  }
  const head = await request(`${server.url}/metrics`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
});

test('what the docs name is told, and all that is told is named in the docs or on the dashboard', async (t) => {
  const { families } = await scrape(await startServer(t));
  const textOf = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const namesOf = (text) => new Set(text.match(/\b(?:callspool|process)_[a-z_]+\b/g));
  const running = textOf('docs/running.md');
  const documented = namesOf(running.slice(running.indexOf('## Metrics'), running.indexOf('## What the alerts mean')));
  for (const name of documented) assert.ok(families.has(name), `docs/running.md names ${name}`);
  const shown = namesOf(textOf('packaging/grafana/callspool.json'));
  const silent = ['callspool_build_info', 'process_start_time_seconds', 'callspool_calls', 'callspool_degraded'];
  for (const [name, type] of families) {
    const is = type === 'histogram' ? `${name}_bucket` : name;
    assert.ok(documented.has(name) || shown.has(is) || silent.includes(name), `${name} is named somewhere`);
  }
});

test('the demo shows them to anybody on the machine', async (t) => {
  const demo = await startDemo(t);
  const { families } = await scrape(demo);
  assert.equal(families.get('callspool_plays_total'), 'counter');
});

// ---- the dashboard ----

const UNITS = ['none', 'short', 's', 'bytes', 'Bps', 'reqps', 'ops', 'cps', 'percentunit', 'bool_yes_no'];

test('the dashboard asks for what there is, and its panels lie side by side', async (t) => {
  const dashboard = JSON.parse(readFileSync(new URL('../../packaging/grafana/callspool.json', import.meta.url), 'utf8'));
  const { families } = await scrape(await startServer(t));
  const known = (name) => families.has(name) || name === 'up' ||
    [...families].some(([family, type]) => type === 'histogram' && ['_bucket', '_sum', '_count'].some((end) => family + end === name));
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, 'each id once');
  const taken = new Set();
  const asked = new Set();
  const rules = [];
  for (const { id, title, type, gridPos: { x, y, w, h }, targets = [], fieldConfig, description } of dashboard.panels) {
    assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, `${title} is within 24 columns`);
    for (let row = y; row < y + h; row++) for (let column = x; column < x + w; column++) {
      const cell = `${row}/${column}`;
      assert.ok(!taken.has(cell), `${title} lies over another panel`);
      taken.add(cell);
    }
    if (type === 'row') continue;
    assert.ok(UNITS.includes(fieldConfig.defaults.unit), `${title}: ${fieldConfig.defaults.unit}`);
    assert.ok(targets.length > 0 && description, `panel ${id} asks something, and says what it shows`);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    for (const { expr } of targets) {
      const names = expr.match(/\b(?:callspool|process)_\w+|\bup\b/g);
      assert.ok(names, expr);
      for (const name of names) assert.ok(known(name), `${title}: ${name} is told by /metrics`);
      for (const name of names) asked.add(name);
      assert.match(expr, /instance=~"\$instance"/, `${title} is of the chosen instance`);
      rules.push({ record: `panel:${id}:${rules.length}`, expr: expr.replaceAll('$instance', 'x').replaceAll('$__rate_interval', '5m') });
    }
  }
  const { code, said } = await promtool(['check', 'rules', yamlFile(t, 'dashboard.yml', { groups: [{ name: 'dashboard', rules }] })]);
  assert.equal(code, 0, said);
  assert.ok(asked.size > 25, 'it shows most of what there is');
});
