// What is shown of a recording in a row: the first of these that fits.
import type { Arriving, Call, Recording } from '../types';

export type Kind =
	| 'none' | 'recording' | 'paused' | 'announced' | 'queued' | 'arriving' | 'limited' | 'slow' | 'broke' | 'early' | 'undelivered'
	| 'refused' | 'forbidden' | 'full' | 'ours' | 'gone' | 'dead' | 'ready' | 'differs' | 'absent' | 'unrecorded' | 'expired' | 'deleted' | 'purged' | 'other';

export type Tone = 'usual' | 'plain' | 'live' | 'warn' | 'bad' | 'off';

export interface Shown {
	kind: Kind;
	tone: Tone;
	/** What stands at the start of the row. */
	slot: 'play' | 'retry' | null;
	/** When it is tried again; null: nobody says. */
	nextTryAt: number | null;
	arriving: Arriving | null;
	/** Of `dead` and `other`: why, in the server's words where the page has none. */
	why: Why | null;
}

/** Why a try failed, as far as the page tells them apart. */
export type Why =
	| { kind: 'limited' | 'slow' | 'broke' | 'early' | 'refused' | 'forbidden' | 'full' | 'unusable' | 'elsewhere' | 'ours' | 'lost' | 'short' | 'silent' | 'key' | 'failed' | 'locked' }
	| { kind: 'text'; text: string };

/** By the words of the server (docs/api.md). */
const WORDS: Record<string, Exclude<Why['kind'], 'text'>> = {
	limited: 'limited',
	timeout: 'slow', unreachable: 'slow', server_error: 'slow', unexpected_status: 'slow', refused_elsewhere: 'slow',
	cut: 'broke', other_bytes: 'broke',
	not_ready: 'early', not_found: 'early', no_dual: 'early',
	error_page: 'unusable', not_audio: 'unusable', encoded: 'unusable', cut_audio: 'unusable',
	refused: 'refused', forbidden: 'forbidden', upstream_refused: 'refused', blocked_address: 'elsewhere',
	disk_full: 'full', disk_failed: 'ours', no_descriptor: 'ours', internal: 'ours', overloaded: 'ours', lost: 'lost',
	too_short: 'short', silent: 'silent', no_key: 'key', upstream_failed: 'failed',
	key_missing: 'locked', key_wrong: 'locked', encryption_unreadable: 'unusable', encryption_unclear: 'unusable', forged: 'unusable', encryption_untold: 'unusable', details_learned: 'early', closed: 'early',
};

/** A word that this page does not know yet, or that says nothing: the server's sentence. */
export function whyOf({ reason }: Recording): Why | null {
	if (!reason) return null;
	const known = Object.hasOwn(WORDS, reason.code) ? WORDS[reason.code] : undefined;
	return known ? { kind: known } : { kind: 'text', text: reason.text };
}

const OVER = ['completed', 'busy', 'no-answer', 'failed', 'canceled'];

export const isOver = ({ status, ended_at }: Call): boolean => ended_at !== null || OVER.includes(status ?? '');

/** The one that a play of the call plays. */
export const mainOf = ({ recordings, main_recording_sid }: Call): Recording | null =>
	recordings.find((one) => one.recording_sid === main_recording_sid) ?? recordings[0] ?? null;

const shown = (kind: Kind, tone: Tone, slot: Shown['slot'] = null): Shown => ({ kind, tone, slot, nextTryAt: null, arriving: null, why: null });

function waiting(recording: Recording): Shown {
	const why = whyOf(recording);
	const nextTryAt = recording.next_try_at ? Date.parse(recording.next_try_at) : null;
	switch (why?.kind) {
	case 'refused': return shown('refused', 'bad');
	case 'full': return shown('full', 'bad');
	case 'limited':
	case 'slow':
	case 'broke':
	case 'early': return { ...shown(why.kind, 'warn', 'play'), nextTryAt };
	case 'forbidden': return { ...shown('forbidden', 'bad'), nextTryAt };
	case 'ours': return { ...shown('ours', 'warn', 'play'), nextTryAt };
	case 'lost': return { ...shown('queued', 'plain', 'play'), nextTryAt };
	default: return { ...shown('undelivered', 'warn', 'play'), nextTryAt, why };
	}
}

function byState(recording: Recording): Shown {
	switch (recording.state) {
	case 'recording': return shown('recording', 'live');
	case 'paused': return shown('paused', 'live');
	case 'announced': return shown('announced', 'plain');
	case 'queued': return shown('queued', 'plain', 'play');
	case 'waiting': return waiting(recording);
	case 'gone': return shown('gone', 'bad', 'retry');
	case 'dead': return { ...shown('dead', 'bad', 'retry'), why: whyOf(recording) };
	case 'stored': return recording.duration_differs ? shown('differs', 'plain', 'play') : shown('ready', 'usual', 'play');
	case 'absent': return { ...shown('absent', 'off'), why: whyOf(recording) };
	case 'deleted': return shown('deleted', 'off');
	case 'purged': return shown('purged', 'off');
	default: return { ...shown('other', 'plain'), why: { kind: 'text', text: recording.reason?.text || recording.state } };
	}
}

const REMOVED: string[] = ['purged', 'deleted', 'absent'];
const FETCHED: string[] = ['queued', 'waiting'];

/** arriving: what an event told since of the bytes that are here. */
export function shownOf(call: Call, recording: Recording | null = mainOf(call), arriving: Arriving | null = null): Shown {
	if (!recording) return isOver(call) ? shown('unrecorded', 'off') : shown('none', 'off');
	if (recording.expired && !REMOVED.includes(recording.state)) return shown('expired', 'off');
	const now = arriving ?? recording.arriving ?? null;
	if (now && FETCHED.includes(recording.state)) return { ...shown('arriving', 'plain', 'play'), arriving: now };
	return byState(recording);
}
