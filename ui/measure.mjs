// How fast the page is: in Chromium, from a server that runs, with sign-in off.
//
//	node ui/measure.mjs http://127.0.0.1:8080 [rows] [scroll] [long] [--runs 15]
//
// rows: from the navigation until the first rows are painted, each time in a browser that knows nothing of the page.
// scroll: what 10,000 rows at 10,000 px a second cost: frames, those that came late or showed a blank, and the processor
//	time of each thread: the page's own, and those that draw, which without a GPU is the larger part.
// long: the longest recording of the list's first page: how soon it sounds, and the memory that the page takes.
// docs/performance.md has what it printed.
import { readFileSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '15' } } });
const [url, ...asked] = positionals;
const wanted = asked.length ? asked : ['rows', 'scroll'];
const RUNS = Number(values.runs);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--mute-audio'],
});

const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, share) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))];
const told = (list) => `${Math.round(at(list, 0.5))} (${Math.round(at(list, 0))} to ${Math.round(at(list, 0.999))})`;

/** When the first row was there, and when the frame with it was out. */
function watchRows() {
  let painted;
  window.rowsPaintedAt = new Promise((done) => { painted = done; });
  new MutationObserver((_, observer) => {
    if (!document.querySelector('[data-sid]')) return;
    observer.disconnect();
    window.rowsAt = performance.now();
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => painted(performance.now());
      port2.postMessage(0);
    });
  }).observe(document, { childList: true, subtree: true });
}

async function firstRows() {
  const steps = new Map();
  const note = (name, ms) => steps.set(name, [...(steps.get(name) ?? []), ms]);
  for (let run = 0; run < RUNS + 2; run++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await page.addInitScript(watchRows);
    await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
    await page.goto(url);
    const paintedAt = await page.evaluate(() => window.rowsPaintedAt);
    const { metrics } = await devtools.send('Performance.getMetrics');
    const facts = await page.evaluate(() => ({
      rowsAt: window.rowsAt,
      firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      html: performance.getEntriesByType('navigation')[0].responseEnd,
      files: performance.getEntriesByType('resource').map(({ name, startTime, responseEnd, transferSize }) => ({ name: name.replace(/^.*\/\/[^/]*/, ''), startTime, responseEnd, transferSize })),
    }));
    await context.close();
    if (run < 2) continue; // the server and the browser warm up
    const before = facts.files.filter((file) => file.startTime < facts.rowsAt);
    const scripts = before.filter(({ name }) => name.endsWith('.js'));
    const asked = before.find(({ name }) => name.startsWith('/api/calls'));
    note('the page is here', facts.html);
    note('its scripts are here', Math.max(...scripts.map(({ responseEnd }) => responseEnd)));
    note('calls are asked for', asked?.startTime ?? 0);
    note('calls are here', asked?.responseEnd ?? 0);
    note('first contentful paint', facts.firstPaint);
    note('rows are made', facts.rowsAt);
    note('rows are painted', paintedAt);
    for (const name of ['TaskDuration', 'ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration']) {
      note(`CPU of the page: ${name.replace('Duration', '')}`, 1000 * metrics.find((metric) => metric.name === name).value);
    }
    if (run === RUNS + 1) console.log(`${before.length} files before the rows, ${scripts.length} scripts, ${Math.round(before.reduce((sum, { transferSize }) => sum + transferSize, 0) / 1024)} KiB`);
  }
  for (const [name, list] of steps) console.log(`${name.padEnd(28)} ${told(list)} ms`);
}

const ROW_PX = 40;
const ROWS = 10_000;
const SPEED = 10_000; // px a second
const FRAME_MS = 1000 / 60;

/** Processor time of the browser's threads so far, in ms: [what, spent]. */
async function threadTimes() {
  const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
  const spent = new Map();
  for (const { id, type } of processInfo) {
    for (const tid of readdirSync(`/proc/${id}/task`)) {
      const name = tid === String(id) ? 'main' : readFileSync(`/proc/${id}/task/${tid}/comm`, 'utf8').trim().replace(/\d+$/, '');
      const [ns] = readFileSync(`/proc/${id}/task/${tid}/schedstat`, 'utf8').split(' ');
      spent.set(`${type} ${name}`, (spent.get(`${type} ${name}`) ?? 0) + Number(ns) / 1e6);
    }
  }
  return spent;
}

