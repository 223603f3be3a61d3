// Links to what sounds: for colleagues, who sign in, and for anybody, for a time.
import { makeLink, revokeLink } from '../api';
import { announceFailure } from '../parts/announce';
import { copyText } from '../parts/copy';
import { errorWords } from '../parts/errors';
import { momentText } from '../parts/format';
import { toast } from '../parts/toast';
import { words } from '../words';
import { timeNow } from './audio';
import type { Track } from './control';
import { sound } from './engine';
import { mainOf } from './recordings';
import { timeText } from './time';

export const DAYS = [1, 7, 30];

export interface Linked {
	callSid: string;
	recordingSid: string;
	/** The one that the call's own address opens. */
	isMain: boolean;
	/** How many recordings the call has, where a link may be to all of them. */
	all?: number;
}

/** Where it sounds, in whole seconds; 0: it is not what sounds, or at its beginning. */
export const momentOf = ({ recordingSid }: Linked): number => (sound.value.source?.id === recordingSid ? Math.floor(timeNow()) : 0);

export const linkedOf = ({ call, recordingSid, recordings }: Track): Linked => ({ callSid: call.call_sid, recordingSid, isMain: recordingSid === mainOf(call), all: recordings.length });

export function colleagueAddress({ callSid, recordingSid, isMain }: Linked, atS: number): string {
	return `${location.origin}/#all&call=${callSid}${isMain ? '' : `&recording=${recordingSid}`}${atS > 0 ? `&t=${atS}` : ''}`;
}

/** Copies it; null: copied, else the address that a person is to copy. */
export async function copyForColleagues(linked: Linked, atS: number): Promise<string | null> {
	const address = colleagueAddress(linked, atS);
	if (!(await copyText(address))) return address;
	toast(words().player.colleagueCopied);
	return null;
}

async function revoke(name: string): Promise<void> {
	const { player } = words();
	try {
		await revokeLink(name);
		toast(player.revoked);
	} catch {
		announceFailure(player.notRevoked);
		toast(player.notRevoked);
	}
}

/** As above; throws ApiError.  isWhole: to all recordings of the call, and this is the one that it begins with. */
export async function copyForAnybody({ callSid, recordingSid }: Linked, days: number, atS: number, isWhole = false): Promise<string | null> {
	const { player } = words();
	const link = await makeLink(isWhole ? { call_sid: callSid, whole_call: true } : { recording_sid: recordingSid }, `${days}d`);
	const address = `${link.url}${atS > 0 ? `&t=${atS}` : ''}${isWhole ? `&recording=${recordingSid}` : ''}`;
	if (!(await copyText(address))) return address;
	const until = momentText(link.expires_at);
	toast(isWhole ? player.wholeCopied(until) : player.linkCopied(atS > 0 ? timeText(atS) : null, until), { action: { label: player.revoke, onSelect: () => void revoke(link.name) } });
	return null;
}

/** The key: what the menu's first line does, without the menu. */
export async function copyHere(linked: Linked): Promise<void> {
	const address = await copyForColleagues(linked, momentOf(linked));
	if (address) announceFailure(words().player.copyByHand);
}

export const failureText = (error: unknown): string => errorWords(error).text;
