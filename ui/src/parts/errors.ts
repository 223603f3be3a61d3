// What the page says to an error, and what a person can do about it.  The server's own sentence is shown in the details of
// a call alone.
import { ApiError } from '../api';
import { words } from '../words';

export type WayOn = 'retry' | 'try_now' | 'health' | 'sign_in' | 'download';

export interface ErrorWords {
	text: string;
	/** null: there is nothing that one could do. */
	way: WayOn | null;
	/** In how many seconds the page tries by itself; null: it does not. */
	againInS: number | null;
}

const TRY_AGAIN_S = 5; // where the server did not say when

/** Not an error of a request: the media element cannot decode what it got. */
export const undecodable = new ApiError('undecodable', '', 0, 0, null);

function upstream(error: ApiError): ErrorWords {
	const { errors } = words();
	const text = error.body['reason'] === 'limited' ? errors.limited : errors.undelivered;
	return { text: text(error.retryAfterS || null), way: 'try_now', againInS: error.retryAfterS || null };
}

/** `isOver`: of a call that is over, when it has no recording; `days`: for how many recordings are kept. */
export function errorWords(error: unknown, { isOver = false, days = null }: { isOver?: boolean; days?: number | null } = {}): ErrorWords {
	const { errors } = words();
	const final = (text: string): ErrorWords => ({ text, way: null, againInS: null });
	const again = (text: string, s: number): ErrorWords => ({ text, way: 'retry', againInS: s });

	if (!(error instanceof ApiError)) return { text: errors.failed(null), way: 'retry', againInS: null };
	switch (error.code) {
	case 'upstream_unavailable': return upstream(error);
	case 'upstream_refused': return { text: errors.refused, way: 'health', againInS: null };
	case 'key_missing': return final(errors.locked);
	case 'recording_not_available': return isOver ? final(errors.notRecorded) : final(errors.notYet);
	case 'recording_absent': return final(errors.absent);
	case 'recording_expired': return final(errors.expired(days));
	case 'recording_deleted': return final(errors.deleted);
	case 'call_not_found':
	case 'recording_not_found': return final(errors.unknown);
	case 'unauthenticated': return { text: errors.signedOut, way: 'sign_in', againInS: null };
	case 'forbidden': return final(errors.forbidden);
	case 'foreign_origin': return final(errors.foreignOrigin);
	case 'conflict': return final(errors.conflict);
	case 'overloaded':
	case 'rate_limited': return again(errors.overloaded(error.retryAfterS || TRY_AGAIN_S), error.retryAfterS || TRY_AGAIN_S);
	case 'no_answer': return again(errors.noAnswer, TRY_AGAIN_S);
	case 'undecodable': return { text: errors.undecodable, way: 'download', againInS: null };
	default: return { text: errors.failed(error.requestId), way: 'retry', againInS: null };
	}
}
