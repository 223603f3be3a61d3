// Why a wanted play does not sound, and what becomes of it.  A media element says only "error": the page asks the same
// address for two bytes and reads what the server says.
import { ApiError, errorOf } from '../api';
import { fromHere } from './audio';

export type Trouble =
	/** It has not sounded for 8 s, and nothing says why. */
	| { kind: 'slow' }
	/** Sought where nothing is yet. */
	| { kind: 'loading'; atS: number }
	| { kind: 'offline'; atS: number }
	/** Closed short again and again. */
	| { kind: 'broke'; atS: number }
	| { kind: 'undecodable' }
	/** There is nothing that sound could come out of. */
	| { kind: 'no_output' }
	/** againAtMs: when it is tried again by itself (performance.now()); null: not by time. */
	| { kind: 'refused'; error: ApiError; againAtMs: number | null };

/** Does its sentence stand in the place of the lanes? */
const IN_THE_WAY = ['refused', 'broke', 'undecodable', 'no_output'];
export const isInTheWay = (trouble: Trouble | null): boolean => trouble !== null && IN_THE_WAY.includes(trouble.kind);

/**
 * Where a machine has no sound output, or another program keeps it, Firefox and Chromium say of the file that it could
 * not be decoded; only their messages tell the two apart.  Safari plays in silence.
 */
export const isWithoutOutput = (error: MediaError | null): boolean => /MEDIASINK|MediaSink|AUDIO_RENDERER_ERROR/.test(error?.message ?? '');

export type Probe = { kind: 'fine'; etag: string | null } | { kind: 'refused'; error: ApiError } | { kind: 'silent' };

const HEAD_ALONE = { Range: 'bytes=0-1' };

/** Is it sent to a bucket?  null: that cannot be found out just now. */
export async function isSentAway(address: string): Promise<boolean | null> {
	try {
		const answer = await fetch(address, { headers: HEAD_ALONE, redirect: 'manual' });
		void answer.body?.cancel();
		if (answer.type === 'opaqueredirect') return true;
		return answer.ok ? false : null;
	} catch {
		return null;
	}
}

/** Reads nothing but the head. */
export async function probe(address: string, signal: AbortSignal): Promise<Probe> {
	try {
		const answer = await fetch(fromHere(address), { headers: HEAD_ALONE, signal });
		if (!answer.ok) return { kind: 'refused', error: await errorOf(answer) };
		void answer.body?.cancel();
		return { kind: 'fine', etag: answer.headers.get('ETag') };
	} catch {
		return { kind: 'silent' };
	}
}

/** MediaError.MEDIA_ERR_NETWORK */
export const BROKEN_NETWORK = 2;

export interface Broken {
	/** MediaError.code; 0: it ended too early. */
	code: number;
	/** Silent retries so far. */
	tries: number;
	/** Has anything of it been played? */
	hasSounded: boolean;
	isOnline: boolean;
}

export type Verdict = 'again' | 'broke' | 'undecodable' | 'offline' | 'refused' | 'no_answer';

export const TRIES = 2;

/** A file that is there and sounded breaks off twice in silence; one that never did is none that this browser plays. */
export function verdictOf({ code, tries, hasSounded, isOnline }: Broken, kind: Probe['kind']): Verdict {
	if (kind === 'refused') return 'refused';
	if (kind === 'silent') return isOnline ? 'no_answer' : 'offline';
	if (hasSounded || code === BROKEN_NETWORK || code === 0) return tries < TRIES ? 'again' : 'broke';
	// a refusal may have ended between the error and the probe: once more, then it is the file
	return tries < 1 ? 'again' : 'undecodable';
}

/** In how many seconds it is tried again by itself; null: when an event tells of it, or a person asks. */
export function againInS({ code, retryAfterS }: Pick<ApiError, 'code' | 'retryAfterS'>): number | null {
	switch (code) {
	case 'upstream_unavailable':
		return retryAfterS || 30;
	case 'overloaded':
	case 'rate_limited':
	case 'no_answer':
		return retryAfterS || 5;
	case 'recording_not_available':
		return retryAfterS || null;
	default:
		return null;
	}
}

/** Ended well before its known end: the connection closed short, unless it ended there the time before as well. */
export function endedShort(timeS: number, durationS: number | null, lastEndS: number | null): boolean {
	if (durationS === null || timeS >= durationS - Math.max(2, durationS * 0.01)) return false;
	return lastEndS === null || Math.abs(lastEndS - timeS) > 0.5;
}

export const noAnswer = (): ApiError => new ApiError('no_answer', '', 0, 0, null);
