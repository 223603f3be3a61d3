// What a person does to a recording: done, and said; whoever asks shows what was refused (ApiError).
import { endHold, hold, removeRecording, retryCall, retryRecording } from '../api';
import { toast } from '../parts/toast';
import { store } from '../store';
import { words } from '../words';

/** Counts what was done here: details that are open look anew, whether or not an event comes. */
export const deedsDone = store(0);

function done(text: string): void {
	toast(text);
	deedsDone.set(deedsDone.value + 1);
}

export async function retryDeed(recordingSid: string): Promise<void> {
	await retryRecording(recordingSid);
	done(words().common.done.asked);
}

/** All recordings of the call that can be asked for again. */
export async function retryCallDeed(callSid: string): Promise<void> {
	await retryCall(callSid);
	done(words().common.done.asked);
}

export async function holdDeed(recordingSid: string, reason: string): Promise<void> {
	await hold(recordingSid, reason);
	done(words().common.done.held);
}

export async function endHoldDeed(recordingSid: string): Promise<void> {
	await endHold(recordingSid);
	done(words().common.done.holdEnded);
}

export async function removeDeed(recordingSid: string): Promise<void> {
	await removeRecording(recordingSid);
	done(words().common.done.deleted);
}
