// The page of calls in Chromium: what a listener sees of a call with several recordings, of a play that failed, of a long address.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { audio } from '../server/harness/audio.js';
import { startServer, untilState } from '../server/harness/callspool.js';
import { lifetime } from '../server/harness/lifetime.js';
import { store } from '../server/harness/stored.js';
import { until } from '../server/harness/until.js';
import { startUpstream, xmlError } from '../server/harness/upstream.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from '../server/harness/webhook.js';
import { launchBrowser } from './browser.js';

const SIP = `sip:${'a-very-long-name-of-an-extension.'.repeat(3)}@pbx.example.com;transport=tls`;

describe('the page of calls', () => {
  let upstream, server, page;

  before(async () => {
    upstream = await startUpstream(lifetime);
    server = await startServer(lifetime, { upstream: upstream.url, settings: { 'fetch.retry_first': '200ms', play_wait: '2s' } });
    page = await (await launchBrowser(lifetime)).newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.url);
  });

  const row = (callSid) => page.waitForSelector(`[data-call-sid="${callSid}"]`, { state: 'attached', timeout: 20_000 });
  const seen = (what, callSid, probe) => until(what, async () => (await row(callSid)).evaluate(probe), 20_000);

  test('all recordings of a call are there, with the length of each', async () => {
    const callSid = newSid('CA');
    const first = await store(server, upstream, { callSid, seconds: 5 });
    const second = await store(server, upstream, { callSid, seconds: 65 });
    await seen('two players', callSid, (element) => element.querySelectorAll('audio').length === 2);
    const players = await (await row(callSid)).evaluate((element) => [...element.querySelectorAll('.player')]
      .map((box) => [new URL(box.querySelector('audio').src).searchParams.get('recording'), box.querySelector('.length').textContent]));
    assert.deepEqual(players, [[first.recordingSid, '0:05'], [second.recordingSid, '1:05']]);
  });

  test('a play that failed says why, and can be tried again', async () => {
    const fields = recordingCallback();
    let isDown = true;
    const media = audio({ seconds: 5 });
    upstream.recordings.set(fields.RecordingSid, {
      callSid: fields.CallSid,
      answer: (request, reply) => {
        if (isDown) {
          reply.writeHead(503, { 'Content-Type': 'application/xml' });
          reply.end(xmlError(503, 20503, 'Service unavailable'));
          return;
        }
        reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': media.length });
        reply.end(media);
      },
    });
    assert.equal((await postForm(server.url, RECORDING_STATUS, fields)).status, 200);
    await (await row(fields.CallSid)).evaluate((element) => {
      const player = element.querySelector('audio');
      player.muted = true;
      player.play().catch(() => {});
    });
    await seen('the reason', fields.CallSid, (element) => /Twilio/.test(element.querySelector('.failed')?.textContent ?? ''));
    isDown = false;
    await untilState(server, fields.CallSid, 'stored');
    await (await row(fields.CallSid)).evaluate((element) => element.querySelector('.failed button').click());
    await seen('it plays', fields.CallSid, (element) => element.querySelector('audio').currentTime > 0.3);
    assert.equal(await (await row(fields.CallSid)).evaluate((element) => element.querySelector('.failed')), null);
  });

  test('a long SIP address does not push the players out of sight', async () => {
    const callSid = newSid('CA');
    assert.equal((await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid, From: SIP }))).status, 200);
    await store(server, upstream, { callSid });
    await seen('a player', callSid, (element) => element.querySelector('audio') !== null);
    const { right, title } = await (await row(callSid)).evaluate((element) => ({
      right: element.querySelector('audio').getBoundingClientRect().right, title: element.querySelector('.from').title,
    }));
    assert.ok(right <= 1280, `the player ends at ${right} of 1280 pixels`);
    assert.equal(title, SIP, 'all of it is to be had');
  });
});
