// The pictures of the documentation: the demo in Chromium, once its calls are there.
//
//	node ui/screenshots.mjs build/callspool docs
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startDemo } from './demo.mjs';

const [binary, folder] = process.argv.slice(2);
const NUMBER = '+1 312 555 0184'; // of the call that plays: it has four recordings

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--mute-audio', '--autoplay-policy=no-user-gesture-required'],
});

async function open(url, { width = 1440, height = 900, theme = 'light', locale = 'en-GB', isPhone = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, locale, timezoneId: 'Europe/London', deviceScaleFactor: isPhone ? 2 : 1, hasTouch: isPhone });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('[data-sid], main h1:visible, main h2').first().waitFor();
  return page;
}

const row = (page) => page.locator('[data-sid]', { hasText: NUMBER });
async function playing(page) {
  await row(page).locator('[data-do=play]').click();
  await page.locator('.player canvas').first().waitFor({ timeout: 30_000 });
  for (let at = 0; at < 6;) at = await page.evaluate(() => document.querySelector('audio').currentTime);
}

const PICTURES = {
  'calls-page.png': async (url) => {
    const page = await open(url);
    await page.getByText(/Arriving [1-9]\d %/).first().waitFor({ timeout: 60_000 });
    await playing(page);
    return page;
  },
  'calls-page-dark.png': async (url) => {
    const page = await open(url, { theme: 'dark' });
    await playing(page);
    await page.keyboard.press('i');
    await page.getByRole('complementary', { name: 'Details' }).waitFor();
    return page;
  },
  'calls-page-hebrew.png': async (url) => {
    const page = await open(url, { locale: 'he-IL' });
    await playing(page);
    return page;
  },
  'calls-page-phone.png': async (url) => {
    const page = await open(url, { width: 390, height: 844, isPhone: true });
    await playing(page).catch(() => {});
    return page;
  },
  'calls-page-health.png': async (url) => {
    const page = await open(`${url}/#health`);
    await page.locator('main h1, main h2').first().waitFor();
    return page;
  },
};

const { url, stop } = await startDemo(binary);
try {
  for (const [name, picture] of Object.entries(PICTURES)) {
    const page = await picture(url);
    await page.screenshot({ path: join(folder, name) });
    console.log(join(folder, name));
    await page.context().close();
  }
} finally {
  await browser.close();
  await stop();
}
