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
import { play, region, untilSound } from './page.js';

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

  test('Web Audio, which would hear nothing of what comes from there, has it from here', async () => {
    const page = await browser.newPage();
    const replies = [];
    page.on('response', (reply) => replies.push({ status: reply.status(), url: reply.url() }));
    await page.addInitScript(() => {
      const make = AudioContext.prototype.createMediaElementSource;
      AudioContext.prototype.createMediaElementSource = function listenedTo(element) {
        const source = make.call(this, element);
        window.heard = this.createAnalyser();
        source.connect(window.heard);
        return source;
      };
    });
    await page.goto(server.url);
    await play(page, recording);
    await untilSound(page, 'it plays', ({ at, paused }) => at > 0.3 && !paused);
    assert.ok(replies.some(({ status, url }) => status === 307 && url.endsWith(recording.mediaPath)), 'from there');
    await region(page).getByRole('button', { name: /^Mute / }).first().click();
    await until('Web Audio hears it', () => page.evaluate(() => {
      const samples = new Float32Array(window.heard.fftSize);
      window.heard.getFloatTimeDomainData(samples);
      return samples.some((sample) => sample !== 0);
    }));
    await untilSound(page, 'it goes on from where it was', ({ at, paused }) => at > 0.5 && !paused);
    assert.ok(replies.some(({ status, url }) => [200, 206].includes(status) && url.endsWith(`${recording.mediaPath}?redirect=0`)));
    await page.close();
  });

  test('what cannot be played from there is played from here', async () => {
    const page = await browser.newPage();
    const { recordingSid } = recording;
    await bucket.put((await bucket.list()).find((key) => key.includes(recordingSid) && key.endsWith('.mp3')), Buffer.from('no sound at all'));
    const replies = [];
    page.on('response', (reply) => replies.push({ status: reply.status(), url: reply.url() }));
    await page.goto(server.url);
    await play(page, recording);
    await untilSound(page, 'it plays', ({ at, paused }) => at > 0.3 && !paused);
    assert.ok(replies.some(({ url }) => url.startsWith(`${s3.url}/${bucket.name}/`)), 'it was asked for there');
    await page.close();
  });
});
