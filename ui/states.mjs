// A picture of each state that the page knows, from made-up answers: to be looked at after a change of words or styles.
//
//	node ui/states.mjs http://127.0.0.1:8080 FOLDER [NAME...]    the page's files come from that server, all else from here
//	node ui/states.mjs build/callspool FOLDER [NAME...]          or from a demo of that
//
// What axe-core finds in each is told beside its name.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startDemo } from './demo.mjs';

const [from, folder] = process.argv.slice(2);
const { url, stop } = from.startsWith('http') ? { url: from, stop: () => {} } : await startDemo(from);
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
  call(gone('absent', 'too_short')), call(gone('absent', 'silent')), call(gone('absent', 'no_key')), call(null), call({ expired: true, started_at: at(-8 * DAY), expires_at: at(-DAY), removal_at: at(22 * DAY) }), call(gone('deleted')), call(gone('purged')), call({ state: 'transcribing' }),
  call({}, { from: null, to: null, direction: null, status: null }), call({}, { from: `sip:${'a-very-long-name-of-an-extension.'.repeat(8)}@pbx.example.com;transport=tls`, direction: 'inbound' }), call(null, { status: 'busy' }), call(null, { status: 'no-answer' }), call(null, { status: 'failed' }), call(null, { status: 'canceled' }),
];
const attempt = (i, outcome, more = {}) => ({ attempt: i, generation: 1, began_at: at(-600 + i * 60), ended_at: at(-598 + i * 60), outcome, text: outcome && outcome !== 'stored' ? `The server’s sentence for ${outcome}.` : null, http_status: 200, bytes: 0, ...more });
const ATTEMPTS = [...[1, 2, 3, 4, 5, 6].map((i) => attempt(i, 'not_ready', { http_status: 404 })), attempt(7, 'limited', { http_status: 429 }), attempt(8, 'cut', { bytes: 800_000 }), attempt(9, 'timeout', { http_status: 0 })];

