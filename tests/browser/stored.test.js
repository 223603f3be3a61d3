// A stored recording in Chromium, directly and through nginx: byte for byte, in pieces, sought anywhere.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lifetime } from '../server/harness/lifetime.js';
import { startNginx } from '../server/harness/nginx.js';
import { startStored } from '../server/harness/stored.js';
import { until } from '../server/harness/until.js';
import { launchBrowser } from './browser.js';

const SECONDS = 3600; // 14 MB: far more than Chromium reads ahead
const READ_AHEAD_MAX = 0.7; // of it; Chromium takes what the sockets hold, too

describe('a stored recording in Chromium', () => {
  let recording, browser;
  const bases = {};
  before(async () => {
    const { server, recording: stored } = await startStored(lifetime, { recording: { seconds: SECONDS } });
    recording = stored;
    bases.directly = server.url;
    bases['through nginx'] = (await startNginx(lifetime, server.url)).url;
    browser = await launchBrowser(lifetime);
  });

  for (const where of ['directly', 'through nginx']) {
    test(`${where}: what fetch() gets is the recording`, async () => {
      const page = await browser.newPage();
      await page.goto(bases[where]);
      const digest = await page.evaluate(async (path) => {
        const reply = await fetch(path);
        const hash = await crypto.subtle.digest('SHA-256', await reply.arrayBuffer());
        return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      }, recording.downloadPath);
      assert.equal(digest, createHash('sha256').update(recording.bytes).digest('hex'));
      await page.close();
    });

    test(`${where}: <audio> plays near its end without the bytes in between`, async () => {
      const page = await browser.newPage();
      const replies = [];
      let heard = 0;
      const devtools = await page.context().newCDPSession(page);
      devtools.on('Network.dataReceived', ({ dataLength }) => { heard += dataLength; });
      await devtools.send('Network.enable');
      page.on('response', (reply) => {
        if (reply.url().endsWith('/download')) replies.push({ status: reply.status(), range: reply.request().headers().range });
      });
      await page.goto(bases[where]);
      await page.evaluate(async (path) => {
        const audio = document.body.appendChild(document.createElement('audio'));
        window.listened = audio;
        audio.muted = true;
        audio.src = path;
        await audio.play();
        audio.currentTime = audio.duration - 20;
      }, recording.downloadPath);
      await until('it plays there', () => page.evaluate(() => !window.listened.seeking && window.listened.currentTime > window.listened.duration - 19.5));
      const { duration, error } = await page.evaluate(() => ({ duration: window.listened.duration, error: window.listened.error?.message ?? null }));
      assert.equal(error, null);
      assert.ok(Math.abs(duration - SECONDS) < 2, `${duration}`);
      assert.ok(replies.length >= 1);
      for (const { status, range } of replies) assert.equal(status, 206, `${range}`);
      assert.ok(heard > 0 && heard < READ_AHEAD_MAX * recording.bytes.length, `${heard} of ${recording.bytes.length} bytes came`);
      await page.close();
    });
  }
});
