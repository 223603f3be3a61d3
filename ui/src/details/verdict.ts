// Why a call, or one of its recordings, does not play: what the box at the top of the details says.
import { serverNow } from '../api';
import type { Call, Recording } from '../types';
import type { Words } from '../words';

export interface Verdict {
	/** f: something is wrong; w: it may come yet; n: that is how it is. */
	tone: 'f' | 'w' | 'n';
	title: string;
	why: string;
	/** What a person may have done about it; null: nothing. */
	way: 'retry' | 'try_now' | null;
}

const OVER = ['completed', 'busy', 'no-answer', 'failed', 'canceled'];

export const isOver = ({ status, ended_at: endedAt }: Call): boolean => endedAt !== null || OVER.includes(status ?? '');

/** Seconds until then by the server's clock; null: it is not told, or is now. */
export function secondsUntil(iso: string | null | undefined): number | null {
	const s = iso ? Math.ceil((Date.parse(iso) - serverNow()) / 1000) : 0;
	return s > 0 ? s : null;
}

const HOUR_MS = 3_600_000;

/** How long was tried, in hours; null: it is not known. */
export function triedHours({ attempts = [] }: Recording): number | null {
	const times = attempts.flatMap(({ began_at: began, ended_at: ended }) => [Date.parse(began), Date.parse(ended ?? began)]);
	const hours = Math.round((Math.max(...times) - Math.min(...times)) / HOUR_MS);
	return hours >= 1 ? hours : null;
}

function waiting(recording: Recording, { details, errors }: Words): Verdict {
	const { reason } = recording;
	const inS = secondsUntil(recording.next_try_at);
	const verdict = (tone: Verdict['tone'], why: string): Verdict => ({ tone, title: details.notHereYet, why, way: 'try_now' });

	if (reason?.code === 'upstream_refused') return verdict('f', errors.refused);
	if (reason?.code === 'internal') return verdict('f', details.ourDisk(reason.text));
	if (/^Twilio limits/.test(reason?.text ?? '')) return verdict('w', errors.limited(inS));
	return verdict('w', `${details.reasonOf(reason?.text ?? null)}${inS ? ` ${details.nextTry(inS)}` : ''}`);
}

/** null: it plays, or nothing is to be said yet. */
export function verdictOf(call: Call, recording: Recording | undefined, words: Words): Verdict | null {
	const { details, errors } = words;
	const final = (why: string): Verdict => ({ tone: 'n', title: details.cannotPlay, why, way: null });

	if (!recording) return { tone: 'n', title: details.noRecording, why: isOver(call) ? errors.notRecorded : errors.notYet, way: null };
	if (recording.state === 'purged' || recording.state === 'deleted') return final(errors.deleted);
	if (recording.expired) return final(errors.expired(null));
	switch (recording.state) {
	case 'absent': return final(errors.absent);
	case 'gone': return { tone: 'f', title: details.cannotPlay, why: details.goneWhy, way: 'retry' };
	case 'dead': return { tone: 'f', title: details.cannotPlay, why: details.deadWhy(triedHours(recording), details.reasonOf(recording.reason?.text ?? null)), way: 'retry' };
	case 'waiting': return recording.arriving ? null : waiting(recording, words);
	default: return null;
	}
}
