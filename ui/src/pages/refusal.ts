// The words for a refusal of the forms: sign-in, invitation.
import { ApiError } from '../api';
import type { AllWords } from '../later_words';

/** A text of the pages, or, of those that count down, how many seconds. */
export interface Refusal {
	text(words: AllWords): string;
	/** "Too many tries": counted down from here. */
	waitS?: number;
}

const REASONS = ['too_short', 'too_long', 'not_text', 'name', 'common', 'sequence', 'breached'] as const;
type Reason = (typeof REASONS)[number];

function ofPassword({ body }: ApiError): Refusal | null {
	const reason = REASONS.find((one) => one === body['reason']);
	return reason ? { text: ({ pages }) => pages.passwordRefused[reason as Reason](Number(body['min'])) } : null;
}

const FEW = 5; // whoever mistypes once is not counted at

function wrong({ body }: ApiError): Refusal {
	const left = Number(body['tries_left']);
	return { text: ({ pages }) => pages.wrong(left <= FEW ? left : null) };
}

export function refusalOf(error: unknown): Refusal {
	if (!(error instanceof ApiError)) return { text: ({ errors }) => errors.failed(null) };
	const { code, status, requestId } = error;
	const waitS = Math.max(error.retryAfterS, 1);

	switch (code) {
	case 'no_answer': return { text: ({ errors }) => errors.noAnswer };
	case 'rate_limited': return { text: ({ pages }) => pages.throttled(waitS), waitS };
	case 'account_locked': return { text: ({ pages }) => pages.accountLocked };
	case 'sign_in_failed': return wrong(error);
	case 'no_cookie': return { text: ({ pages }) => pages.noCookie };
	case 'https_required': return { text: ({ pages }) => pages.httpsRequired };
	case 'overloaded': return { text: ({ pages }) => pages.overloaded };
	case 'foreign_origin': return { text: ({ errors }) => errors.foreignOrigin };
	case 'forbidden': return { text: ({ errors }) => errors.forbidden };
	case 'name_taken': return { text: ({ pages }) => pages.nameTaken };
	case 'password_refused': return ofPassword(error) ?? { text: ({ pages }) => pages.passwordRefused.common(0) };
	default: return { text: ({ errors }) => errors.failed(requestId ?? String(status)) };
	}
}
