// packaging/nginx/callspool-several.conf in a real nginx, before callspools that serve from one ledger.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callspool } from './harness/callspool.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { startPostgres } from './harness/postgres.js';
import { temporaryFolder } from './harness/process.js';
import { startLedger } from './harness/cluster.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const SEVERAL = readFileSync(new URL('../../packaging/nginx/callspool-several.conf', import.meta.url), 'utf8');
let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

/** The packaged file before these addresses, and one at which nobody listens. */
function site(addresses) {
  let next = 0;
  const backends = [...addresses, '127.0.0.1:1'];
  return (folder, port) => SEVERAL.replace(/server 10\.0\.0\.\d+:8080/g, () => `server ${backends[next++]}`)
    .replace('    listen 80;', `    listen 127.0.0.1:${port};`).replaceAll(/\/var\/log\/nginx\/callspool\.(access|error)\.log/g, (_, name) => join(folder, `${name}.log`));
}

test('one does not listen, one is killed and comes back: no play fails, and no webhook', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  const recording = await store(a, upstream);
  const hosts = [a, b].map(({ url }) => new URL(url).host);
  const nginx = await startNginx(t, a.url, { site: site(hosts) });
  const round = async (what) => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2
      ? request(nginx.url + recording.mediaPath, { headers: { Range: 'bytes=0-99' } })
      : postForm(nginx.url, RECORDING_STATUS, recordingCallback({ CallSid: newSid('CA'), RecordingStatus: 'in-progress' })))));
    assert.deepEqual(replies.map(({ status }) => status), replies.map((_, i) => (i % 2 ? 206 : 200)), what);
  };
  await until('both are asked', async () => {
    await round('while both serve');
    const log = nginx.written();
    return (await query('SELECT COUNT(DISTINCT stream) FROM events')) === '2' && log.includes('upstream=206');
  });
  await b.kill();
  await round('after one was killed');
  const again = await serve('b', { settings: { listen: hosts[1] } });
  const events = () => query('SELECT COUNT(DISTINCT stream) FROM events').then(Number);
  const before = await events();
  await until('it is asked again', async () => {
    await round('when it is back');
    return (await events()) > before;
  });
  await again.stop('SIGTERM').then((ended) => { again.finished = ended; });
  await round('after one was stopped');
  assert.ok(!/ 50[0-9] /.test(nginx.written().split('\n').filter((line) => line.includes('upstream=')).map((line) => line.replace(/upstream=.*/, '')).join('\n')), 'nobody was told of it');
});

test('the doctor finds nothing in it', async (t) => {
  const folder = temporaryFolder(t, 'several');
  const file = join(folder, 'callspool.conf');
  writeFileSync(file, SEVERAL);
  const checked = await callspool(['nginx', '--check', file, '--set', `data_dir=${folder}`, '--set', 'public_url=http://calls.example.com', '--set', 'listen=10.0.0.11:8080', '--set', 'auth=password']);
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
});
