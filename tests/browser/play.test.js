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

  let callSid;
  test('a call that just arrived is stored within seconds', async () => {
    const call = await until('a stored recording', async () => {
      const { json } = await requestJson(`${url}/api/calls`);
      return json.calls.find(({ recordings }) => recordings.some(({ state }) => state === 'stored'));
    }, 60_000);
    callSid = call.call_sid;
  });

  test('it is on the page, and plays: currentTime advances', async () => {
    await page.goto(`${url}/`);
    await page.locator(`[data-sid="${callSid}"]`).getByRole('button', { name: /^Play call/ }).click({ timeout: 30_000 });
    await heard('its length is known', () => {
      window.listened = document.querySelector('audio');
      return Number.isFinite(window.listened.duration) && window.listened.duration > 1;
    });
    await heard('half a second is played', () => window.listened.currentTime > 0.5);
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
    // Without a next recording of the call it stays there.
    await heard('the end', () => window.listened.ended || window.listened.currentTime > window.listened.duration - 0.1);
  });

  test('nobody complained', async () => {
    if (process.env.CALLSPOOL_SCREENSHOT) await page.screenshot({ path: process.env.CALLSPOOL_SCREENSHOT });
    assert.deepEqual(complaints, []);
  });
});
