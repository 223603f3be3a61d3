// What is done to a call from the list.
import { ApiError } from '../api';
import { retryCallDeed } from '../details/deeds';
import { announceFailure } from '../parts/announce';
import { copyText } from '../parts/copy';
import { errorWords } from '../parts/errors';
import { toast } from '../parts/toast';
import { play, playing, prepare, toggle } from '../player/control';
import { may } from '../session';
import type { Call } from '../types';
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
export async function retryCallOf(call: Call): Promise<void> {
	try {
		await retryCallDeed(call.call_sid);
	} catch (error) {
		const { list } = words();
		const text = error instanceof ApiError && error.code === 'conflict' ? list.nothingToRetry : errorWords(error).text;
		announceFailure(text);
		toast(text);
	}
}

async function copied(text: string, done: string): Promise<void> {
	toast((await copyText(text)) ? done : words().list.notCopied);
}

export const copyNumber = (call: Call): Promise<void> => copied(otherNumber(call) ?? '', words().list.copiedNumber);
export const copySid = (call: Call): Promise<void> => copied(call.call_sid, words().list.copiedSid);

/** For colleagues: it opens the details of the call, after they signed in. */
export function copyLink(call: Call): Promise<void> {
	const address = new URL(hashOf({ ...view.value, page: 'calls', tab: 'all', q: '', from: '', to: '', state: '', call: call.call_sid, t: null }), location.href);
	return copied(address.href, words().list.copiedLink);
}