const STATUS = {
  status: 'ok', degraded: false, version: '0.1.0', started_at: at(-9 * DAY), free_bytes: 42e9, min_free_bytes: 5e9, disk_full_at: at(5.2 * DAY), retention: { inbound: 7 * DAY, outbound: 7 * DAY, grace: 23 * DAY, accounts: 0 }, plays: { from_store: 912, all: 1000 }, causes: [],
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
// ---- what sounds: two people who take turns, and a wave of it ----

const SECONDS = 728;
const RATE = 8000;
const WAV = Buffer.alloc(44 + SECONDS * RATE, 128); // silence, one byte a sample
WAV.write('RIFF', 0); WAV.writeUInt32LE(36 + SECONDS * RATE, 4); WAV.write('WAVEfmt ', 8); WAV.writeUInt32LE(16, 16); WAV.writeUInt16LE(1, 20); WAV.writeUInt16LE(1, 22);
WAV.writeUInt32LE(RATE, 24); WAV.writeUInt32LE(RATE, 28); WAV.writeUInt16LE(1, 32); WAV.writeUInt16LE(8, 34); WAV.write('data', 36); WAV.writeUInt32LE(SECONDS * RATE, 40);
const STILL = [[128, 159], [506, 556]];

/** The same numbers each time. */
function chances(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
function waveform(points, sides) {
  const chance = chances(7);
  const data = [];
  let [speaker, left] = [0, 0];
  for (let i = 0; i < points; i++) {
    const isStill = STILL.some(([from, to]) => i >= (from / SECONDS) * points && i < (to / SECONDS) * points);
    if (left-- <= 0) [speaker, left] = [1 - speaker, 10 + Math.floor(chance() * 60)];
    for (const side of [0, 1]) {
      const level = isStill ? 0 : side === speaker && chance() > 0.2 ? Math.floor((20 + chance() * 100) * (side ? 0.9 : 1)) : Math.floor(chance() * 2);
      data.push(-level, level);
    }
  }
  return { version: 2, channels: 2, sample_rate: RATE, samples_per_pixel: Math.floor((SECONDS * RATE) / points), bits: 8, length: points, data, duration: SECONDS, silence: STILL, loudness: [-21, -28], sides };
}

/** The bytes that were asked for. */
function sound(request) {
  const [, first, last] = /bytes=(\d+)-(\d*)/.exec(request.headers().range ?? 'bytes=0-');
  const end = last ? Number(last) : WAV.length - 1;
  const headers = { 'Content-Range': `bytes ${first}-${end}/${WAV.length}`, 'Accept-Ranges': 'bytes', ETag: '"1"' };
  return { status: 206, contentType: 'audio/wav', headers, body: WAV.subarray(Number(first), end + 1) };
}

// ---- the day that the design shows ----

const day = [];
function seen(minutes, from, to, seconds, recording, more = {}) {
  const one = call(recording && { duration: seconds, ...recording }, { direction: from.startsWith('+1415') || from === '+442079460150' || from === '+972555550110' ? 'outbound-api' : 'inbound', from, to, duration: seconds, started_at: at(-minutes * 60), ended_at: seconds === null ? null : at(-minutes * 60 + seconds), ...more });
  one.key = `${Date.parse(one.started_at)}.${9000 - day.length}`;
  day.push(one);
  return one;
}
const [OFFICE, DESK, HAIFA] = ['+14155550132', '+442079460150', '+972555550110'];
seen(1, '+15035550155', DESK, null, null, { status: 'ringing' });
seen(2, OFFICE, '+13125550120', null, { state: 'recording' }, { status: 'in-progress' });
const COMING = seen(8, '+972555550134', HAIFA, 411, { state: 'queued', arriving: { bytes: 42, total: 100 } });
const LIMITED = seen(9, OFFICE, '+16175550172', 48, waits('limited'));
seen(13, 'sip:reception-desk-2.floor-14.north@edge-07.voice.example.com', DESK, 139, {});
const HEARD = seen(22, OFFICE, '+13125550184', 890, { held: true, hold: { by: 'dana', since: at(-3600), reason: null }, format: 'mp3', size: 5_800_000, measured_duration: SECONDS, waveform: true, stored_at: at(-400) }, { recording_count: 2 });
seen(24, '+12025550100', DESK, 220, {}, { from: null, to: null, status: null });
seen(27, OFFICE, '+442079460280', 0, null, { status: 'no-answer', duration: null });
const GONE = seen(29, '+17025550161', OFFICE, 86, gone('gone', 'gone'));
seen(33, DESK, '+442079460485', 2, gone('absent', 'too_short'));
for (const [i, [from, to, s]] of [[HAIFA, '+972555550187', 1293], ['+18085550119', OFFICE, 252], [OFFICE, '+12025550158', null], [OFFICE, '+12125550132', 424], ['+14155550156', DESK, 57], [HAIFA, '+972555550102', 1120], ['+15035550192', OFFICE, 333]].entries()) {
  seen(35 + 4 * i, from, to, s, s && { duration_differs: i === 1 }, s ? {} : { status: 'busy' });
}
for (let i = 0; i < 120; i++) seen(1200 + 7 * i, i % 2 ? '+18085550118' : OFFICE, i % 2 ? OFFICE : `+1312555${2000 + i}`, 60 + ((i * 97) % 900), {});
const SECOND = { recording_sid: `RE${'f'.repeat(32)}`, state: 'stored', started_at: at(-1300), duration: 158, measured_duration: 158, channels: 1, source: null, held: false, hold: null, expires_at: at(6 * DAY), expired: false, arriving: null, waveform: false, reason: null, next_try_at: null, format: 'mp3', size: 1_300_000 };
const FOUR = [26, 158, 41, 305].map((seconds, i) => ({ ...SECOND, recording_sid: `RE${'e'.repeat(31)}${i}`, started_at: at(-1320 + i * 200), duration: seconds, measured_duration: seconds, channels: i % 2 ? 2 : 1 }));
const SEVERAL = call({ ...FOUR[0], waveform: true }, { direction: 'outbound-api', from: OFFICE, to: '+13125550184', duration: 560, recording_count: 4, main_recording_sid: FOUR[0].recording_sid });
Object.assign(SEVERAL, { started_at: at(-30), key: `${Date.parse(at(-30))}.9999` });
const REFUSED_ELSEWHERE = { ...STATUS, calls: 0, complete: { ...STATUS.complete, recordings: 0, here: 0, to_be_fetched: 0, given_up: 0 }, webhooks: { ...STATUS.webhooks, last_taken_at: null, taken: 0, refused: { ...STATUS.webhooks.refused, wrong_signature: 2 }, last_refused_at: at(-60), last_refused_to: 'http://calls.example.com/webhook/recording-status' } };
const SILENT = { ...REFUSED_ELSEWHERE, webhooks: { ...REFUSED_ELSEWHERE.webhooks, refused: STATUS.webhooks.refused } };
const RIGHTS = 'play,read,link,status,audit,users,change,admin';

const json = (status, body, headers = {}) => ({ status, contentType: 'application/json', headers, body: JSON.stringify(body) });

async function open(browser, { width = 1440, height = 1750, theme = 'light', locale = 'en-GB', isPhone = false, hash = '', signedIn = true, calls = CALLS, status = STATUS, media = null, failing = null, sides = ['agent', 'customer'], link = null } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale, timezoneId: 'Europe/London', hasTouch: isPhone, deviceScaleFactor: isPhone ? 2 : 1 });
  const page = await context.newPage();
  page.sockets = [];
  await page.routeWebSocket(/\/api\/events/, (socket) => {
    if (page.isAway) return void socket.close();
    page.sockets.push(socket);
    socket.send(JSON.stringify({ seq: 10 }));
  });
  await page.route('**/l/**', (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname.endsWith('/open')) return route.fulfill(link);
    if (pathname.endsWith('/media')) return route.fulfill(sound(route.request()));
    if (pathname.endsWith('/waveform')) return route.fulfill(json(200, waveform(2000, sides)));
    return route.continue();
  });
  await page.route('**/api/**', (route) => {
    const { pathname } = new URL(route.request().url());
    if (page.isAway) return route.abort();
    if (pathname === '/api/session' && route.request().method() === 'POST') return route.fulfill(json(401, { success: false, error: 'x', code: 'sign_in_failed', tries_left: 3, request_id: 'r' }));
    if (pathname === '/api/session') return route.fulfill(json(200, { auth: 'password', signed_in: signedIn, user: signedIn ? { name: 'dana', full_name: 'Dana Levi', role: 'admin', rights: RIGHTS } : null }));
    if (!signedIn) return route.fulfill(json(401, { success: false, error: 'x', code: 'unauthenticated', request_id: 'r' }));
    if (pathname === '/api/calls' && failing === 'never') return undefined;
    if (pathname === '/api/calls') return route.fulfill(failing ?? json(200, { seq: 10, calls, next: null, previous: null, number_is_vague: false }));
    if (pathname.startsWith('/api/calls/')) {
      const one = calls.find(({ call_sid: sid }) => pathname.includes(sid));
      return route.fulfill(one ? json(200, { ...one, recordings: [...one.recordings, ...(one === HEARD ? [SECOND] : one === SEVERAL ? FOUR.slice(1) : [])].map((recording) => ({ ...recording, attempts: ATTEMPTS })) }) : json(404, { success: false, error: 'x', code: 'call_not_found', request_id: 'r' }));
    }
    if (pathname === '/api/status' || pathname === '/api/health') return route.fulfill(json(200, status));
    if (pathname.endsWith('/media')) return media ? route.fulfill(media === 'sounds' ? sound(route.request()) : media) : route.abort();
    if (pathname.endsWith('/waveform') && media === 'sounds') return route.fulfill(json(200, waveform(2000, sides)));
    if (pathname === '/api/links') return route.fulfill(json(201, { name: 'aaaaaaaa', url: `${url}/l/aaaaaaaa#secret`, media_url: 'x', expires_at: at(7 * DAY) }));
    return route.fulfill(json(404, { success: false, error: 'x', code: 'not_found', request_id: 'r' }));
  });
  await page.goto(link ? `${url}/l/aaaaaaaa#secret&t=222` : `${url}/${hash}`);
  await page.locator('[data-sid], main h1:visible, main h2, h1, form, .skeleton').first().waitFor();
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
/** As the design has it: at 3:42, a loop, a while ahead of the pointer. */
async function listens(page, one = HEARD) {
  await page.locator(`[data-sid="${one.call_sid}"] [data-do=play]`).click();
  await page.locator('.player .bars div, .mini, .tracks').first().waitFor();
  const put = (s) => page.evaluate((to) => { document.querySelector('audio').currentTime = to; }, s);
  const sounds = async () => { for (let is = false; !is;) is = await page.evaluate(() => document.querySelector('audio').currentTime > 0 && !document.querySelector('audio').seeking); };
  await sounds();
  if (one === HEARD) {
    for (const [s, key] of [[178, 'a'], [278, 'b']]) {
      await put(s);
      await sounds();
      await page.keyboard.press(key);
    }
    await page.keyboard.press('s');
    await page.keyboard.press(']');
  }
  await put(one === HEARD ? 222 : 49);
  await sounds();
  const lanes = page.locator('.player .wave');
  if (await lanes.count() && one === HEARD) {
    const { x, y, width } = await lanes.boundingBox();
    await page.mouse.move(x + width * 0.615, y + 20);
  }
}
async function isAway(page) {
  await listens(page);
  page.isAway = true;
  for (const socket of page.sockets) await socket.close();
  await page.locator('.banner').waitFor();
}
async function scrolled(page) {
  await listens(page);
  await page.getByRole('region', { name: 'Player' }).getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: '7 days' }).click();
  await page.locator('.toast').hover();
  await page.evaluate(() => document.querySelector('.list').scrollTo(0, 300));
  const fresh = [1, 2, 3].map((i) => ({ ...day[0], call_sid: `CA${'e'.repeat(31)}${i}`, seq: 11, started_at: at(i), key: `${Date.parse(at(i))}.${9900 + i}` }));
  page.sockets.at(-1).send(JSON.stringify({ seq: 11, calls: fresh }));
  await page.locator('.newpill').waitFor();
}
const levels = async (page) => {
  await listens(page);
  await page.getByRole('button', { name: 'Levels' }).click();
};
const sheet = async (page) => {
  await listens(page);
  await page.locator('.mini .t').click();
  await page.locator('.psheet .bars div').first().waitFor();
};
const playsLink = async (page) => {
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await page.locator('.bars div').first().waitFor();
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
};
const detailsOf = (one) => async (page) => {
  await listens(page);
  await page.locator(`[data-sid="${one.call_sid}"]`).click();
  await page.keyboard.press('i');
  await page.getByRole('complementary').locator('li').first().waitFor();
};
const EXPIRED = CALLS.find(({ recordings }) => recordings[0]?.expired), DELETED = CALLS.find(({ recordings }) => recordings[0]?.state === 'deleted'), HELD = CALLS.find(({ recordings }) => recordings[0]?.held);
const UNRECORDED = CALLS.find(({ recordings, status }) => !recordings.length && status === 'completed');
const opened = (one) => async (page) => {
  await page.locator(`[data-sid="${one.call_sid}"]`).click();
  await page.keyboard.press('i');
  await page.getByRole('complementary').locator('dl').waitFor();
};
const copies = async (page) => {
  await listens(page, SEVERAL);
  await page.getByRole('button', { name: 'Recording 1 of 4' }).waitFor();
  await page.getByRole('region', { name: 'Player' }).getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('checkbox', { name: /All 4/ }).check();
};
const WHOLE = json(200, { direction: 'outbound-api', started_at: FOUR[0].started_at, duration: FOUR[0].duration, expires_at: at(7 * DAY), recordings: FOUR.map(({ recording_sid: sid, started_at: startedAt, duration }) => ({ recording_sid: sid, started_at: startedAt, duration })) });
const playsPart = async (page) => {
  await page.getByRole('button', { name: 'Play recording 2' }).click();
  await page.locator('.bars div').first().waitFor();
};
const OPENED = json(200, { direction: 'outbound-api', from: null, to: null, started_at: at(-1320), duration: SECONDS, expires_at: at(7 * DAY) });
const listened = { calls: day, media: 'sounds' };
const small = { ...listened, width: 1280, height: 800 };
const hand = { ...listened, width: 390, height: 844, isPhone: true };

