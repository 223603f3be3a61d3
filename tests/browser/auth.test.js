// Who may use it, as people see it: Chromium, nginx with TLS, callspool with auth = password.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startServer } from '../server/harness/callspool.js';
import { lifetime } from '../server/harness/lifetime.js';
import { run } from '../server/harness/process.js';
import { store } from '../server/harness/stored.js';
import { until } from '../server/harness/until.js';
import { startUpstream } from '../server/harness/upstream.js';
import { CALL_STATUS, callCallback, newSid, postForm } from '../server/harness/webhook.js';
import { launchBrowser } from './browser.js';
import { FOREIGN, HOST, HOSTS, PASSWORD, SIBLING, account, acceptInvitation, ask, newPage, post, signIn, signOut, startForeign, startSecure, whoIsIt } from './secure.js';
import { VECTORS } from './vectors.js';

/* What a page of another origin tries: two fetches each of a list, a recording and a new link, a form, two players. */
const ASKED = { GET: 6, POST: 3 };

/* What isolates a value in a sentence is not seen. */
const seenText = async (locator) => (await locator.textContent()).replace(/[\u2066-\u2069]/g, '');

/* Of the pages and of what they load. */
function assertHeaders(path, headers) {
  assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
  assert.equal(headers['referrer-policy'], 'no-referrer', path);
  assert.equal(headers['x-content-type-options'], 'nosniff', path);
}

