// A picture of each state that the page knows, from made-up answers: to be looked at after a change of words or styles.
//
//	node ui/states.mjs http://127.0.0.1:8080 FOLDER [NAME...]    the page's files come from that server, all else from here
//
// What axe-core finds in each is told beside its name.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const now = Math.floor(Date.now() / 1000) * 1000;
const at = (s) => new Date(now + s * 1000).toISOString();
const DAY = 86_400;

let n = 0;
function call(recording, more = {}) {
  n += 1;
  const sid = `CA${String(n).padStart(32, '0')}`;
  const started = at(-n * 190);
  const base = { recording_sid: `RE${String(n).padStart(32, '0')}`, state: 'stored', started_at: started, duration: 372, channels: 2, source: null, held: false, hold: null, expires_at: at(6 * DAY), expired: false, arriving: null, waveform: false, reason: null, next_try_at: null };
  return {
    call_sid: sid, key: `${Date.parse(started)}.${9000 - n}`, seq: 10, parent_call_sid: null, account_sid: 'AC', direction: n % 3 ? 'outbound-api' : 'inbound', from: n % 3 ? '+14155550132' : `+1503555${1000 + n}`,
    to: n % 3 ? `+1312555${1000 + n}` : '+14155550132', status: 'completed', started_at: started, ended_at: at(-n * 190 + 120), duration: 372, main_recording_sid: recording ? base.recording_sid : null,
    recording_count: recording ? 1 : 0, recordings: recording ? [{ ...base, ...recording }] : [], ...more,
  };
}
const waits = (code, s = 12) => ({ state: 'waiting', reason: { code, text: `The server’s sentence for ${code}.` }, next_try_at: at(s) });
const dead = (code) => ({ state: 'dead', reason: { code, text: `The server’s sentence for ${code}.` } });
const gone = (state, code) => ({ state, expires_at: null, reason: code ? { code, text: 'A sentence.' } : null });

const CALLS = [
  call(null, { status: 'in-progress', ended_at: null, duration: null }), call({ state: 'recording' }, { status: 'in-progress', ended_at: null, duration: null }), call({ state: 'paused' }, { status: 'in-progress', ended_at: null, duration: null }),
  call({ state: 'announced' }), call({ state: 'queued' }), call({ state: 'queued', arriving: { bytes: 42, total: 100 } }), call({ state: 'queued', arriving: { bytes: 1_200_000, total: null } }),
  call(waits('limited')), call(waits('timeout', 40)), call(waits('cut', 5)), call(waits('not_ready', 8)), call(waits('error_page', 75)), call(waits('refused', 60)), call(waits('forbidden', 90)), call(waits('disk_full')), call(waits('disk_failed', 4)), call(waits('lost', 0)),
  call(gone('gone', 'gone')), call(dead('timeout')), call(dead('no_key')), call({ state: 'stored' }), call({ duration_differs: true }), call({}, { recording_count: 2 }), call({ held: true, hold: { by: 'dana', since: at(-DAY), reason: 'claim 4711' } }), call({ expires_at: at(5 * 3600) }), call({ expires_at: null }),
  call(gone('absent', 'too_short')), call(gone('absent', 'silent')), call(gone('absent', 'no_key')), call(null), call({ expired: true, expires_at: at(-DAY) }), call(gone('deleted')), call(gone('purged')), call({ state: 'transcribing' }),
  call({}, { from: null, to: null, direction: null, status: null }), call({}, { from: `sip:${'a-very-long-name-of-an-extension.'.repeat(8)}@pbx.example.com;transport=tls`, direction: 'inbound' }), call(null, { status: 'busy' }), call(null, { status: 'no-answer' }), call(null, { status: 'failed' }), call(null, { status: 'canceled' }),
];
const attempt = (i, outcome, more = {}) => ({ attempt: i, generation: 1, began_at: at(-600 + i * 60), ended_at: at(-598 + i * 60), outcome, text: outcome && outcome !== 'stored' ? `The server’s sentence for ${outcome}.` : null, http_status: 200, bytes: 0, ...more });
const ATTEMPTS = [...[1, 2, 3, 4, 5, 6].map((i) => attempt(i, 'not_ready', { http_status: 404 })), attempt(7, 'limited', { http_status: 429 }), attempt(8, 'cut', { bytes: 800_000 }), attempt(9, 'timeout', { http_status: 0 })];

