// Lengths, sizes and dates as people of the language write them.
import { ltr } from '../isolate';
import { language } from '../words';

const two = (number: number): string => String(number).padStart(2, '0');

/** "3:42", "1:02:33"; whole seconds. */
export function clock(seconds: number): string {
	const all = Math.max(0, Math.floor(seconds));
	const [hours, minutes] = [Math.floor(all / 3600), Math.floor(all / 60) % 60];
	return hours > 0 ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** "812 B", "5.8 MB", "212 GB": three digits at most before the unit, in both languages. */
export function size(bytes: number): string {
	let [value, unit] = [bytes, 0];
	while (value >= 999.5 && unit < UNITS.length - 1) {
		value /= 1000;
		unit += 1;
	}
	return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1).replace(/\.0$/, '')} ${UNITS[unit]}`;
}

/** "48,210" */
export const count = (number: number): string => ltr(number.toLocaleString('en'));

type Style = Intl.DateTimeFormatOptions;

function written(iso: string, style: Style): string {
	return new Date(iso).toLocaleString(language() === 'he' ? 'he' : 'en-GB', style);
}

/** "14:25:31" */
export const timeText = (iso: string): string => written(iso, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });

/** "Sat 28 Nov", of another year with it. */
export function dayText(iso: string): string {
	const isThisYear = new Date(iso).getFullYear() === new Date().getFullYear();
	return written(iso, { weekday: 'short', day: 'numeric', month: 'short', ...(isThisYear ? {} : { year: 'numeric' }) }).replace(',', '');
}

/** "Sat 28 Nov, 14:00" */
export const momentText = (iso: string): string => `${dayText(iso)}, ${ltr(written(iso, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }))}`;

/** "Sat 21 Nov 2026" */
export const dateText = (iso: string): string => written(iso, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' }).replace(',', '');
