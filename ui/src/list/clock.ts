// One timer for all that counts: the seconds of countdowns, and the day.
import { serverNow } from '../api';
import { store } from '../store';
import { dayOf } from './dates';

/** The server's time at the last full second, in milliseconds. */
export const second = store(0);
export const today = store(dayOf(new Date()));

export function startClock(): void {
	const tick = (): void => {
		today.set(dayOf(new Date()));
		second.set(serverNow());
	};
	tick();
	setInterval(tick, 1000);
	document.addEventListener('visibilitychange', () => document.hidden || tick());
}
