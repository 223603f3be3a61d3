// What a person does to a recording: done, and said; whoever asks shows what was refused (ApiError).
import { endHold, hold, removeRecording, retryCall, retryRecording } from '../api';
import { toast } from '../parts/toast';
import { words } from '../words';

export async function retryDeed(recordingSid: string): Promise<void> {
	await retryRecording(recordingSid);
	toast(words().details.retryDone);
}

/** All recordings of the call that can be asked for again. */
export async function retryCallDeed(callSid: string): Promise<void> {
	await retryCall(callSid);
	toast(words().details.retryDone);
}

export async function holdDeed(recordingSid: string, reason: string): Promise<void> {
	await hold(recordingSid, reason);
	toast(words().details.heldDone);
}

export async function endHoldDeed(recordingSid: string): Promise<void> {
	await endHold(recordingSid);
	toast(words().details.endHoldDone);
}

export async function removeDeed(recordingSid: string): Promise<void> {
	await removeRecording(recordingSid);
	toast(words().details.deleteDone);
}