/** Notes of each frame when its drawing began, and whether a row stands at the list's upper and lower edge. */
function watchFrames() {
  const { left, top, bottom } = document.querySelector('.list').getBoundingClientRect();
  const isBlank = (y) => !document.elementFromPoint(left + 100, y)?.closest('.row, .day');
  window.framesSeen = [];
  const look = (now) => {
    window.framesSeen.push([now, isBlank(top + 50) || isBlank(bottom - 10)]);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

async function scroll() {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.locator('[data-sid]').first().waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const metrics = async () => Object.fromEntries((await devtools.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]));
  await page.evaluate(watchFrames);
  const before = [await threadTimes(), await metrics()];
  const began = Date.now();
  await devtools.send('Input.synthesizeScrollGesture', { x: 700, y: 500, yDistance: -ROWS * ROW_PX, speed: SPEED, gestureSourceType: 'mouse' });
  const seconds = (Date.now() - began) / 1000;
  const after = [await threadTimes(), await metrics()];
  const seen = await page.evaluate(() => window.framesSeen);
  const gaps = seen.slice(1).map(([time], i) => time - seen[i][0]);
  const late = gaps.filter((ms) => ms > 1.5 * FRAME_MS).length;
  console.log(`${ROWS} rows in ${seconds.toFixed(1)} s: ${seen.length} frames, ${(seen.length / seconds).toFixed(1)} a second, ${late} late, ${seen.filter(([, isBlank]) => isBlank).length} with a blank; between two ${at(gaps, 0.5).toFixed(1)} ms, p99 ${at(gaps, 0.99).toFixed(1)} ms`);
  for (const name of ['TaskDuration', 'ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration']) {
    console.log(`CPU of the page: ${name.replace('Duration', '').padEnd(12)} ${((1000 * (after[1][name] - before[1][name])) / seen.length).toFixed(2)} ms a frame`);
  }
  for (const [name, ms] of [...after[0]].map(([name, ms]) => [name, ms - (before[0].get(name) ?? 0)]).sort((a, b) => b[1] - a[1]).slice(0, 6)) {
    console.log(`CPU: ${name.padEnd(24)} ${(ms / seen.length).toFixed(2)} ms a frame`);
  }
  await page.close();
}

const PSS = /^Pss:\s+(\d+) kB/m;

/** The memory of the process that draws the page, in MiB. */
async function memoryOf(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  await devtools.send('Performance.enable');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
  const { processInfo } = await (await browser.newBrowserCDPSession()).send('SystemInfo.getProcessInfo');
  const processes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'));
  const most = Math.max(...processes.map((text) => Number(PSS.exec(text)[1])));
  return `heap ${(heap / 2 ** 20).toFixed(1)}, process ${Math.round(most / 1024)} MiB (PSS)`;
}

/** The longest recording of the first page: from the press on Play to sound and lanes, a seek far ahead, and what it all takes. */
async function long() {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const { calls } = await page.evaluate(async () => (await fetch('/api/calls?limit=100')).json());
  const lengthOf = ({ recordings }) => recordings[0]?.measured_duration ?? 0;
  const { call_sid: sid } = calls.reduce((longest, call) => (lengthOf(call) > lengthOf(longest) ? call : longest));
  console.log(`the list alone: ${await memoryOf(page)}`);
  await page.goto(`${url}/#all&q=${sid}`); // it may be far down
  await page.locator(`[data-sid="${sid}"] [data-do=play]`).click();
  const began = await page.evaluate(() => performance.now());
  const until = (probe) => page.evaluate(`new Promise((done) => { const look = () => (${probe} ? done(performance.now()) : setTimeout(look, 5)); look(); })`);
  const sounds = await until('document.querySelector("audio").currentTime > 0.05');
  const drawn = await until('document.querySelector(".player .bars div")');
  const { duration } = await page.evaluate(() => ({ duration: document.querySelector('audio').duration }));
  console.log(`${(duration / 3600).toFixed(1)} hours: sound after ${Math.round(sounds - began)} ms, lanes after ${Math.round(drawn - began)} ms; ${await memoryOf(page)}`);
  const to = duration * 0.8;
  const sought = await page.evaluate((seconds) => { document.querySelector('audio').currentTime = seconds; return performance.now(); }, to);
  const there = await until(`document.querySelector("audio").currentTime > ${to} + 0.05`);
  console.log(`sought to ${(to / 3600).toFixed(1)} hours: sound after ${Math.round(there - sought)} ms; ${await memoryOf(page)}`);
  for (let i = 0; i < 7; i++) await page.keyboard.press('+');
  await page.waitForTimeout(5000);
  console.log(`zoomed, five seconds later: ${await memoryOf(page)}`);
  await page.close();
}

const MEASURES = { rows: firstRows, scroll, long };
try {
  for (const name of wanted) await MEASURES[name]();
} finally {
  await browser.close();
}
