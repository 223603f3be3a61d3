// The page of calls in Chromium, signed in, through nginx: what a listener does all day.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { audio } from '../server/harness/audio.js';
import { Gate } from '../server/harness/gated.js';
import { lifetime } from '../server/harness/lifetime.js';
import { until } from '../server/harness/until.js';
import { xmlError } from '../server/harness/upstream.js';
import { CALL_STATUS, callCallback, newSid } from '../server/harness/webhook.js';
import { addCall, askCalls, play, region, rowOf, sound, startCalls, tell, untilSound, untilWaveform } from './calls.js';
import { account, newPage } from './secure.js';

const SIP = `sip:${'a-very-long-name-of-an-extension.'.repeat(8)}@pbx.example.com;transport=tls`;

describe('the page of calls', () => {
  let world, page;

  before(async () => {
    world = await startCalls(lifetime);
    page = world.admin;
  });

  const isClean = async (seen = page) => {
    assert.deepEqual(seen.faults, []);
    assert.deepEqual(await seen.evaluate(() => window.refusedByPolicy), []);
  };
  const visible = (locator, timeout = 20_000) => locator.waitFor({ state: 'visible', timeout });

  test('a call appears without a reload, and is played while it is still arriving', async () => {
    const media = audio({ seconds: 120, format: 'mp3', channels: 2 });
    const gate = new Gate(media);
    const toldAt = Date.now();
    const call = await addCall(world, { seconds: 120, answer: gate.answer });
    await visible(rowOf(page, call.callSid));
    console.log(`| a call is on the page ${Date.now() - toldAt} ms after its first webhook was sent |`);
    gate.open(Math.floor(media.length * 0.4));
    await visible(rowOf(page, call.callSid).getByText(/Arriving 4\d %/));
    await play(page, call);
    await untilSound(page, 'it sounds', ({ at, length }) => at > 0.5 && length > 115);
    await visible(region(page).getByText(/You can listen already/));

    // Before the part that is here, and behind it, where it waits.
    await page.keyboard.press('Shift+ArrowRight');
    await page.evaluate(() => { document.querySelector('audio').currentTime = 30; });
    await untilSound(page, 'it goes on from 0:30', ({ at }) => at > 30.3 && at < 40);
    const slider = region(page).getByRole('slider', { name: 'Position' });
    await slider.focus();
    for (let i = 0; i < 2; i += 1) await page.keyboard.press('PageUp');
    await untilSound(page, 'it was sought', ({ at }) => at > 85);
    await visible(region(page).getByText(/^Loading 1:/));
    gate.open();
    await untilSound(page, 'it goes on there', ({ at, error }) => error === null && at > 92);
    await visible(rowOf(page, call.callSid).getByText('Ready', { exact: true }));
    assert.equal((await sound(page)).count, 1);
    await isClean();
  });

  test('speed, silence, the next call', async () => {
    const older = await addCall(world, { seconds: 40 });
    const newer = await addCall(world, { seconds: 40 });
    await play(page, newer);
    await untilSound(page, 'the newer sounds', ({ src, at }) => src.includes(newer.recordingSid) && at > 0.2);
    await region(page).getByRole('button', { name: 'Speed: 1', exact: true }).click();
    await page.getByRole('menuitemradio', { name: '1.5×' }).or(page.getByRole('menuitem', { name: '1.5×' })).click();
    await untilSound(page, 'it is faster', ({ rate }) => rate === 1.5);
    const skip = region(page).getByRole('button', { name: 'Skip silence' });
    await untilWaveform(world, newer.callSid);
    await until('where the silence is', () => skip.isEnabled());
    await skip.click();
    assert.equal(await skip.getAttribute('aria-pressed'), 'true');
    await region(page).getByRole('button', { name: 'Next call' }).click();
    await untilSound(page, 'the older sounds, as fast', ({ src, at, rate }) => src.includes(older.recordingSid) && at > 0.2 && rate === 1.5);
    await skip.click();
    await region(page).getByRole('button', { name: 'Speed: 1.5', exact: true }).click();
    await page.getByRole('menuitemradio', { name: '1×', exact: true }).or(page.getByRole('menuitem', { name: '1×', exact: true })).click();
    await isClean();
  });

  test('a link is copied, opened signed out and heard; one that is over is refused in words', async () => {
    await region(page).getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('menuitem', { name: '7 days' }).or(page.getByRole('button', { name: '7 days' })).click();
    const copied = page.getByText(/^Link copied\. It opens this recording/).first();
    await visible(copied);
    await copied.hover(); // it stays until it is left
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, new RegExp(`^${world.secure.url}/l/`));
    const guest = await newPage(world.browser);
    await guest.goto(link);
    await guest.getByRole('button', { name: 'Play', exact: true }).click();
    await untilSound(guest, 'the guest hears it', ({ at }) => at > 0.3);
    assert.equal(await guest.evaluate(async () => (await fetch('/api/calls')).status), 401);
    await isClean(guest);
    await page.getByRole('button', { name: 'Revoke' }).click();
    await visible(page.getByText('The link was revoked.').first());
    const late = await newPage(world.browser);
    await late.goto(link);
    await visible(late.getByRole('heading'));
    assert.equal(await late.locator('audio[src]').count(), 0);
    await isClean(late);
    await guest.context().close();
    await late.context().close();
  });

  test('a link to all recordings of a call plays them, one after the other', async () => {
    const first = await addCall(world, { seconds: 2 });
    const second = await addCall(world, { seconds: 20, callSid: first.callSid, call: { To: first.number }, recording: { RecordingStartTime: new Date(Date.now() + 5000).toUTCString().replace('GMT', '+0000') } });
    await visible(rowOf(page, first.callSid).getByText('2 recordings'));
    await play(page, first);
    await visible(region(page).getByRole('button', { name: /^Recording \d of 2$/ }));
    await region(page).getByRole('button', { name: 'Copy link' }).click();
    const box = page.getByRole('dialog', { name: 'Copy link' });
    await box.getByRole('checkbox', { name: 'All 2 recordings of the call' }).check();
    await box.getByRole('button', { name: '7 days' }).click();
    await visible(page.getByText(/^Link copied\. It opens the recordings of this call until/).first());
    const link = await page.evaluate(() => navigator.clipboard.readText());
    const guest = await newPage(world.browser);
    await guest.goto(link.replace(/&recording=.*/, ''));
    await visible(guest.getByText(/This link opens the recordings of this call alone, until/));
    await guest.getByRole('button', { name: 'Play recording 1' }).click();
    await untilSound(guest, 'the first sounds', ({ src, at }) => src.includes(first.recordingSid) && at > 0.2);
    await untilSound(guest, 'and then, by itself, the second', ({ src, at, count }) => src.includes(second.recordingSid) && at > 0.2 && count === 1);
    await guest.getByRole('button', { name: 'Pause recording 2' }).click();
    await untilSound(guest, 'it pauses', ({ paused }) => paused);
    await guest.getByRole('button', { name: 'Play recording 1' }).click();
    await untilSound(guest, 'the first again', ({ src, at }) => src.includes(first.recordingSid) && at > 0.2);
    await isClean(guest);
    const later = await newPage(world.browser);
    await later.goto(`${link.replace(/&recording=.*/, '')}&t=5&recording=${second.recordingSid}`);
    await later.getByRole('button', { name: 'Play', exact: true }).click();
    await untilSound(later, 'it begins where the link says', ({ src, at }) => src.includes(second.recordingSid) && at > 5);
    await isClean(later);
    assert.equal(await page.evaluate(async (sid) => (await fetch(`/api/recordings/${sid}`, { method: 'DELETE' })).status, first.recordingSid), 200);
    const last = await newPage(world.browser);
    await last.goto(link.replace(/&recording=.*/, ''));
    await last.getByRole('button', { name: 'Play', exact: true }).click();
    await untilSound(last, 'what is left plays', ({ src, at }) => src.includes(second.recordingSid) && at > 0.2);
    await isClean(last);
    for (const one of [guest, later, last]) await one.context().close();
  });

  test('a link for colleagues opens the recording that sounded, where it sounded', async () => {
    const one = await addCall(world, { seconds: 30 });
    const two = await addCall(world, { seconds: 40, callSid: one.callSid, call: { To: one.number }, recording: { RecordingStartTime: new Date(Date.now() + 5000).toUTCString().replace('GMT', '+0000') } });
    await visible(rowOf(page, one.callSid).getByText('2 recordings'));
    const { calls: [{ main_recording_sid: mainSid }] } = await askCalls(world, `?call=${one.callSid}`);
    const [main, other, length] = mainSid === one.recordingSid ? [one, two, '0:40'] : [two, one, '0:30'];
    await play(page, main);
    await region(page).getByRole('button', { name: /^Recording \d of 2$/ }).click();
    await page.getByRole('menu', { name: 'Recordings of the call' }).getByText(length).click();
    await untilSound(page, 'the other sounds', ({ src, at }) => src.includes(other.recordingSid) && at > 0.2);
    await page.evaluate(() => { document.querySelector('audio').currentTime = 12; });
    await untilSound(page, 'it was sought', ({ at }) => at > 12);
    await page.keyboard.press('c');
    await visible(page.getByText('Link copied. It asks to sign in.').first());
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(link, new RegExp(`^${world.secure.url}/#all&call=${one.callSid}&recording=${other.recordingSid}&t=1\\d$`));
    const colleague = await page.context().newPage();
    await colleague.goto(link);
    await untilSound(colleague, 'it is in the player, at that moment', ({ src, at, paused }) => src.includes(other.recordingSid) && at >= 12 && paused);
    await colleague.goto('about:blank');
    await colleague.goto(link.replace(other.recordingSid, newSid('RE')));
    await untilSound(colleague, 'of one that the call does not have, the main one is', ({ src, at }) => src.includes(main.recordingSid) && at >= 12);
    await colleague.close();
    await page.bringToFront();
    await isClean();
  });

  test('the same by the keyboard alone', async () => {
    const call = await addCall(world, { seconds: 40 });
    await visible(rowOf(page, call.callSid));
    await page.keyboard.press('Escape');
    await page.locator('#calls [role=row][tabindex="0"]').focus();
    await page.keyboard.press('Home');
    await until('its row has the focus', () => page.evaluate((sid) => document.activeElement?.dataset.sid === sid, call.callSid));
    // A press that comes as soon after rows moved counts for the row of before, as with play().
    await until('Enter takes it', async () => {
      if ((await sound(page))?.src.includes(call.recordingSid)) return true;
      await page.keyboard.press('Enter');
      return false;
    });
    await untilSound(page, 'Enter plays', ({ src, at, paused }) => src.includes(call.recordingSid) && at > 0.2 && !paused);
    await page.keyboard.press('ArrowRight');
    await untilSound(page, '→ goes 10 s on', ({ at }) => at > 10);
    await page.keyboard.press(']');
    await untilSound(page, '] is faster', ({ rate }) => rate === 1.25);
    await page.keyboard.press('[');
    await page.keyboard.press('Space');
    await untilSound(page, 'Space pauses', ({ paused }) => paused);
    await page.keyboard.press('i');
    await visible(page.getByRole('complementary', { name: 'Details' }));
    await page.keyboard.press('Escape');
    await until('Details are closed', async () => await page.getByRole('complementary', { name: 'Details' }).count() === 0);
    assert.equal(await page.evaluate(() => document.activeElement?.dataset.sid), call.callSid, 'the focus is on the row again');
    await page.keyboard.press('?');
    await visible(page.getByRole('dialog', { name: 'Keyboard' }));
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await untilSound(page, 'N plays the next', ({ src }) => !src.includes(call.recordingSid));
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement?.type), 'search');
    await page.keyboard.press('Escape');
    await isClean();
  });

  test('a play that fails says why in words, and plays when it is pressed again', async () => {
    let isDown = true;
    const media = audio({ seconds: 20, format: 'mp3', channels: 2 });
    const call = await addCall(world, {
      answer: (request, reply) => {
        reply.writeHead(isDown ? 503 : 200, { 'Content-Type': isDown ? 'application/xml' : 'audio/mpeg' });
        reply.end(isDown ? xmlError(503, 20503, 'Service unavailable') : media);
      },
    });
    await visible(rowOf(page, call.callSid).getByText(/Twilio did not answer/));
    await play(page, call);
    await visible(region(page).getByText(/Twilio did not deliver it/));
    isDown = false;
    await region(page).getByRole('button', { name: /Try now|Retry/ }).evaluate((button) => button.click()); // at once: it would come by itself, too
    await untilSound(page, 'it sounds', ({ src, at }) => src.includes(call.recordingSid) && at > 0.3);
    await isClean();
  });

  test('on a phone the line at the bottom says why a play failed', async () => {
    const call = await addCall(world, { answer: (request, reply) => reply.writeHead(503, { 'Content-Type': 'application/xml' }).end(xmlError(503, 20503, 'Service unavailable')) });
    const phone = await newPage(world.browser, { viewport: { width: 390, height: 844 }, hasTouch: true, storageState: await page.context().storageState() });
    await phone.goto(world.secure.url);
    await visible(rowOf(phone, call.callSid).getByText(/Twilio did not answer/));
    await play(phone, call);
    await visible(region(phone).getByText(/^Twilio did not deliver it/));
    await isClean(phone);
    await phone.context().close();
  });

  test('one sound at a time, in two windows of one browser', async () => {
    const [first, second] = [await addCall(world, { seconds: 60 }), await addCall(world, { seconds: 60 })];
    await play(page, first);
    await untilSound(page, 'the first window sounds', ({ at, src }) => src.includes(first.recordingSid) && at > 0.2);
    const other = await page.context().newPage();
    await other.goto(world.secure.url);
    await play(other, second);
    await untilSound(other, 'the second window sounds', ({ at }) => at > 0.2);
    await untilSound(page, 'the first is silent', ({ paused }) => paused);
    assert.equal((await sound(other)).count, 1);
    await other.close();
    await page.bringToFront();
  });

  test('an address of 300 characters, four recordings, none: each has its row, and nothing moves out of sight', async () => {
    const long = await addCall(world, { call: { From: SIP, To: '+14155550132', Direction: 'inbound' } });
    const four = await addCall(world);
    for (let i = 0; i < 3; i += 1) await addCall(world, { callSid: four.callSid, call: { To: four.number } });
    const none = newSid('CA');
    await tell(world, CALL_STATUS, callCallback({ CallSid: none, CallStatus: 'busy', From: '+14155550132', To: '+12025550158' }));
    await visible(rowOf(page, four.callSid).getByText('4 recordings'));
    await visible(rowOf(page, none).getByText('Not recorded'));
    const row = rowOf(page, long.callSid);
    await visible(row);
    const { right, scroll } = await row.evaluate((element) => ({ right: element.getBoundingClientRect().right, scroll: document.documentElement.scrollWidth }));
    assert.ok(right <= 1280 && scroll <= 1280, `the row ends at ${right}, the page at ${scroll}`);
    // As with Play: what is pressed at once after rows moved is the row that stood there.
    await until('its row is chosen', async () => {
      await row.click();
      return await row.getAttribute('aria-selected') === 'true';
    });
    await page.keyboard.press('i');
    await visible(page.getByRole('complementary', { name: 'Details' }).locator('dl').getByText(SIP, { exact: true }));
    await page.keyboard.press('Escape');
    assert.equal(await rowOf(page, none).getByRole('button', { name: /^Play/ }).count(), 0, 'no dead Play');
    await isClean();
  });

  test('search and filters narrow the list, and the address keeps them', async () => {
    const call = await addCall(world, { call: { To: '+12065550177' } });
    await page.keyboard.press('/');
    await page.keyboard.type('5550177');
    await until('one row is left', async () => await page.locator('[data-sid]').count() === 1);
    await visible(rowOf(page, call.callSid));
    assert.match(page.url(), /q=5550177/);
    await page.reload();
    await account(page).waitFor();
    await visible(rowOf(page, call.callSid));
    await until('still one', async () => await page.locator('[data-sid]').count() === 1);
    await page.getByRole('button', { name: /Clear filters|Clear the search/ }).first().click();
    await until('all are back', async () => await page.locator('[data-sid]').count() > 5);
    await page.getByRole('tab', { name: 'Inbound' }).click();
    await until('inbound alone', async () => await page.locator('[data-sid]').count() === 1);
    await page.getByRole('tab', { name: 'All' }).click();
    await until('all', async () => await page.locator('[data-sid]').count() > 5);
    await isClean();
  });

  /** The calls as the page has them, from the top to the end, by scrolling. */
  const scrolledThrough = async (want, on = page) => {
    const seen = [];
    await on.evaluate(() => document.querySelector('#calls').closest('.list')?.scrollTo(0, 0));
    await until(`${want} rows were seen`, async () => {
      const rows = await on.evaluate(() => {
        const box = document.querySelector('#calls').closest('.list') ?? document.querySelector('.list');
        const found = [...box.querySelectorAll('[data-sid]')].map((row) => [row.dataset.sid, row.getBoundingClientRect().top + box.scrollTop]);
        box.scrollBy(0, 400);
        return found;
      });
      for (const [sid] of rows.sort((a, b) => a[1] - b[1])) if (!seen.includes(sid)) seen.push(sid);
      return seen.length >= want;
    }, 60_000);
    await on.evaluate(() => document.querySelector('#calls').closest('.list')?.scrollTo(0, 0));
    return seen;
  };
  const allCalls = async () => {
    const sids = [];
    for (let next = ''; next !== null;) {
      const answer = await askCalls(world, `?limit=200${next && `&after=${next}`}`);
      sids.push(...answer.calls.map(({ call_sid: sid }) => sid));
      ({ next } = answer);
    }
    return sids;
  };
  const FEED = 500; // changes that are told one by one to who was away (live/live_changes.h)

  test('away while 120 calls came: all are there, in order, once each', async () => {
    await world.secure.nginx.stop();
    await visible(page.getByText(/^Not connected since/));
    if (process.env.TEST_AWAY_MS) await new Promise((resolve) => setTimeout(resolve, Number(process.env.TEST_AWAY_MS)));
    for (let i = 0; i < 120; i += 1) await tell(world, CALL_STATUS, callCallback({ From: '+14155550132', To: `+1617555${1000 + i}` }));
    await world.secure.nginx.start();
    await until('it is live again', async () => await page.getByText(/^Not connected since/).count() === 0, 60_000);
    const wanted = await allCalls();
    await until('the newest is on top', async () => await page.locator(`[data-sid="${wanted[0]}"]`).count() === 1, 20_000);
    assert.deepEqual(await scrolledThrough(wanted.length), wanted);
    await isClean();
  });

  test('asleep for an hour while more came than is told one by one: the same', async () => {
    const sleeper = await page.context().newPage();
    const devtools = await sleeper.context().newCDPSession(sleeper);
    await sleeper.clock.install();
    await sleeper.goto(world.secure.url);
    await visible(sleeper.locator('[data-sid]').first());
    await visible(sleeper.getByText('Live', { exact: true }));
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await world.secure.nginx.stop();
    for (let i = 0; i < FEED + 20; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => tell(world, CALL_STATUS, callCallback({ From: '+14155550132', To: `+1720555${1000 + i + k}` }))));
    }
    await world.secure.nginx.start();
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await sleeper.clock.fastForward('01:00:00');
    const wanted = await allCalls();
    assert.ok(wanted.length > FEED);
    await until('the newest is on top', async () => await sleeper.locator(`[data-sid="${wanted[0]}"]`).count() === 1, 30_000);
    assert.deepEqual(await scrolledThrough(wanted.length, sleeper), wanted);
    await sleeper.close();
  });
});