const STATUS = {
  status: 'ok', degraded: false, version: '0.1.0', started_at: at(-9 * DAY), free_bytes: 42e9, min_free_bytes: 5e9, disk_full_at: at(5.2 * DAY), plays: { from_store: 912, all: 1000 }, causes: [],
  complete: { text: '', recordings: 48_210, here: 48_204, to_be_fetched: 4, given_up: 2, expired: 0, listed: true, since: at(-21 * DAY), listed_at: at(-300), failing_since: null, failure: null },
  recordings: { queued: 3, waiting: 1, stored: 48_204, dead: 2 }, calls: 60_000, bytes_stored: 61e9, oldest_queued_at: at(-95), events_waiting: 0, events_set_aside: 0, checks: null,
  webhooks: { last_taken_at: at(-4), taken: 1920, refused: { unsigned: 0, unknown_account: 0, wrong_signature: 0, no_public_url: 0 }, last_refused_at: null, last_refused_from: null, last_refused_to: null, public_url: 'https://calls.example.com' },
  fetching: { last_stored_at: at(-7), outage_since: null, accounts_refused: 0 },
};
const found = (group, check, more) => ({ group, check, result: 'finding', severity: 'breaks', expected: null, confirm: null, consequence: 'An iPhone gets the whole file instead of the part it asked for, and stays silent.', remedy: 'Write it, then: nginx -s reload.', ...more });
const good = (group, check) => ({ group, check, result: 'good', detail: null });
STATUS.checks = {
  checked_at: at(-240), verdict: 'findings', says: 'nginx caches recordings and drops the Range header', good: 6, findings: 1, unchecked: 1, limits: [],
  checks: [good('services', 'a'), good('services', 'b'), found('proxy', 'range', { says: 'nginx caches recordings and drops the Range header', looked_at: '/etc/nginx/nginx.conf:48', write: 'proxy_cache off;' }), good('proxy', 'c'), good('limits', 'd'), good('playback', 'e'),
    { group: 'strategy', check: 'share', result: 'unchecked', because: 'too few plays since the start' }, good('strategy', 'f')],
};
const BAD = { ...STATUS, degraded: true, causes: ['There are dead letters: 2 recordings were given up.', 'Webhooks are refused: their signature does not match public_url and the auth token of their account (3 so far, the last good one before that).'], webhooks: { ...STATUS.webhooks, refused: { ...STATUS.webhooks.refused, wrong_signature: 3 }, last_refused_at: at(-60), last_refused_from: '203.0.113.7' } };
const RIGHTS = 'play,read,link,status,audit,users,change,admin';

const json = (status, body, headers = {}) => ({ status, contentType: 'application/json', headers, body: JSON.stringify(body) });

async function open(browser, { width = 1440, height = 1750, theme = 'light', locale = 'en-GB', isPhone = false, hash = '', signedIn = true, calls = CALLS, status = STATUS, media = null, failing = null } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale, timezoneId: 'Europe/London', hasTouch: isPhone, deviceScaleFactor: isPhone ? 2 : 1 });
  const page = await context.newPage();
  await page.routeWebSocket(/\/api\/events/, (socket) => socket.send(JSON.stringify({ seq: 10 })));
  await page.route('**/api/**', (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/api/session' && route.request().method() === 'POST') return route.fulfill(json(401, { success: false, error: 'x', code: 'sign_in_failed', tries_left: 3, request_id: 'r' }));
    if (pathname === '/api/session') return route.fulfill(json(200, { auth: 'password', signed_in: signedIn, user: signedIn ? { name: 'dana', full_name: 'Dana Levi', role: 'admin', rights: RIGHTS } : null }));
    if (!signedIn) return route.fulfill(json(401, { success: false, error: 'x', code: 'unauthenticated', request_id: 'r' }));
    if (pathname === '/api/calls') return route.fulfill(failing ?? json(200, { seq: 10, calls, next: null, previous: null, number_is_vague: false }));
    if (pathname.startsWith('/api/calls/')) {
      const one = calls.find(({ call_sid: sid }) => pathname.includes(sid));
      return route.fulfill(one ? json(200, { ...one, recordings: one.recordings.map((recording) => ({ ...recording, attempts: ATTEMPTS })) }) : json(404, { success: false, error: 'x', code: 'call_not_found', request_id: 'r' }));
    }
    if (pathname === '/api/status' || pathname === '/api/health') return route.fulfill(json(200, status));
    if (pathname.endsWith('/media')) return media ? route.fulfill(media) : route.abort();
    return route.fulfill(json(404, { success: false, error: 'x', code: 'not_found', request_id: 'r' }));
  });
  await page.goto(`${url}/${hash}`);
  await page.locator('[data-sid], main h1:visible, main h2, h1, form').first().waitFor();
  return page;
}

