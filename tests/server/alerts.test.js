// Each alert of packaging/prometheus fires for its cause, and for no other.
//
// A cause is what a real server tells before and after it came about; where it takes an hour, a broken disk or a crowd,
// it is written into what a healthy one tells.  promtool then lets time pass over all of them, each an instance of its own.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callspool, startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { promtool, read, scrape, yamlFile } from './harness/metrics.js';
import { SIGN_IN } from './harness/people.js';
import { newSecret, notifySettings } from './harness/receiver.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const RULES = fileURLToPath(new URL('../../packaging/prometheus/callspool.rules.yml', import.meta.url));
const TEXT = readFileSync(RULES, 'utf8');
const ALERTS = [...TEXT.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
/** What no rule asks for is left out: promtool takes its time for each series. */
const ASKED = new Set(TEXT.match(/\b(?:callspool|process)_\w+/g));

// A scrape a minute: for 20 as before, then for 80 as after.
const BEFORE = 20;
const AFTER = 80;
const GROW = ['callspool_oldest_waiting_seconds', 'callspool_upstream_outage_seconds', 'callspool_list_failing_seconds', 'callspool_notify_failing_seconds', 'callspool_notices_oldest_seconds'];

function seriesOf(cause, before, after, { up = 1, steps = {} } = {}) {
  const names = new Set([...before.samples.keys(), ...after.samples.keys()]);
  const rows = [...names].map((series) => [...series.match(/^(\w+)(?:\{(.*)\})?$/)]).filter(([, family]) => ASKED.has(family)).map(([series, family, labels]) => {
    const was = before.samples.get(series);
    const is = after.samples.get(series);
    const step = steps[series] ?? (GROW.includes(family) && is > 0 ? 60 : 0);
    const values = [was === undefined ? '_x19' : `${was}+0x${BEFORE - 1}`, is === undefined ? `_x${AFTER}` : `${is}+${step}x${AFTER - 1}`];
    return { series: `${family}{job="callspool",instance="${cause}"${labels ? `,${labels}` : ''}}`, values: values.join(' ') };
  });
  return [...rows, { series: `up{job="callspool",instance="${cause}"}`, values: `1+0x${BEFORE - 1} ${up}+0x${AFTER - 1}` }];
}

/** What promtool is to find of them: of each cause its alert has fired meanwhile, and no other. */
const testOf = (instances) => ({
  interval: '1m',
  input_series: instances.flatMap(({ series }) => series),
  promql_expr_test: [{
    expr: `group by (alertname, instance) (max_over_time(ALERTS{alertstate="firing"}[${BEFORE + AFTER}m]))`,
    eval_time: `${BEFORE + AFTER - 1}m`,
    exp_samples: instances.flatMap(({ cause, alerts }) => alerts.map((alertname) => ({ labels: `{alertname="${alertname}",instance="${cause}"}`, value: 1 }))),
  }],
});

// ---- causes that are written into what a healthy server tells ----

const set = (series, value) => (samples) => {
  assert.ok(samples.has(series), `${series} is told`);
  samples.set(series, value);
};
const add = (series, more) => (samples) => set(series, samples.get(series) + more)(samples);
/** So many turns or commits in a minute which all take longer than a bound: every bucket of at least that bound rises. */
const slow = (family, labels, bound, steps) => (samples) => {
  let found = 0;
  for (const series of samples.keys()) {
    if (!series.startsWith(`${family}_bucket{${labels}`)) continue;
    const le = Number(series.match(/le="(.*)"/)[1].replace('+Inf', 'Infinity'));
    if (le > bound) steps[series] = 100;
    found += le > bound;
  }
  assert.ok(found > 1, `${family} has buckets beyond ${bound}`);
};

const WRITTEN = [
  { cause: 'all is well', alerts: [] },
  { cause: 'it does not answer', alerts: ['CallspoolDown'], up: 0 },
  { cause: 'it starts every minute', alerts: ['CallspoolRestarts'], change: () => {}, steps: { process_start_time_seconds: 60 } },
  { cause: 'the ledger takes no webhook', alerts: ['CallspoolWebhooksUncommitted'], change: add('callspool_webhooks_total{result="uncommitted"}', 3) },
  {
    cause: 'the disk is full, and so is the reserve',
    alerts: ['CallspoolDiskFull'],
    change: (samples) => {
      set('callspool_reserve{state="held"}', 0)(samples);
      set('callspool_reserve{state="exhausted"}', 1)(samples);
      set('callspool_store_free_bytes', 0)(samples);
      set('callspool_oldest_waiting_seconds', 100)(samples);
      add('callspool_webhooks_total{result="uncommitted"}', 3)(samples);
    },
  },
  {
    cause: 'the volume is gone',
    alerts: ['CallspoolStoreSilent'],
    change: (samples) => {
      set('callspool_store_answers', 0)(samples);
      samples.delete('callspool_store_free_bytes');
      add('callspool_plays_total{source="store",result="internal"}', 5)(samples);
    },
  },
  // Of a bucket, which this one has not: tests/server/bucket.test.js sees a real one tell it.
  { cause: 'the bucket is away', alerts: ['CallspoolBucketAway'], change: (samples) => samples.set('callspool_bucket_answers', 0) },
  { cause: 'the bucket answers', alerts: [], change: (samples) => samples.set('callspool_bucket_answers', 1) },
  { cause: 'a file of the store is damaged', alerts: ['CallspoolStoreDamaged'], change: set('callspool_store_faults{kind="bytes"}', 2) },
  { cause: 'a file in the store that cannot be mended', alerts: ['CallspoolStoreUnmended'], change: set('callspool_store_faults_unmended', 1) },
  { cause: 'a file in the store that is not ours', alerts: [], change: set('callspool_store_faults{kind="foreign"}', 2) },
  { cause: 'an event makes no sense', alerts: ['CallspoolEventsSetAside'], change: set('callspool_events_set_aside', 1) },
  { cause: 'webhooks were given up', alerts: ['CallspoolNotifyDeadLetters'], change: set('callspool_notices_dead', 2) },
  { cause: 'the receiver of webhooks is slow', alerts: ['CallspoolNotifyFails'], change: set('callspool_notices_oldest_seconds', 60) },
  { cause: 'the receiver of webhooks is gone', alerts: ['CallspoolNotifyFails'], change: set('callspool_notify_gone', 1) },
  { cause: 'events pile up', alerts: ['CallspoolEventsBehind'], change: set('callspool_events_waiting', 5000) },
  { cause: 'a loop stands still', alerts: ['CallspoolLoopStuck'], change: set('callspool_loop_lag_seconds{loop="serving"}', 40) },
  { cause: 'a loop is slow', alerts: ['CallspoolLoopSlow'], change: (samples, steps) => slow('callspool_loop_turn_seconds', 'loop="fetching"', 0.25, steps)(samples) },
  { cause: 'the disk is slow', alerts: ['CallspoolCommitsSlow'], change: (samples, steps) => slow('callspool_commit_seconds', '', 0.5, steps)(samples) },
  { cause: 'turns are long in coming', alerts: ['CallspoolTurnsWait'], change: (samples, steps) => slow('callspool_turn_wait_seconds', '', 0.5, steps)(samples) },
  { cause: 'others took it for dead', alerts: ['CallspoolTakenForDead'], change: add('callspool_taken_for_dead_total', 1) },
  { cause: 'it took another for dead', alerts: [], change: add('callspool_processes_buried_total', 1) },
  { cause: 'its clock is behind the database\'s', alerts: ['CallspoolClockApart'], change: set('callspool_clock_ahead_seconds', -30) },
  { cause: 'its clock is a second ahead', alerts: [], change: set('callspool_clock_ahead_seconds', 1.2) },
  { cause: 'a crowd', alerts: ['CallspoolCrowded'], change: add('callspool_connections_refused_total', 7) },
  { cause: 'the audit has a gap', alerts: ['CallspoolAuditLeftOut'], change: add('callspool_audit_left_out_total', 40) },
  {
    cause: 'strangers send webhooks, players ask for what is not there, and Twilio limits',
    alerts: [],
    change: (samples) => {
      add('callspool_webhooks_total{result="unsigned"}', 5000)(samples);
      add('callspool_webhooks_total{result="unknown_account"}', 5000)(samples);
      add('callspool_plays_total{source="none",result="missing"}', 5000)(samples);
      add('callspool_plays_total{source="flight",result="upstream_unavailable"}', 50)(samples);
      add('callspool_attempts_total{outcome="limited"}', 500)(samples);
      add('callspool_throttled_total{limit="unknown_sids"}', 500)(samples);
      set('callspool_recordings{state="waiting"}', 100000)(samples);
      set('callspool_oldest_waiting_seconds', 0)(samples);
    },
  },
];

function written(well, { cause, alerts, change = () => {}, up, steps = {} }) {
  const after = read(well.text);
  const growing = { ...steps };
  change(after.samples, growing);
  return { cause, alerts, series: seriesOf(cause, well, after, { up, steps: growing }) };
}

// ---- causes that are brought about ----

const refuse = (status, code) => (incoming, reply) => {
  reply.writeHead(status, { 'Content-Type': 'application/xml' });
  reply.end(xmlError(status, code, 'no'));
};
const tell = async (server, fields = {}, options) => postForm(server.url, RECORDING_STATUS, recordingCallback(fields), options);
const untilTells = (server, what, series) => until(what, async () => {
  const now = await scrape(server);
  return now.samples.get(series) > 0 && now;
});

/** A server whose upstream answers everything so; one recording is announced, and one value is waited for. */
async function withUpstream(t, answer, series, settings = {}) {
  const upstream = await startUpstream(t);
  upstream.answer = answer;
  const server = await startServer(t, { upstream: upstream.url, settings, expectErrors: [/Twilio refuses/] });
  assert.equal((await tell(server)).status, 200);
  return untilTells(server, series, series);
}

const CAUSES = [
  {
    cause: 'public_url is wrong',
    alerts: ['CallspoolWebhooksRefused'],
    bring: async (t) => {
      const server = await startServer(t);
      assert.equal((await tell(server, {}, { publicUrl: 'http://elsewhere.test' })).status, 403);
      return scrape(server);
    },
  },
  {
    cause: 'the ledger cannot be read for a while',
    alerts: ['CallspoolPlaysFail'],
    bring: async (t) => {
      const server = await startServer(t, { expectErrors: [/./] });
      const sql = (statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement]);
      sql('ALTER TABLE recordings RENAME TO elsewhere');
      assert.equal((await request(`${server.url}/api/recordings/${newSid('RE')}/media`)).status, 500);
      sql('ALTER TABLE elsewhere RENAME TO recordings');
      return scrape(server);
    },
  },
  {
    cause: 'Twilio could not keep a recording',
    alerts: ['CallspoolDeadLetters'],
    bring: async (t) => {
      const server = await startServer(t);
      assert.equal((await tell(server, { RecordingStatus: 'failed' })).status, 200);
      return untilTells(server, 'a dead letter', 'callspool_recordings{state="dead"}');
    },
  },
  {
    cause: 'the receiver of webhooks is down',
    alerts: ['CallspoolNotifyFails'],
    bring: async (t) => {
      const server = await startServer(t, { settings: notifySettings(t, 'http://127.0.0.1:1/hooks', newSecret()) });
      assert.equal((await tell(server, { RecordingStatus: 'absent' })).status, 200);
      return untilTells(server, 'it takes nothing', 'callspool_notify_failing_seconds');
    },
  },
  { cause: 'the auth token is wrong', alerts: ['CallspoolAccountRefused'], bring: (t) => withUpstream(t, refuse(401, 20003), 'callspool_accounts_refused') },
  { cause: 'Twilio is down', alerts: ['CallspoolTwilioOutage'], bring: (t) => withUpstream(t, refuse(503, 20503), 'callspool_upstream_outage_seconds') },
  {
    cause: 'Twilio says that it is completed, and never has the media',
    alerts: ['CallspoolRecordingsWait'],
    bring: (t) => withUpstream(t, refuse(404, 20404), 'callspool_attempts_total{outcome="not_ready"}'),
  },
  {
    cause: 'the list cannot be read',
    alerts: ['CallspoolListUnread'],
    bring: async (t) => {
      const upstream = await startUpstream(t);
      upstream.answer = refuse(500, 20500);
      const server = await startServer(t, { upstream: upstream.url, settings: { reconcile_interval: '15m' } });
      return untilTells(server, 'the list fails', 'callspool_list_failing_seconds');
    },
  },
  {
    cause: 'less room than min_free',
    alerts: ['CallspoolDiskShort'],
    bring: async (t) => {
      const { bavail, bsize } = statfsSync('/tmp');
      return scrape(await startServer(t, { settings: { min_free: `${Math.ceil(bavail * bsize / 2 ** 20) + 1024}M` } }));
    },
  },
  {
    cause: 'somebody guesses tokens',
    alerts: ['CallspoolSignInsThrottled'],
    bring: async (t) => {
      const server = await startServer(t, { settings: SIGN_IN });
      const ask = (i) => request(`${server.url}/api/calls`, { headers: { 'X-Forwarded-For': '198.18.0.1', Authorization: `Bearer csp_${String(i).padStart(32, 'A')}` } });
      for (let i = 0; i < 80; i++) await ask(i);
      const { stdout } = await callspool(['token', 'add', 'prometheus', '--rights', 'status', '--set', `data_dir=${server.dataDir}`]);
      return scrape(server, { headers: { Authorization: `Bearer ${stdout.trim()}` } });
    },
  },
];

