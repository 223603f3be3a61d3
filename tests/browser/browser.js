// Debian's Chromium, driven by playwright-core.
import { chromium } from 'playwright-core';
import { atEnd } from '../server/harness/lifetime.js';

/** t: whose end closes it; hosts: names that are this machine. */
export async function launchBrowser(t, { hosts = [] } = {}) {
  const rules = hosts.map((host) => `MAP ${host} 127.0.0.1`).join(', ');
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
      ...(rules ? [`--host-resolver-rules=${rules}`] : [])],
  });
  atEnd(t, () => browser.close());
  return browser;
}
