// The page of calls as a test sees it and presses it, whoever serves it.
import { until } from '../server/harness/until.js';

export const rowOf = (page, callSid) => page.locator(`[data-sid="${callSid}"]`);
export const playOf = (page, callSid) => rowOf(page, callSid).getByRole('button', { name: /^(Play|Pause) call/ });
export const region = (page) => page.getByRole('region', { name: 'Player' });

/** What the one <audio> does. */
export const sound = (page) => page.evaluate(() => {
  const audio = document.querySelector('audio');
  return audio && { at: audio.currentTime, length: audio.duration, paused: audio.paused, rate: audio.playbackRate, src: audio.currentSrc, error: audio.error?.message ?? null, count: document.querySelectorAll('audio').length };
});
export const untilSound = (page, what, probe) => until(what, async () => {
  const now = await sound(page);
  if (now !== null && probe(now)) return true;
  throw new Error(JSON.stringify(now));
}, 20_000);

/**
 * Presses Play of a call.  A press that comes within 400 ms after rows moved counts for the row that was there before,
 * as the page's design has it; so does a test's, which is as fast.
 */
export const play = (page, { callSid, recordingSid }) => until('its Play was pressed', async () => {
  if ((await sound(page))?.src.includes(recordingSid)) return true;
  await playOf(page, callSid).click();
  return false;
}, 20_000);
