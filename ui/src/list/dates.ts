// Days of this browser's time zone, and spans of them.  A day is written "2026-11-21".
import { language } from '../words';

export const SPANS = ['today', 'yesterday', '7d', '30d'] as const;
export type Span = (typeof SPANS)[number];

const BACK: Record<Span, [from: number, to: number]> = { today: [0, 0], yesterday: [1, 1], '7d': [6, 0], '30d': [29, 0] };

export interface Days {
	/** '': since ever. */
	from: string;
	/** The last day, itself within; '': up to now. */
	to: string;
}

const two = (number: number): string => String(number).padStart(2, '0');
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;

export const dayOf = (date: Date): string => `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

/** Midnight at its beginning; null: there is no such day. */
export function dateOf(day: string): Date | null {
	const [, year, month, date] = DAY.exec(day) ?? [];
	if (!year) return null;
	const at = new Date(Number(year), Number(month) - 1, Number(date));
	return dayOf(at) === day ? at : null;
}

/** By the calendar: a day of 23 or 25 hours is one. */
export function shifted(day: string, days: number, months = 0): string {
	const at = dateOf(day) ?? new Date();
	if (!months) return dayOf(new Date(at.getFullYear(), at.getMonth(), at.getDate() + days));
	const last = new Date(at.getFullYear(), at.getMonth() + months + 1, 0).getDate();
	return dayOf(new Date(at.getFullYear(), at.getMonth() + months, Math.min(at.getDate(), last) + days));
}

export const isSpan = (text: string): text is Span => (SPANS as readonly string[]).includes(text);

/** What the address says, in days; what it says wrongly is left out. */
export function daysOf({ from, to }: Days, today: string): Days {
	if (isSpan(from)) {
		const [first, last] = BACK[from];
		return { from: shifted(today, -first), to: last ? shifted(today, -last) : '' };
	}
	return { from: dateOf(from) ? from : '', to: dateOf(to) ? to : '' };
}

/** `from` and `to` of /api/calls. */
export function instantsOf(days: Days): Partial<Days> {
	const from = dateOf(days.from);
	const to = days.to && dateOf(shifted(days.to, 1));
	return { ...(from ? { from: from.toISOString() } : {}), ...(to ? { to: to.toISOString() } : {}) };
}

// ---- as people write them ----

const locale = (): string => (language() === 'he' ? 'he' : 'en-GB');
const made = new Map<string, Intl.DateTimeFormat>();

/** Making one is slow. */
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = `${locale()}.${name}`;
	let one = made.get(key);
	if (!one) made.set(key, (one = new Intl.DateTimeFormat(locale(), options)));
	return one;
}

/** "Saturday 21 November" */
export const longDay = (date: Date, thisYear: number): string =>
	format(date.getFullYear() === thisYear ? 'long' : 'longYear', {
		weekday: 'long', day: 'numeric', month: 'long', ...(date.getFullYear() === thisYear ? {} : { year: 'numeric' }),
	}).format(date).replace(/^(\p{L}+),(?= \d)/u, '$1');

/** "Sat 28 Nov"; in Hebrew without the day of the week. */
export const shortDay = (date: Date): string =>
	format('short', { ...(language() === 'he' ? {} : { weekday: 'short' }), day: 'numeric', month: 'short' }).format(date).replace(',', '');

/** "21 Nov 2026" */
export const plainDay = (date: Date): string => format('plain', { day: 'numeric', month: 'short', year: 'numeric' }).format(date);

/** "November 2026" */
export const monthName = (date: Date): string => format('month', { month: 'long', year: 'numeric' }).format(date);

/** "14:32" */
export const minuteOf = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}`;
/** ":44" */
export const secondOf = (date: Date): string => `:${two(date.getSeconds())}`;

/** "GMT+2" */
export function zoneName(at: Date): string {
	const minutes = -at.getTimezoneOffset();
	if (minutes === 0) return 'GMT';
	const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
	return `GMT${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${two(rest)}` : ''}`;
}