test('the rules are well-formed, and each has a cause here', async () => {
  const { code, said } = await promtool(['check', 'rules', RULES]);
  assert.equal(code, 0, said);
  const caused = new Set([...WRITTEN, ...CAUSES].flatMap(({ alerts }) => alerts));
  assert.deepEqual([...caused].sort(), [...ALERTS].sort());
  for (const { alerts } of [...WRITTEN, ...CAUSES]) assert.ok(alerts.length < 2, 'one cause, one alert');
});

test('docs/running.md says of each what to do', () => {
  const text = readFileSync(new URL('../../docs/running.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('## What the alerts mean'));
  for (const name of ALERTS) assert.ok(section.includes(`\`${name}\``), name);
});

test('each alert fires for its cause, and for no other', async (t) => {
  const well = await scrape(await startServer(t));
  const brought = await Promise.all(CAUSES.map(async ({ cause, alerts, bring }) => ({ cause, alerts, series: seriesOf(cause, well, await bring(t)) })));
  const file = yamlFile(t, 'alerts.test.yml', { rule_files: [RULES], evaluation_interval: '2m', tests: [testOf([...WRITTEN.map((row) => written(well, row)), ...brought])] });
  const { code, said } = await promtool(['test', 'rules', file]);
  assert.equal(code, 0, said);
});
