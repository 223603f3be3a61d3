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
	/** Of a link to a whole call. */
	recordings?: Part[];
}

/** One of the recordings that a link opens. */
export interface Part {
	recording_sid: string;
	started_at: string | null;
	duration?: number;
}

/** Where one of them is had. */
export function partAddresses(name: string, { recording_sid: sid, duration }: Part): { id: string; media: string; waveform: string; heard: string; download: string; durationS: number | null } {
	const at = (what: string): string => `/l/${name}/${what}?recording=${sid}`;
	return { id: `${name} ${sid}`, media: at('media'), waveform: at('waveform'), heard: at('heard'), download: `${at('media')}&download=1`, durationS: duration ?? null };
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

/** null: that is no reason to show nothing.  Of several recordings one may be gone. */
export function shutBy(error: unknown, isOneOfSeveral = false): Shut | null {
	if (!(error instanceof ApiError)) return null;
	return isOneOfSeveral && error.code.startsWith('recording_') ? null : (SHUT[error.code] ?? null);
}

export async function openLink(name: string, secret: string): Promise<Opened | Shut> {
	try {
		return await ask<Opened>(`/l/${name}/open`, { method: 'POST', body: { secret } });
	} catch (error) {
		const refusal = refusalOf(error);
		return shutBy(error) ?? { title: ({ pages }) => pages.linkFailed, how: refusal.text };
	}
}

export const isShut = (found: Opened | Shut): found is Shut => 'how' in found;

/** "#SECRET&t=83", and where the link is to a whole call "&recording=RE…" */
export function addressOf(hash: string): { secret: string; fromS: number; recordingSid: string } {
	const [secret = '', ...rest] = hash.replace(/^#/, '').split('&');
	const said = new URLSearchParams(rest.join('&'));
	const t = said.get('t') ?? '';
	return { secret, fromS: /^\d+(\.\d+)?$/.test(t) ? Number(t) : 0, recordingSid: said.get('recording') ?? '' };
}
