// A call that just arrived plays in a real browser: sound goes on, and goes on after a seek.
//
// CALLSPOOL_URL names a demo that runs already; without it one is started.
// CALLSPOOL_SCREENSHOT names a file for a picture of the page.
import test, { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { requestJson } from '../server/harness/http.js';
import { lifetime } from '../server/harness/lifetime.js';
import { until } from '../server/harness/until.js';
import { launchBrowser } from './browser.js';
import { play, rowOf, untilSound } from './page.js';

describe('the demo in Chromium', () => {
  let url, browser, page;
  const complaints = [];

  before(async () => {
    url = process.env.CALLSPOOL_URL;
    if (!url) {
      const { startDemo } = await import('../server/harness/callspool.js');
      ({ url } = await startDemo(lifetime));
    }
    url = url.replace(/\/$/, '');
    browser = await launchBrowser(lifetime);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
    });
    page.on('response', (reply) => {
      if (reply.status() >= 500) complaints.push(`${reply.status()} ${reply.url()}`);
    });
  });
  after(() => browser?.close());

  // Not page.waitForFunction(), which needs the eval() that the page's policy forbids.
  const heard = (what, probe, argument) => until(what, () => page.evaluate(probe, argument), 20_000);

  let call;
  test('a call that just arrived is stored within seconds, and on the page', async () => {
    await page.goto(`${url}/`);
    call = await until('a stored recording in a row that is drawn', async () => {
      const { json } = await requestJson(`${url}/api/calls`);
      for (const { call_sid: callSid, main_recording_sid: recordingSid, recording_count: count, recordings } of json.calls) {
        // one alone: of several the next is played at the end of each
        const isWanted = count === 1 && recordings[0].state === 'stored';
        if (isWanted && await rowOf(page, callSid).count() === 1) return { callSid, recordingSid };
      }
      return null;
    }, 60_000);
  });

  test('it plays: currentTime advances', async () => {
    await play(page, call);
    await page.evaluate(() => { window.listened = document.querySelector('audio'); });
    await untilSound(page, 'its length is known', ({ length }) => length > 1);
    await untilSound(page, 'half a second is played', ({ at }) => at > 0.5);
  });

  test('it plays on after a seek ahead, and after one back', async () => {
    for (const share of [0.7, 0.2]) {
      const from = await page.evaluate((at) => {
        const audio = window.listened;
        audio.currentTime = audio.duration * at;
        return audio.duration * at;
      }, share);
      await heard(`it plays on from ${from}`, (at) => {
        const audio = window.listened;
        return !audio.seeking && audio.currentTime > at + 0.3 && audio.currentTime < at + 10;
      }, from);
      assert.equal(await page.evaluate(() => window.listened.error), null);
    }
  });

  test('it can be sought everywhere', async () => {
    const { seekable, duration } = await page.evaluate(() => {
      const audio = window.listened;
      return { seekable: audio.seekable.length ? audio.seekable.end(0) : 0, duration: audio.duration };
    });
    assert.ok(Math.abs(seekable - duration) < 0.1, `${seekable} of ${duration}`);
  });

  test('it plays to its end', async () => {
    await page.evaluate(() => {
      const audio = window.listened;
      audio.currentTime = audio.duration - 0.5;
    });
    await heard('the end', () => window.listened.ended || window.listened.currentTime > window.listened.duration - 0.1);
  });

  test('nobody complained', async () => {
    if (process.env.CALLSPOOL_SCREENSHOT) await page.screenshot({ path: process.env.CALLSPOOL_SCREENSHOT });
    assert.deepEqual(complaints, []);
  });
});
