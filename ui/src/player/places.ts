// Where one was in a recording: kept on this device for 30 days, offered at the next play of it.
import { keep, kept } from '../chosen';

/** By the source's id: seconds, and when it was kept (ms). */
export type Places = Record<string, [timeS: number, atMs: number]>;

const DAYS_MS = 30 * 24 * 3600 * 1000;
const MOST = 500;

export function placesOf(text: string | null, nowMs: number): Places {
	let read: unknown;
	try {
		read = JSON.parse(text ?? '{}');
	} catch {
		return {};
	}
	if (typeof read !== 'object' || read === null) return {};
	const isPlace = (entry: [string, unknown]): entry is [string, [number, number]] => {
		const place = entry[1];
		return Array.isArray(place) && place.length === 2 && place.every(Number.isFinite) && nowMs - place[1] < DAYS_MS;
	};
	return Object.fromEntries(Object.entries(read).filter(isPlace));
}

/** With one kept anew; the oldest go when there are too many. */
export function withPlace(places: Places, id: string, timeS: number, nowMs: number): Places {
	const next = Object.entries({ ...places, [id]: [Math.round(timeS * 10) / 10, nowMs] as [number, number] });
	return Object.fromEntries(next.sort((one, other) => other[1][1] - one[1][1]).slice(0, MOST));
}

/** Is it worth to go on from there? */
export const isWorthIt = (timeS: number, durationS: number | null): boolean =>
	timeS > 15 && (durationS === null || timeS < durationS * 0.95);

export function keepPlace(id: string, timeS: number): void {
	const now = Date.now();
	keep('places', JSON.stringify(withPlace(placesOf(kept('places'), now), id, timeS, now)));
}

/** null: nothing to go on from. */
export function placeOf(id: string, durationS: number | null): number | null {
	const timeS = placesOf(kept('places'), Date.now())[id]?.[0] ?? 0;
	return isWorthIt(timeS, durationS) ? timeS : null;
}