const row = (page, state) => page.locator(`[data-sid="${CALLS.find(({ recordings }) => state(recordings[0]))?.call_sid}"]`);
const refused = (code, status, more = {}, headers = {}) => json(status, { success: false, error: 'The server’s sentence.', code, request_id: '7f3a-91c2', ...more }, headers);
async function plays(page) {
  await page.locator('[data-sid] [data-do=play]').first().click();
  await page.locator('.player .perr').waitFor();
}
async function details(page, code) {
  await row(page, (recording) => recording?.reason?.code === code).click();
  await page.keyboard.press('i');
  await page.getByRole('complementary').locator('li').first().waitFor();
}
const low = { height: 700 };
const ready = { height: 700, calls: CALLS.slice(20, 36) };

const PICTURES = {
  'rows': [{}], 'rows-dark': [{ theme: 'dark' }], 'rows-hebrew': [{ locale: 'he-IL' }], 'rows-1920': [{ width: 1920 }], 'rows-768': [{ width: 768 }],
  'rows-phone': [{ width: 390, height: 2800, isPhone: true }], 'rows-phone-320-hebrew-dark': [{ width: 320, height: 2800, isPhone: true, locale: 'he-IL', theme: 'dark' }],
  'details-limited': [{ ...low, height: 1000 }, (page) => details(page, 'limited')], 'details-dead-dark': [{ ...low, height: 1000, theme: 'dark' }, (page) => details(page, 'no_key')],
  'details-lost-page': [{ ...low, height: 1000, locale: 'he-IL' }, (page) => details(page, 'error_page')],
  'details-long-address': [{ height: 1900 }, async (page) => { await page.locator(`[data-sid="${CALLS[35].call_sid}"]`).click(); await page.keyboard.press('i'); await page.getByRole('complementary').locator('dl').waitFor(); }],
  'health': [{ hash: '#health', height: 900 }], 'health-bad-hebrew-dark': [{ hash: '#health', height: 1000, locale: 'he-IL', theme: 'dark', status: BAD }], 'health-320': [{ hash: '#health', width: 320, height: 1500, isPhone: true, status: BAD }],
  'sign-in-wrong': [{ ...low, signedIn: false }, async (page) => { await page.locator('input').first().fill('dana'); await page.locator('input[type=password]').fill('not this one'); await page.locator('form button.pri').click(); await page.locator('.err:visible').waitFor(); }],
  'list-failed': [{ ...low, failing: refused('overloaded', 503, {}, { 'Retry-After': '12' }) }], 'list-empty': [{ ...low, calls: [] }], 'no-match': [{ ...low, calls: [], hash: '#in&q=5550184' }],
  'play-limited': [{ ...ready, media: refused('upstream_unavailable', 503, { reason: 'limited' }, { 'Retry-After': '12' }) }, plays], 'play-refused-credentials': [{ ...ready, media: refused('upstream_refused', 500, { reason: 'refused' }) }, plays],
  'play-expired-hebrew': [{ ...ready, locale: 'he-IL', media: refused('recording_expired', 410) }, plays], 'play-undecodable': [{ ...ready, media: { status: 206, contentType: 'audio/mpeg', headers: { 'Content-Range': 'bytes 0-1/2', ETag: '"1"' }, body: 'xx' } }, plays],
  'play-failed-phone': [{ width: 390, height: 844, isPhone: true, media: refused('internal', 500) }, async (page) => { await page.locator(`[data-sid="${CALLS[4].call_sid}"] [data-do=play]`).click(); await page.waitForTimeout(1500); }],
  'menu': [ready, async (page) => { await page.locator('[data-sid]').first().hover(); await page.locator('[data-sid] [data-do=more]').first().click(); }],
};

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** By DevTools, for the page's policy lets no script of another in. */
async function violationsOf(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Runtime.evaluate', { expression: AXE });
  const { result } = await devtools.send('Runtime.evaluate', {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(' | ')).join('; '))", awaitPromise: true,
  });
  return result.value;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--mute-audio'] });
const wanted = process.argv.slice(4);
try {
  for (const [name, [options, act]] of Object.entries(PICTURES)) {
    if (wanted.length && !wanted.some((part) => name.includes(part))) continue;
    const page = await open(browser, options);
    try {
      await act?.(page);
      await page.waitForTimeout(300);
    } catch (error) {
      console.log(`${name}: ${error.message.split('\n')[0]}`);
    }
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(join(folder, `${name}.png`), await violationsOf(page) || 'axe: nothing');
    await page.context().close();
  }
} finally {
  await browser.close();
}
