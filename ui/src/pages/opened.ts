// Opening a link: what its secret lets one hear.
import { ApiError, ask } from '../api';
import type { AllWords } from '../later_words';
import { refusalOf } from './refusal';

/** What may be shown of the call; the rest of it is not told. */
export interface Opened {
	direction?: string | null;
	from?: string | null;
	to?: string | null;
	started_at?: string | null;
	duration?: number | null;
	expires_at?: string | null;
}

/** Nothing can be heard (any more): a title and a sentence, in whichever language. */
export interface Shut {
	title(words: AllWords): string;
	how(words: AllWords): string;
}

const newOne = ({ pages }: AllWords): string => pages.linkNew;
const gone: Shut = { title: ({ pages }) => pages.linkGone, how: newOne };

export const NO_SUCH_LINK: Shut = { title: ({ pages }) => pages.linkNotFound, how: ({ pages }) => pages.linkNotFoundHow };

const SHUT: Record<string, Shut> = {
	link_expired: { title: ({ pages }) => pages.linkExpired, how: newOne },
	link_used_up: { title: ({ pages }) => pages.linkUsedUp, how: newOne },
	link_not_found: NO_SUCH_LINK,
	recording_deleted: gone,
	recording_expired: gone,
	recording_not_found: gone,
};

/** null: that is no reason to show nothing. */
export const shutBy = (error: unknown): Shut | null => (error instanceof ApiError ? (SHUT[error.code] ?? null) : null);

export async function openLink(name: string, secret: string): Promise<Opened | Shut> {
	try {
		return await ask<Opened>(`/l/${name}/open`, { method: 'POST', body: { secret } });
	} catch (error) {
		const refusal = refusalOf(error);
		return shutBy(error) ?? { title: ({ pages }) => pages.linkFailed, how: refusal.text };
	}
}

export const isShut = (found: Opened | Shut): found is Shut => 'how' in found;

/** "#SECRET&t=83" */
export function addressOf(hash: string): { secret: string; fromS: number } {
	const [secret = '', ...rest] = hash.replace(/^#/, '').split('&');
	const t = new URLSearchParams(rest.join('&')).get('t') ?? '';
	return { secret, fromS: /^\d+(\.\d+)?$/.test(t) ? Number(t) : 0 };
}
