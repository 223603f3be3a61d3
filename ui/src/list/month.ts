// A month of the calendar, and days as people type them.  Pure.
import { dateOf, dayOf } from './dates';

const MONTHS = 12;

/** 0: Sunday. */
export function firstWeekday(locale: string): number {
	const at = new Intl.Locale(locale) as Intl.Locale & { getWeekInfo?(): { firstDay: number }; weekInfo?: { firstDay: number } };
	const info = at.getWeekInfo?.() ?? at.weekInfo;
	if (info) return info.firstDay % 7;
	return /^(he|en-(US|CA|IN|IL|AU|ZA))/.test(locale) ? 0 : 1;
}

/** Its weeks, each of seven; null: a day of another month. */
export function weeksOf(day: string, first: number): (string | null)[][] {
	const at = dateOf(day)!;
	const [year, month] = [at.getFullYear(), at.getMonth()];
	const before = (new Date(year, month, 1).getDay() - first + 7) % 7;
	const count = new Date(year, month + 1, 0).getDate();
	const cells: (string | null)[] = [...Array<null>(before).fill(null), ...Array.from({ length: count }, (_, i) => dayOf(new Date(year, month, i + 1)))];
	while (cells.length % 7) cells.push(null);
	return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** "M", "T", …, and the whole names. */
export function weekdayNames(locale: string, first: number): { short: string; long: string }[] {
	const name = (weekday: 'narrow' | 'long', day: number): string => new Intl.DateTimeFormat(locale, { weekday }).format(new Date(2023, 0, 1 + day));
	return Array.from({ length: 7 }, (_, i) => ({ short: name('narrow', (first + i) % 7), long: name('long', (first + i) % 7) }));
}

function monthNamed(text: string, locale: string): number {
	const wanted = text.toLowerCase().replace(/[.׳'’]/g, '').replace(/^ב/, '');
	if (wanted.length < 2) return -1;
	for (let month = 0; month < MONTHS; month++) {
		for (const one of [locale, 'en']) {
			const name = new Intl.DateTimeFormat(one, { month: 'long' }).format(new Date(2023, month, 1)).toLowerCase();
			if (name.startsWith(wanted) || wanted.startsWith(name)) return month;
		}
	}
	return -1;
}

const wholeYear = (text: string | undefined, today: string): number => {
	const year = Number(text ?? today.slice(0, 4));
	return year < 100 ? 2000 + year : year;
};

function made(year: number, month: number, date: number): string | null {
	const day = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(date).padStart(2, '0')}`;
	return dateOf(day) ? day : null;
}

/** "21 Nov 2026", "21.11.26", "21/11", "2026-11-21", "Nov 21"; null: that is no day.  The day comes before the month. */
export function typedDay(text: string, today: string, locale: string): string | null {
	const parts = text.trim().replace(/[\u200e\u200f\u2066-\u2069]/g, '').split(/[\s./,-]+/).filter(Boolean);
	if (parts.length < 2 || parts.length > 3) return null;
	if (/^\d{4}$/.test(parts[0]!)) return parts.length === 3 ? made(Number(parts[0]), Number(parts[1]), Number(parts[2])) : null;
	const [date, month] = /^\d+$/.test(parts[0]!) ? parts : [parts[1]!, parts[0]!];
	if (!/^\d{1,2}$/.test(date!) || (parts[2] && !/^(\d{2}|\d{4})$/.test(parts[2]))) return null;
	const number = /^\d{1,2}$/.test(month!) ? Number(month) : monthNamed(month!, locale) + 1;
	return made(wholeYear(parts[2], today), number, Number(date));
}
