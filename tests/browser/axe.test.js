// What axe-core finds on each page, in both languages and both themes; and that no page complains in the console.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { lifetime } from '../server/harness/lifetime.js';
import { until } from '../server/harness/until.js';
import { CALL_STATUS, callCallback, newSid } from '../server/harness/webhook.js';
import { addCall, play, rowOf, startCalls, tell, untilSound } from './calls.js';
import { newPage } from './secure.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LOOKS = ['en', 'he'].flatMap((language) => ['light', 'dark'].map((theme) => ({ language, theme })));

describe('axe-core', () => {
  let world, call, link;

  before(async () => {
    world = await startCalls(lifetime);
    call = await addCall(world);
    await tell(world, CALL_STATUS, callCallback({ CallSid: newSid('CA'), CallStatus: 'busy', From: '+14155550132', To: '+12025550158' }));
    await addCall(world, { isStored: false, answer: (request, reply) => reply.writeHead(429, { 'Retry-After': '30' }).end() });
    link = await world.admin.evaluate(async (sid) => {
      const answer = await fetch('/api/links', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ recording_sid: sid }) });
      return (await answer.json()).url;
    }, call.recordingSid);
  });

  /** By DevTools: the page's own policy lets no script of another in. */
  const violations = async (page) => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Runtime.evaluate', { expression: AXE });
    const { result } = await devtools.send('Runtime.evaluate', {
      expression: `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))`,
      awaitPromise: true, returnByValue: true,
    });
    await devtools.detach();
    return result.value;
  };

  const looked = async (page, what) => {
    // What has just been opened is looked at when it has stopped moving.
    await until(`${what} stands still`, () => page.evaluate(() => document.getAnimations().every((one) => one.playState !== 'running' || one.effect?.getTiming().iterations === Infinity)));
    assert.deepEqual(await violations(page), [], what);
  };

  const opened = async ({ language, theme }, { cookies } = {}) => {
    const page = await newPage(world.browser, {
      colorScheme: theme, locale: language === 'he' ? 'he-IL' : 'en-US', viewport: { width: 1440, height: 900 }, ...(cookies ? { storageState: await world.admin.context().storageState() } : {}),
    });
    page.complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error') page.complaints.push(`${message.text()} ${message.location().url}`);
    });
    return page;
  };
  const closed = async (page, expected = /$^/) => {
    assert.deepEqual(page.faults, []);
    assert.deepEqual(page.complaints.filter((text) => !expected.test(text)), []);
    assert.deepEqual(await page.evaluate(() => window.refusedByPolicy), []);
    await page.context().close();
  };

  for (const look of LOOKS) {
    const name = `${look.language}, ${look.theme}`;

    test(`${name}: list, player, details, menus, dialogs, Health`, async () => {
      const page = await opened(look, { cookies: true });
      await page.goto(world.secure.url);
      await rowOf(page, call.callSid).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), look.language);
      await looked(page, 'the list');
      await rowOf(page, call.callSid).hover();
      await rowOf(page, call.callSid).locator('[data-do=more]').click();
      await page.getByRole('menu').waitFor();
      await looked(page, 'the menu of a row');
      await page.keyboard.press('Escape');
      await rowOf(page, call.callSid).locator('[data-do=play]').click();
      await untilSound(page, 'it sounds', ({ at }) => at > 0.1);
      await until('the lanes are there', async () => await page.locator('.player canvas').count() > 0);
      await looked(page, 'the player');
      await page.keyboard.press('i');
      await page.getByRole('complementary').waitFor();
      await looked(page, 'details');
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await looked(page, 'the keys');
      await page.keyboard.press('Escape');
      await page.keyboard.press('t');
      await page.getByRole('grid').nth(1).waitFor();
      await looked(page, 'the dates');
      await page.keyboard.press('Escape');
      await page.goto(`${world.secure.url}/#health`);
      await page.locator('main h1, main h2').first().waitFor();
      await looked(page, 'Health');
      await closed(page);
    });

    test(`${name}: sign-in, an invitation, a link, one that is over`, async () => {
      const page = await opened(look);
      await page.goto(world.secure.url);
      await page.locator('#sign-in-password, input[type=password]').first().waitFor();
      await looked(page, 'sign-in');
      await page.goto(`${world.secure.url}/join#nothing`);
      await page.getByRole('heading').first().waitFor();
      await looked(page, 'an invitation that is over');
      await page.goto(link);
      await page.getByRole('heading').first().waitFor();
      await looked(page, 'a link');
      await page.goto('about:blank');
      await page.goto(`${world.secure.url}/l/aaaaaaaa#nothing`);
      await page.getByRole('heading').first().waitFor();
      await looked(page, 'a link that is none');
      // Whoever is refused is told by the browser's console, too.
      await closed(page, /status of (401|404|410|400)/);
    });
  }

  test('on a phone: list, player, details', async () => {
    const page = await opened({ language: 'en', theme: 'light' }, { cookies: true });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(world.secure.url);
    await rowOf(page, call.callSid).waitFor();
    await looked(page, 'the list');
    await play(page, call);
    await untilSound(page, 'it sounds', ({ at }) => at > 0.1);
    await looked(page, 'the small player');
    await rowOf(page, call.callSid).click();
    await page.getByRole('dialog').waitFor();
    await looked(page, 'details');
    const { width, inner } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, inner: innerWidth }));
    assert.ok(width <= inner, `${width} of ${inner} pixels`);
    await closed(page);
  });
});
