// A stored recording in Chromium that is sent to the bucket for it (store_redirect): it plays, and is sought, from there.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { startServer } from '../server/harness/callspool.js';
import { lifetime } from '../server/harness/lifetime.js';
import { startS3 } from '../server/harness/s3_store.js';
import { store } from '../server/harness/stored.js';
import { until } from '../server/harness/until.js';
import { startUpstream } from '../server/harness/upstream.js';
import { launchBrowser } from './browser.js';

const SECONDS = 1800;

describe('a recording in a bucket, in Chromium', () => {
  let s3, bucket, server, recording, browser;

  before(async () => {
    s3 = await startS3(lifetime);
    bucket = await s3.bucket();
    const upstream = await startUpstream(lifetime);
    server = await startServer(lifetime, { upstream: upstream.url, settings: { ...bucket.settings, store_redirect: 'on' }, env: bucket.env });
    recording = await store(server, upstream, { seconds: SECONDS });
    browser = await launchBrowser(lifetime);
  });

  test("the page's <audio> plays it from there, near its end, too", async () => {
    const page = await browser.newPage();
    const replies = [], complaints = [];
    page.on('response', (reply) => replies.push({ status: reply.status(), url: reply.url() }));
    page.on('console', (message) => /Content Security Policy/.test(message.text()) && complaints.push(message.text()));
    await page.goto(server.url);
    await page.evaluate(async (path) => {
      const audio = document.body.appendChild(document.createElement('audio'));
      window.listened = audio;
      audio.muted = true;
      audio.src = path;
      await audio.play();
      audio.currentTime = audio.duration - 20;
    }, recording.mediaPath);
    await until('it plays there', () => page.evaluate(() => !window.listened.seeking && window.listened.currentTime > window.listened.duration - 19.5));
    const { duration, error } = await page.evaluate(() => ({ duration: window.listened.duration, error: window.listened.error?.message ?? null }));
    assert.equal(error, null);
    assert.ok(Math.abs(duration - SECONDS) < 2, `${duration}`);
    const ours = replies.filter(({ url }) => url === server.url + recording.mediaPath);
    assert.ok(ours.length > 0 && ours.every(({ status }) => status === 307), JSON.stringify(ours));
    const theirs = replies.filter(({ url }) => url.startsWith(`${s3.url}/${bucket.name}/`));
    assert.ok(theirs.length > 0 && theirs.every(({ status }) => status === 206), JSON.stringify(theirs));
    assert.deepEqual(complaints, []);
    await page.close();
  });
});
