// What is said of a call and its recordings, in the language of the page.
import { ltr } from '../isolate';
import { size } from '../parts/format';
import type { Arriving, Call, Recording } from '../types';
import { words, type Words } from '../words';
import { minuteOf, shortDay } from './dates';
import { grouped } from './numbers';
import { mainOf, shownOf, type Shown, type Why } from './states';

type List = Words['list'];

const UNKNOWN_MS = 3_600_000; // after that nobody will tell us any more

export const isInbound = ({ direction }: Call): boolean => direction === 'inbound';

/** The number of whom one talked to; null: not known. */
export function otherNumber(call: Call): string | null {
	if (!call.direction) return call.from ?? call.to;
	return isInbound(call) ? call.from : call.to;
}

export const tailOf = ({ call_sid }: Call): string => call_sid.slice(-6);

export function unknownNumber(call: Call, now: number): string {
	const { list } = words();
	return now - Date.parse(call.started_at) > UNKNOWN_MS ? list.numberUnknown(ltr(tailOf(call))) : list.numberUnknownYet;
}

/** "Completed" */
export function statusText(status: string | null): string {
	const { list } = words();
	return status === null ? list.statusUnknown : (list.status[status] ?? status);
}

/** An arriving recording: of the length that is known, or of the bytes. */
export function arrivingText({ bytes, total }: Arriving): string {
	const { list } = words();
	if (!total) return list.arrivingBytes(ltr(size(bytes)));
	return list.arrivingPercent(Math.min(99, Math.floor((100 * bytes) / total)));
}

function whyText(why: Why | null, { why: texts }: List): string {
	if (!why) return '';
	return why.kind === 'text' ? why.text : texts[why.kind];
}

const AT_ONCE = ['locked', 'key', 'failed'];

/** now: the server's; null: without what is counted. */
export function shownText(shown: Shown, now: number | null): string {
	const { list } = words();
	switch (shown.kind) {
	case 'arriving': return arrivingText(shown.arriving!);
	case 'dead': return (AT_ONCE.includes(shown.why?.kind ?? '') ? list.deadAtOnce : list.dead)(whyText(shown.why, list));
	case 'absent': return list.absent(shown.why?.kind === 'text' ? '' : whyText(shown.why, list));
	case 'other': return whyText(shown.why, list);
	default: return list.state[shown.kind](now === null || shown.nextTryAt === null ? null : Math.max(0, Math.ceil((shown.nextTryAt - now) / 1000)));
	}
}

/** For other parts of the page: what is shown of this recording of the call, now. */
export const stateText = (call: Call, recording: Recording | null = mainOf(call), now: number | null = null): string => shownText(shownOf(call, recording), now);

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const KEPT = ['queued', 'arriving', 'limited', 'slow', 'broke', 'early', 'undelivered', 'forbidden', 'ready', 'differs', 'full', 'ours'];

/** For how many days it was kept; null: nobody says, or for less than one. */
export function keptDays({ started_at: from, expires_at: until }: Pick<Recording, 'started_at' | 'expires_at'>): number | null {
	return from && until ? Math.round((Date.parse(until) - Date.parse(from)) / DAY_MS) || null : null;
}

/** Of one that has expired: why, and until when it can come back. */
export function expiredText(recording: Recording, now: number): string {
	const { errors, list } = words();
	const { removal_at: until } = recording;
	const why = errors.expired(keptDays(recording));
	return until && Date.parse(until) > now ? `${why} ${list.backUntil(shortDay(new Date(until)))}` : why;
}

export interface Kept {
	text: string;
	tone: 'usual' | 'soon' | 'held';
}

/** Until when it is kept; null: nothing is. */
export function keptOf(recording: Recording | null, { kind }: Shown, now: number): Kept | null {
	const { list } = words();
	if (!recording || !KEPT.includes(kind)) return null;
	if (recording.held) return { text: list.held, tone: 'held' };
	if (!recording.expires_at) return { text: list.always, tone: 'usual' };
	const left = Date.parse(recording.expires_at) - now;
	if (left >= DAY_MS) return { text: shortDay(new Date(recording.expires_at)), tone: 'usual' };
	return { text: left >= HOUR_MS ? list.inHours(Math.floor(left / HOUR_MS)) : list.inMinutes(Math.max(1, Math.floor(left / 60_000))), tone: 'soon' };
}

/** "call from +1 503 555 0155 (inbound)" */
export function callName(call: Call): string {
	const { list } = words();
	const number = otherNumber(call);
	if (!number) return list.callOf(`CA…${tailOf(call)}`);
	return (isInbound(call) ? list.callFrom : list.callTo)(grouped(number));
}

const lower = (text: string): string => (/^\p{Lu}\p{Ll}/u.test(text) && !text.startsWith('Twilio') ? text[0]!.toLowerCase() + text.slice(1) : text);

function dayName(date: Date, days: { today: string; yesterday: string; day: string }): string {
	const { list } = words();
	if (days.day === days.today) return lower(list.today);
	return days.day === days.yesterday ? lower(list.yesterday) : shortDay(date);
}

/** The whole row, as it is read out. */
export function rowName(call: Call, shown: Shown, kept: Kept | null, days: { today: string; yesterday: string; day: string }): string {
	const { list } = words();
	const number = otherNumber(call);
	const date = new Date(call.started_at);
	const who = number ? (isInbound(call) ? list.rowFrom : list.rowTo)(grouped(number)) : list.rowOf(`CA…${tailOf(call)}`);
	return [
		who,
		`${dayName(date, days)} ${minuteOf(date)}`,
		call.duration === null ? '' : list.lengthName(call.duration),
		lower(statusText(call.status)),
		lower(shownText(shown, null)),
		call.recording_count > 1 ? list.recordings(call.recording_count) : '',
		kept ? (kept.tone === 'usual' && kept.text !== list.always ? list.keptUntil(kept.text) : lower(kept.text)) : '',
	].filter(Boolean).join(', ');
}
