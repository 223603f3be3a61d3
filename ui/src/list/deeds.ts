// What is done to a call from the list.
import { ApiError } from '../api';
import { endHoldDeed, retryCallDeed } from '../details/deeds';
import { announceFailure } from '../parts/announce';
import { copyText } from '../parts/copy';
import { errorWords } from '../parts/errors';
import { toast } from '../parts/toast';
import { play, playing, prepare, toggle } from '../player/control';
import { may } from '../session';
import type { Call, Recording } from '../types';
import { hashOf, view } from '../view';
import { words } from '../words';
import { otherNumber } from './say';
import { shownOf } from './states';

export const canPlay = (call: Call): boolean => may('play') && shownOf(call).slot === 'play';
export const canRetry = (call: Call): boolean => may('change') && shownOf(call).slot === 'retry';

export function togglePlay(call: Call): void {
	if (playing.value?.callSid === call.call_sid) toggle();
	else if (canPlay(call)) play(call);
}

/** Before the click: what can be read by then is. */
export function warm(call: Call): void {
	if (canPlay(call) && playing.value?.callSid !== call.call_sid) prepare(call);
}

/** What was refused is said: the row itself shows how it is. */
async function tried(deed: Promise<void>, onConflict?: string): Promise<void> {
	try {
		await deed;
	} catch (error) {
		const text = onConflict && error instanceof ApiError && error.code === 'conflict' ? onConflict : errorWords(error).text;
		announceFailure(text);
		toast(text);
	}
}

export const retryCallOf = (call: Call): Promise<void> => tried(retryCallDeed(call.call_sid), words().list.nothingToRetry);
export const endHoldOf = (recording: Recording): Promise<void> => tried(endHoldDeed(recording.recording_sid));

async function copied(text: string, done: string): Promise<void> {
	toast((await copyText(text)) ? done : words().list.notCopied);
}

export const copyNumber = (call: Call): Promise<void> => copied(otherNumber(call) ?? '', words().list.copiedNumber);
export const copySid = (call: Call): Promise<void> => copied(call.call_sid, words().list.copiedSid);

/** For colleagues: it opens the details of the call, after they signed in. */
export function copyLink(call: Call): Promise<void> {
	const address = new URL(hashOf({ ...view.value, page: 'calls', tab: 'all', q: '', from: '', to: '', state: '', call: call.call_sid, recording: '', t: null }), location.href);
	return copied(address.href, words().list.copiedLink);
}
