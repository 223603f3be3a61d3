// callspool with sign-in behind nginx with TLS, under names of its own: as people have it.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { startServer } from '../server/harness/callspool.js';
import { makeCertificate } from '../server/harness/certificate.js';
import { atEnd } from '../server/harness/lifetime.js';
import { freePort, startNginx } from '../server/harness/nginx.js';
import { temporaryFolder } from '../server/harness/process.js';
import { until } from '../server/harness/until.js';

export const HOST = 'calls.example.test'; // ours
export const SIBLING = 'crm.example.test'; // of the same site: it is sent SameSite cookies
export const FOREIGN = 'elsewhere.invalid';
export const HOSTS = [HOST, SIBLING, FOREIGN];
export const PASSWORD = 'correct horse battery staple';

/** { url, nginx, server, tls, firstLink() }; options as of startServer. */
export async function startSecure(t, options = {}) {
  const tls = await makeCertificate(temporaryFolder(t, 'tls'));
  const backend = await freePort();
  const nginx = await startNginx(t, `http://127.0.0.1:${backend}`, { tls });
  const url = `https://${HOST}:${nginx.port}`;
  const server = await startServer(t, {
    ...options,
    settings: { auth: 'password', listen: `127.0.0.1:${backend}`, public_url: url, trusted_proxies: '127.0.0.1', ...options.settings },
  });
  return {
    url,
    nginx,
    server,
    tls,
    /** The link of the first administrator, from the file that the log names. */
    firstLink: () => until('the link of the first administrator', () => readFileSync(join(server.dataDir, 'first-administrator'), 'utf8').trim()),
  };
}

/** Any page of another origin; returns its port. */
export async function startForeign(t, tls) {
  const server = https.createServer({ key: readFileSync(tls.key), cert: readFileSync(tls.certificate) }, (request, reply) => {
    reply.writeHead(200, { 'Content-Type': 'text/html' });
    reply.end('<!doctype html><title>elsewhere</title>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.close();
    server.closeAllConnections();
  });
  return server.address().port;
}

/** A page in a context of its own: other cookies.  What its policy refused is in page.refused. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, ...options });
  await context.addInitScript(() => {
    window.refusedByPolicy = [];
    window.ranScript = [];
    addEventListener('securitypolicyviolation', (event) => window.refusedByPolicy.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  return page;
}

export async function signIn(page, name, password = PASSWORD) {
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill(name);
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Takes an invitation, and signs in with what was chosen; isFirst: a name is asked for. */
export async function acceptInvitation(page, link, name, isFirst = false) {
  await page.goto(link);
  await page.getByRole('button', { name: 'Save' }).waitFor();
  if (isFirst) await page.getByRole('textbox', { name: /^Name:/ }).fill(name);
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(PASSWORD);
  await page.getByRole('textbox', { name: 'Password once more' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Your password is set.').waitFor();
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await account(page).waitFor();
}

/** Is there as soon as somebody is signed in. */
export const account = (page) => page.getByRole('button', { name: 'Account', exact: true });

/** What the account's menu says of who that is. */
export async function whoIsIt(page) {
  await account(page).click();
  const said = await page.locator('#who').textContent();
  await page.keyboard.press('Escape');
  return said.replace(/[\u2066-\u2069]/g, '');
}

export async function signOut(page) {
  await account(page).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
}

/** fetch() by the page itself: { status, body }; an error of the network as status 0. */
export const ask = (page, address, options) => page.evaluate(async ([url, init]) => {
  try {
    const answer = await fetch(url, init);
    return { status: answer.status, body: await answer.json().catch(() => null) };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}, [address, options]);

export const post = (page, address, body, method = 'POST') => ask(page, address, {
  method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
});
