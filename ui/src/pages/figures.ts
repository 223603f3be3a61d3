// Figures of the page Health that are worked out here.
import { spanOf, type Span } from '../parts/ago';
import type { Health } from './condition';

/** Of a hundred plays, how many should come from the store: the others made somebody wait. */
export const SHARE_GOOD = 95;
const PLAYS_LEAST = 20; // fewer say nothing

/** In percent; null: too few plays. */
export function shareFromStore({ plays }: Pick<Health, 'plays'>): number | null {
	return plays && plays.all >= PLAYS_LEAST ? Math.floor((100 * plays.from_store) / plays.all) : null;
}

const DAY_S = 86_400;
const SOON_S = 7 * DAY_S;
const TOLD_S = 365 * DAY_S;

export interface FullIn extends Span {
	isSoon: boolean;
}

/** Until the disk has no more room for recordings, at its pace of the last day; null: nobody needs to know. */
export function fullIn({ disk_full_at: at, min_free_bytes: least, free_bytes: free }: Pick<Health, 'disk_full_at' | 'min_free_bytes' | 'free_bytes'>, now: number): FullIn | null {
	if (!at || free <= (least ?? 0)) return null;
	const s = Math.max(0, (Date.parse(at) - now) / 1000);
	return s < TOLD_S ? { ...spanOf(s), isSoon: s < SOON_S } : null;
}

/** Of a length of time in its largest unit: 7 d, 36 h; null: for ever. */
export const keptFor = (s: number | null): Span | null => (s === null ? null : s >= DAY_S && s % DAY_S === 0 ? { value: s / DAY_S, unit: 'd' } : spanOf(s));