const low = { height: 700 };
const later = { height: 800, calls: CALLS.slice(20) };
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
  'play-failed-phone': [{ width: 390, height: 844, isPhone: true, media: refused('internal', 500) }, async (page) => { await page.locator(`[data-sid="${CALLS[4].call_sid}"] [data-do=play]`).click(); await page.locator('.mini .why').waitFor(); }],
  // beside the design's own pictures, by their numbers
  '01-list-playing': [{ ...listened, height: 900 }, listens], '02-list-dark': [{ ...listened, height: 900, theme: 'dark' }, listens],
  '03-details': [{ ...listened, height: 1000 }, detailsOf(HEARD)], '04-details-why-not': [{ ...listened, width: 1280, height: 960 }, detailsOf(GONE)],
  '06-arriving': [small, (page) => listens(page, COMING)], '07-play-waits': [{ ...small, media: refused('upstream_unavailable', 503, { reason: 'limited' }, { 'Retry-After': '12' }) }, async (page) => { await page.locator(`[data-sid="${LIMITED.call_sid}"] [data-do=play]`).click(); await page.locator('.player .perr').waitFor(); }],
  '08-offline-dark': [{ ...small, theme: 'dark' }, isAway], '11-dates': [{ ...small, hash: '#all&from=7d' }, async (page) => { await page.getByRole('button', { name: /^Dates/ }).click(); await page.locator('.cal .month').waitFor(); }],
  '12-levels-dark': [{ ...small, theme: 'dark' }, levels], '12b-levels-unknown': [{ ...small, sides: null }, levels], '13-scrolled-1920': [{ ...listened, width: 1920, height: 1080 }, scrolled],
  '14-keyboard': [{ ...small, height: 860 }, async (page) => { await listens(page); await page.keyboard.press('?'); await page.getByRole('dialog').waitFor(); }], '15-hebrew': [{ ...listened, height: 1000, locale: 'he-IL' }, detailsOf(HEARD)],
  '19-link': [{ width: 1280, height: 720, link: OPENED }, playsLink], '20-link-expired': [{ width: 1280, height: 720, link: refused('link_expired', 410) }],
  '21-first-run': [{ width: 1280, height: 940, calls: [], status: SILENT }], '22-first-run-hebrew-wrong-address': [{ width: 1280, height: 940, calls: [], status: REFUSED_ELSEWHERE, locale: 'he-IL' }],
  '23-phone-list': [hand, listens], '24-phone-player': [hand, sheet], '25-phone-hebrew-dark': [{ ...hand, locale: 'he-IL', theme: 'dark' }, listens], '26-phone-320-link': [{ width: 320, height: 640, isPhone: true, link: OPENED }, playsLink],
  '27-focus': [small, async (page) => { await listens(page); await page.locator('.row[tabindex="0"]').focus(); await page.keyboard.press('ArrowDown'); await page.keyboard.press('ArrowDown'); await page.keyboard.press('ArrowUp'); }],
  '28-loading': [{ width: 1280, height: 800, failing: 'never' }], '29-phone-320-sign-in-hebrew': [{ width: 320, height: 600, isPhone: true, locale: 'he-IL', signedIn: false }], '31-tablet-768': [{ ...listened, width: 768, height: 1024 }, listens],
  '16-health': [{ hash: '#health', width: 1280, height: 900, status: { ...STATUS, recordings: { ...STATUS.recordings, dead: 1 } } }], '18-sign-in': [{ width: 1280, height: 720, signedIn: false }],
  'details-expired': [later, opened(EXPIRED)], 'details-deleted': [later, opened(DELETED)], 'details-held': [later, opened(HELD)], 'details-none': [later, opened(UNRECORDED)], 'details-four': [{ ...listened, height: 1000, calls: [SEVERAL, ...day] }, detailsOf(SEVERAL)],
  'copy-link-whole-call': [{ ...small, calls: [SEVERAL, ...day] }, copies], 'link-whole-call': [{ width: 1280, height: 820, link: WHOLE }, playsPart], 'link-whole-call-phone-hebrew-dark': [{ width: 390, height: 844, isPhone: true, locale: 'he-IL', theme: 'dark', link: WHOLE }],
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
  await stop();
}
