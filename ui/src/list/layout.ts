// Where each row is drawn: rows of one height, under the heads of their days.  Pure.
import { dayOf } from './dates';

export interface Day {
	readonly day: string;
	/** The first row's index. */
	readonly first: number;
	readonly count: number;
	/** Of its head. */
	readonly top: number;
}

export interface Layout {
	readonly days: readonly Day[];
	readonly rows: number;
	readonly rowHeight: number;
	readonly height: number;
}

export const HEAD = 32;

/** starts: when each row's call began, in milliseconds, newest first. */
export function layoutOf(starts: readonly number[], rowHeight: number): Layout {
	const days: { day: string; first: number; count: number; top: number }[] = [];
	let [begin, end, top] = [0, 0, 0];
	starts.forEach((ms, index) => {
		if (ms < begin || ms >= end || !days.length) {
			const date = new Date(ms);
			const last = days[days.length - 1];
			if (last) top = last.top + HEAD + last.count * rowHeight;
			begin = new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
			end = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
			days.push({ day: dayOf(date), first: index, count: 0, top });
		}
		days[days.length - 1]!.count++;
	});
	const last = days[days.length - 1];
	return { days, rows: starts.length, rowHeight, height: last ? last.top + HEAD + last.count * rowHeight : 0 };
}

/** The last of the days that begins at or before what `is` says. */
function lastDay(days: readonly Day[], is: (day: Day) => boolean): Day | undefined {
	let from = 0;
	let to = days.length;
	while (from < to) {
		const middle = (from + to) >> 1;
		if (is(days[middle]!)) from = middle + 1;
		else to = middle;
	}
	return days[from - 1];
}

export function topOf({ days, rowHeight }: Layout, index: number): number {
	const day = lastDay(days, (one) => one.first <= index);
	return day ? day.top + HEAD + (index - day.first) * rowHeight : 0;
}

/** The row at that height, or the next one below it. */
export function rowAt({ days, rows, rowHeight }: Layout, y: number): number {
	const day = lastDay(days, (one) => one.top <= y);
	if (!day) return 0;
	const within = Math.max(0, Math.floor((y - day.top - HEAD) / rowHeight));
	return Math.min(day.first + Math.min(within, day.count), Math.max(0, rows - 1));
}
