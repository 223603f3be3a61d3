// Debian's Chromium, driven by playwright-core.
import { chromium } from 'playwright-core';
import { atEnd } from '../server/harness/lifetime.js';

/** t: whose end closes it. */
export async function launchBrowser(t) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio'],
  });
  atEnd(t, () => browser.close());
  return browser;
}
