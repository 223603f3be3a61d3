// Why a call, or one of its recordings, does not play: what the box at the top of the details says.
import { expiredText, shownText } from '../list/say';
import { isOver, shownOf, whyOf } from '../list/states';
import type { Call, Recording } from '../types';
import type { AllWords } from '../later_words';

export interface Verdict {
	/** f: something is wrong; w: it may come yet; n: that is how it is. */
	tone: 'f' | 'w' | 'n';
	title: string;
	why: string;
	/** What a person may have done about it; null: nothing. */
	way: 'retry' | 'try_now' | null;
}

const HOUR_MS = 3_600_000;

/** How long was tried, in hours; null: it is not known. */
export function triedHours({ attempts = [] }: Recording): number | null {
	const times = attempts.flatMap(({ began_at: began, ended_at: ended }) => [Date.parse(began), Date.parse(ended ?? began)]);
	const hours = Math.round((Math.max(...times) - Math.min(...times)) / HOUR_MS);
	return hours >= 1 ? hours : null;
}

/** In the page's words, or the server's where it has none. */
function reasonText(recording: Recording, { details, list }: AllWords): string {
	const why = whyOf(recording);
	if (!why) return details.noReason;
	return why.kind === 'text' ? why.text : details.lastReason(list.why[why.kind]);
}

const sentence = (text: string): string => (text.endsWith('…') ? text : `${text}.`);

function waiting(call: Call, recording: Recording, now: number, { details, errors, list }: AllWords): Verdict {
	const shown = shownOf(call, recording);
	const verdict = (tone: Verdict['tone'], why: string): Verdict => ({ tone, title: details.notHereYet, why, way: 'try_now' });

	if (shown.kind === 'refused') return verdict('f', errors.refused);
	const said = sentence(shownText(shown, now));
	if (shown.kind === 'full' || shown.kind === 'forbidden') return verdict('f', said);
	const { why } = shown;
	if (!why) return verdict('w', said);
	return verdict('w', why.kind === 'text' ? `${why.text} ${said}` : `${said} ${details.lastReason(list.why[why.kind])}`);
}

/** now: the server's, in milliseconds; null: it plays, or nothing is to be said yet. */
export function verdictOf(call: Call, recording: Recording | undefined, now: number, words: AllWords): Verdict | null {
	const { details, errors, list } = words;
	const final = (why: string): Verdict => ({ tone: 'n', title: details.cannotPlay, why, way: null });

	if (!recording) return { tone: 'n', title: details.noRecording, why: isOver(call) ? errors.notRecorded : errors.notYet, way: null };
	if (recording.state === 'purged' || recording.state === 'deleted') return final(errors.deleted);
	if (recording.expired) return final(expiredText(recording, now));
	switch (recording.state) {
	case 'absent': return final(whyOf(recording)?.kind === 'key' ? `${list.absent(list.why.key)}.` : errors.absent);
	case 'gone': return { tone: 'f', title: details.cannotPlay, why: details.goneWhy, way: 'retry' };
	case 'dead': return { tone: 'f', title: details.cannotPlay, why: details.deadWhy(triedHours(recording), reasonText(recording, words)), way: 'retry' };
	case 'waiting': return recording.arriving ? null : waiting(call, recording, now, words);
	default: return null;
	}
}