describe('sign-in, invitations, links', () => {
  let upstream, secure, browser, admin, listener, recording, foreignPort;

  before(async () => {
    upstream = await startUpstream(lifetime);
    const open = await startServer(lifetime, { upstream: upstream.url });
    recording = await store(open, upstream, { seconds: 30 });
    for (const text of VECTORS) {
      const callSid = newSid('CA');
      const fields = callCallback({ CallSid: callSid, From: text, To: `sip:${text}@pbx.example.com`, Direction: text, CallerName: text });
      assert.equal((await postForm(open.url, CALL_STATUS, fields)).status, 200, text);
    }
    open.finished = await open.stop('SIGTERM');
    secure = await startSecure(lifetime, { upstream: upstream.url, dataDir: open.dataDir });
    foreignPort = await startForeign(lifetime, secure.tls);
    browser = await launchBrowser(lifetime, { hosts: HOSTS });
  });

  const isClean = async (page) => {
    assert.deepEqual(page.faults, []);
    assert.deepEqual(await page.evaluate(() => window.refusedByPolicy), []);
  };

  test('nobody sees a call without signing in, and is told what was wrong', async () => {
    const page = await newPage(browser);
    await page.goto(secure.url);
    await signIn(page, 'dana', 'not the password');
    await page.getByText('Name or password is wrong.').waitFor();
    assert.equal(await page.locator('#sign-in-password').getAttribute('aria-invalid'), 'true');
    assert.equal((await ask(page, '/api/calls')).status, 401);
    assert.equal(await page.locator('[data-sid]').count(), 0);
    await isClean(page);
    await page.context().close();
  });

  test('too many tries: the wait is counted down', async () => {
    const page = await newPage(browser);
    await page.goto(secure.url);
    await until('the wait', async () => {
      await signIn(page, 'nobody-of-this-name', 'not the password');
      return page.getByText(/^Too many tries\. Again in/).isVisible();
    }, 60_000);
    const error = page.locator('#sign-in-error');
    const first = Number((await seenText(error)).match(/\d+/)[0]);
    assert.ok(first > 0 && first < 3600, `${first} s`);
    await until('a second less', async () => Number((await seenText(error)).match(/\d+/)?.[0] ?? 0) < first);
    await page.context().close();
  });

  test('the first administrator is made by the link in the file, which opens once', async () => {
    const link = await secure.firstLink();
    assert.match(link, new RegExp(`^${secure.url}/join#[\\w-]{32}$`));
    admin = await newPage(browser);
    await admin.goto(link);
    await admin.getByRole('heading', { name: 'The first administrator' }).waitFor();
    assert.equal(admin.url(), `${secure.url}/join`, 'the secret is out of the address bar');

    const fill = async (name, password, again = password) => {
      await admin.getByRole('textbox', { name: /^Name:/ }).fill(name);
      await admin.getByRole('textbox', { name: 'Password', exact: true }).fill(password);
      await admin.getByRole('textbox', { name: 'Password once more' }).fill(again);
      await admin.getByRole('button', { name: 'Save' }).click();
    };
    const error = admin.locator('#join-error');
    await fill('dana', PASSWORD, 'another');
    await until('they differ', async () => /two passwords differ/.test(await seenText(error)));
    await fill('no spaces', PASSWORD);
    await until('a name', async () => /Choose a name of letters/.test(await seenText(error)));
    await fill('dana', 'short');
    await until('too short', async () => /at least 15 characters/.test(await seenText(error)));
    await fill('dana', '1234567890123456789012345');
    await until('a sequence', async () => /one character or a sequence|tried first/.test(await seenText(error)));
    assert.ok(existsSync(join(secure.server.dataDir, 'first-administrator')), 'what was refused spends nothing');
    await isClean(admin);

    await acceptInvitation(admin, link, 'dana', true);
    assert.equal(await whoIsIt(admin), 'Signed in as dana');
    assert.ok(!existsSync(join(secure.server.dataDir, 'first-administrator')), 'the file goes with it');
    const again = await newPage(browser);
    await again.goto(link);
    await again.getByRole('heading', { name: 'This invitation is no longer valid' }).waitFor();
    await again.context().close();
  });

  test('call data is text: no script of a caller runs, and the policy has nothing to refuse', async () => {
    await admin.setViewportSize({ width: 1280, height: 40 * (VECTORS.length + 12) }); // all of them are drawn
    await until('all calls', async () => await admin.locator('[data-sid]').count() === VECTORS.length + 1);
    const shown = await admin.locator('[data-sid] .num').allTextContents();
    for (const text of VECTORS) assert.ok(shown.includes(text), `as it came: ${text}`);
    for (let i = 0; i < VECTORS.length; i += 9) {
      await admin.locator('[data-sid]').nth(i).click();
      await admin.keyboard.press('i');
      await admin.locator('.drawer .facts dd').first().waitFor();
      await admin.keyboard.press('Escape');
    }
    assert.equal(await admin.evaluate(() => window.ranScript.length), 0);
    assert.equal(await admin.evaluate(() => document.querySelectorAll('#page script, #page img, #page iframe, #page object, #page embed, .list a, .list form').length), 0);
    await isClean(admin);
    await assert.rejects(admin.addScriptTag({ content: 'window.ranScript.push(1)' }), 'the policy is in force');
    assert.equal(await admin.evaluate(() => window.ranScript.length), 0);
    assert.equal(await admin.evaluate(() => window.refusedByPolicy.splice(0).length > 0), true);
  });

  test('a listener is invited, joins, listens, and is no administrator', async () => {
    const invited = await post(admin, '/api/users', { name: 'noa', role: 'listener' });
    assert.equal(invited.status, 200, JSON.stringify(invited.body));
    listener = await newPage(browser);
    await acceptInvitation(listener, invited.body.url, 'noa');
    assert.equal(await whoIsIt(listener), 'Signed in as noa');
    await listener.goto(`${secure.url}/#all&q=${recording.callSid}`);
    await listener.locator(`[data-sid="${recording.callSid}"]`).getByRole('button', { name: /^Play/ }).click();
    await until('it plays', () => listener.evaluate(() => document.querySelector('audio').currentTime > 0.3));
    assert.equal((await ask(listener, '/api/users')).status, 403);
    assert.equal((await post(listener, '/api/tokens', { rights: 'play' })).status, 403);
    await isClean(listener);
  });

  test('a token of the API plays by curl, until it is revoked', async () => {
    const { body } = await post(admin, '/api/tokens', { rights: 'play', note: 'curl' });
    const curl = async () => (await run('curl', ['-sk', '--resolve', `${HOST}:${secure.nginx.port}:127.0.0.1`, '-o', '/dev/null', '-w', '%{http_code} %{size_download}',
      '-H', `Authorization: Bearer ${body.token}`, '-r', '0-99', `${secure.url}${recording.mediaPath}`])).stdout;
    assert.equal(await curl(), '206 100');
    assert.equal((await post(admin, `/api/tokens/${body.name}`, undefined, 'DELETE')).status, 200);
    await until('it is refused', async () => (await curl()).startsWith('401'));
  });

  test('a link is copied from the list, heard signed out from where it stood, revoked, refused', async () => {
    await listener.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: secure.url });
    await listener.evaluate(() => {
      const audio = document.querySelector('audio');
      audio.pause();
      audio.currentTime = 12.5;
    });
    const player = listener.getByRole('region', { name: 'Player' });
    await player.getByRole('button', { name: 'Copy link' }).click();
    await listener.getByRole('dialog', { name: 'Copy link' }).getByRole('button', { name: '7 days' }).click();
    await listener.locator('.toast').getByText(/^Link copied\./).waitFor();
    const url = await listener.evaluate(() => navigator.clipboard.readText());
    assert.match(url, new RegExp(`^${secure.url}/l/[\\w-]{8}#[\\w-]{24}&t=12$`));

    const stranger = await newPage(browser);
    await stranger.goto(url);
    await stranger.getByText(/This link opens this recording alone, until/).waitFor();
    const audio = stranger.locator('audio');
    const play = stranger.getByRole('button', { name: 'Play', exact: true });
    await play.waitFor();
    assert.equal(await audio.evaluate((element) => element.networkState), 1, 'nothing was asked for yet');
    await play.click();
    await until('it is heard from there', () => audio.evaluate((element) => element.currentTime > 12.3 && element.currentTime < 25));
    const began = await audio.evaluate((element) => element.currentTime);
    await until('it goes on', () => audio.evaluate((element, since) => element.currentTime > since + 0.3, began));
    assert.equal((await ask(stranger, '/api/calls')).status, 401);
    assert.equal((await ask(stranger, recording.mediaPath)).status, 401);
    await isClean(stranger);

    const name = new URL(url).pathname.split('/')[2];
    const { body } = await ask(listener, '/api/links');
    assert.equal(body.links.find((link) => link.name === name).plays, 1, 'one play, however many requests');
    assert.equal((await post(listener, `/api/links/${name}`, undefined, 'DELETE')).status, 200);
    await stranger.reload();
    await stranger.getByRole('heading', { name: 'There is no such link' }).waitFor();
    assert.equal((await ask(stranger, `/l/${name}/media`)).status, 404);
    assert.ok(!secure.nginx.written().includes(url.split('#')[1].slice(0, 24)), 'no log has the secret');
    await stranger.context().close();
  });

  test('a link that is over says so, and nothing of the call', async () => {
    const made = await post(listener, '/api/links', { recording_sid: recording.recordingSid, plays: 1, expires_in: '1s' });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    await until('it is over', async () => Date.now() > Date.parse(made.body.expires_at) + 50);
    const stranger = await newPage(browser);
    await stranger.goto(made.body.url);
    await stranger.getByRole('heading', { name: 'This link has expired' }).waitFor();
    assert.equal(await stranger.locator('#link').isVisible(), false);
    await stranger.goto(`${secure.url}/l/${made.body.name}`);
    await stranger.getByRole('heading', { name: 'There is no such link' }).waitFor();
    await isClean(stranger);
    await stranger.context().close();
  });

  test('a link that was played as often as it may be says so to the next, and is heard on by whoever played', async () => {
    const made = await post(listener, '/api/links', { recording_sid: recording.recordingSid, plays: 1 });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const first = await newPage(browser);
    await first.goto(made.body.url);
    const audio = first.locator('audio');
    await first.getByRole('button', { name: 'Play', exact: true }).click();
    await until('it is heard', () => audio.evaluate((element) => element.currentTime > 0.3));
    const second = await newPage(browser);
    await second.goto(made.body.url);
    await second.getByRole('heading', { name: 'This link has been played as often as it may be' }).waitFor();
    assert.equal(await second.locator('#link').isVisible(), false);
    await audio.evaluate((element) => { element.currentTime = 20; });
    await until('it is heard from there', () => audio.evaluate((element) => element.currentTime > 20.2));
    await isClean(second);
    await first.context().close();
    await second.context().close();
  });

  test('without TLS, under a name that is not this machine, signing in says what it needs', async () => {
    const plain = await startServer(lifetime, { settings: { auth: 'password', public_url: undefined } });
    const page = await newPage(browser);
    await page.goto(`http://${HOST}:${new URL(plain.url).port}/`);
    await signIn(page, 'dana', 'not the password');
    await page.getByText('Signing in needs HTTPS.').waitFor();
    await isClean(page);
    await page.context().close();
  });

  test('where a proxy signs people in, and did not, the page says so in place of a form', async () => {
    const proxied = await startServer(lifetime, { settings: { auth: 'proxy', trusted_proxies: '127.0.0.1', 'proxy.listeners': '*' } });
    const page = await newPage(browser);
    await page.goto(proxied.url);
    await page.getByText('Your organisation signs you in.').waitFor();
    assert.equal(await page.locator('#sign-in').isVisible(), false);
    await isClean(page);
    await page.setExtraHTTPHeaders({ 'Remote-User': 'dana' });
    await page.reload();
    await page.locator('#sign-in, #proxy').first().waitFor({ state: 'hidden' });
    await until('the list', async () => (await ask(page, '/api/session')).body.signed_in);
    await page.context().close();
  });

  for (const [what, host, isOtherPort] of [['a sibling of the site', SIBLING], ['another port of the same name', HOST, true], ['a foreign site', FOREIGN]]) {
    test(`${what} gets nothing with the cookie: neither by GET nor by POST`, async () => {
      const page = await admin.context().newPage();
      await page.goto(`https://${host}:${foreignPort}/`);
      const before = (await ask(admin, '/api/links')).body.links.length;
      const refused = { GET: 0, POST: 0 };
      // The browser hides these answers from its pages and from who drives it: nginx tells how each was answered.
      // The page that is signed in asks for other addresses.
      const asked = new RegExp(`"(GET|POST) (?:/api/calls|/api/links|${recording.mediaPath}) HTTP/[\\d.]+" \\d{3}`, 'g');
      const answers = () => secure.nginx.written().match(asked) ?? [];
      const mark = `/before-${what.replaceAll(' ', '-')}`;
      await ask(admin, mark);
      await until('all before is told', () => secure.nginx.written().includes(`GET ${mark} `));
      const earlier = answers().length;
      for (const mode of ['cors', 'no-cors']) {
        await ask(page, `${secure.url}/api/calls`, { credentials: 'include', mode });
        await ask(page, `${secure.url}${recording.mediaPath}`, { credentials: 'include', mode });
        await ask(page, `${secure.url}/api/links`, { credentials: 'include', mode, method: 'POST', body: JSON.stringify({ recording_sid: recording.recordingSid }) });
      }
      await page.evaluate((url) => {
        const form = document.createElement('form');
        form.method = 'post';
        form.enctype = 'text/plain';
        form.target = 'frame';
        form.action = `${url}/api/links`;
        const frame = document.createElement('iframe');
        frame.name = 'frame';
        document.body.append(frame, form);
        form.submit();
        const audio = new Audio(`${url}/api/calls`);
        document.body.append(audio);
        return new Promise((resolve) => { frame.onload = resolve; frame.onerror = resolve; });
      }, secure.url);
      const played = await page.evaluate((url) => new Promise((resolve) => {
        const audio = new Audio(url);
        audio.oncanplay = () => resolve('plays');
        audio.onerror = () => resolve('refused');
        audio.load();
      }), `${secure.url}${recording.mediaPath}`);
      assert.equal(played, 'refused');
      await until('the answers', () => answers().length >= earlier + ASKED.GET + ASKED.POST);
      for (const answer of answers().slice(earlier)) {
        assert.match(answer, / (401|403|415)$/);
        refused[answer.match(/GET|POST/)[0]] += 1;
      }
      assert.deepEqual(refused, ASKED);
      assert.equal((await ask(admin, '/api/links')).body.links.length, before, 'no link was made');
      assert.equal((await ask(admin, '/api/session')).body.signed_in, true);
      assert.equal(isOtherPort || host !== HOST, true);
      await page.close();
    });
  }

  test('the pages forbid frames, foreign scripts and what text could become', async () => {
    const ask = (path) => admin.evaluate(async (url) => {
      const answer = await fetch(url);
      return { status: answer.status, headers: Object.fromEntries(answer.headers), text: await answer.text() };
    }, path);
    const assets = new Set();
    for (const path of ['/', '/join', '/l/abcdefgh']) {
      const { status, headers, text } = await ask(path);
      assert.equal(status, 200, path);
      for (const part of ["default-src 'none'", "script-src 'self';", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"]) {
        assert.ok(headers['content-security-policy'].includes(part), `${path}: ${part}`);
      }
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path);
      assert.equal(headers['cache-control'], 'no-cache', path);
      assert.doesNotMatch(text, /<script(?![^>]* src=)|<style| style=| on\w+=/, `${path}: nothing of it is in line`);
      for (const [, asset] of text.matchAll(/"(\/assets\/[^"]+)"/g)) assets.add(asset);
      assertHeaders(path, headers);
    }
    assert.ok(assets.size >= 5, [...assets].join(' '));
    for (const path of assets) {
      const { status, headers } = await ask(path);
      assert.equal(status, 200, path);
      assert.match(headers['cache-control'], /immutable/, path);
      assertHeaders(path, headers);
    }
  });

  test('in Hebrew from right to left, on a phone without scrolling sideways; the switch is kept', async () => {
    const page = await newPage(browser, { locale: 'he-IL', viewport: { width: 320, height: 640 } });
    for (const path of ['/', '/join', '/l/abcdefgh#x']) {
      await page.goto(`${secure.url}${path}`);
      await until('it is shown', () => page.evaluate(() => document.documentElement.classList.contains('started')));
      assert.equal(await page.evaluate(() => `${document.documentElement.lang} ${document.documentElement.dir}`), 'he rtl', path);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} fits`);
      assert.match(await page.locator('h1:visible').first().textContent(), /[א-ת]/, path);
    }
    await page.getByRole('button', { name: 'English' }).click();
    assert.equal(await page.locator('h1:visible').first().textContent(), 'There is no such link');
    await page.goto(secure.url);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.dir), 'ltr');
    await page.context().close();
  });

  test('all is reached by the keyboard, in order', async () => {
    const page = await newPage(browser);
    await page.goto(secure.url);
    await until('the form', () => page.evaluate(() => document.activeElement.id === 'sign-in-name'));
    await page.keyboard.type('noa');
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Show the password');
    await page.keyboard.press('Space');
    assert.equal(await page.locator('#sign-in-password').getAttribute('type'), 'text');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await account(page).waitFor();
    await page.context().close();
  });

  test('without its script a page says what is wrong, and keeps the password out of the address', async () => {
    const page = await newPage(browser);
    await page.route('**/*.js', (route) => route.abort());
    await page.goto(`${secure.url}/join#whatever`);
    await page.getByText('This page needs JavaScript, and did not start.').waitFor();
    await page.context().close();
  });

  test('who signs out is out, everywhere that cookie was', async () => {
    const other = await listener.context().newPage();
    await other.goto(secure.url);
    await account(other).waitFor();
    await signOut(listener);
    await listener.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await listener.locator('[data-sid]').count(), 0, 'no call stays on the page');
    await other.getByText('You were signed out.').waitFor();
    assert.equal((await ask(other, recording.mediaPath)).status, 401);
    assert.equal((await ask(admin, '/api/session')).body.signed_in, true, 'others stay');
  });
});
