// How callspool is: asked while it is looked at.
import { ask } from '../api';
import { may, mustSignIn } from '../session';
import { store } from '../store';
import type { Checked } from './checked';

export interface Complete {
	text: string;
	recordings: number;
	here: number;
	to_be_fetched: number;
	given_up: number;
	expired: number;
	listed: boolean;
	since: string | null;
	listed_at: string | null;
	failing_since: string | null;
	failure: string | null;
}

export type Refused = Record<'unsigned' | 'unknown_account' | 'wrong_signature' | 'no_public_url', number>;

/** Of /api/health; with the right `status` also what /api/status adds. */
export interface Health {
	degraded: boolean;
	version: string;
	started_at: string | null;
	free_bytes: number;
	min_free_bytes?: number;
	/** When no more than that will be free; null: not known, or not soon. */
	disk_full_at?: string | null;
	/** In seconds; null: for ever.  `grace`: how much later they are removed; `accounts`: how many have rules of their own. */
	retention?: { inbound: number | null; outbound: number | null; grace: number | null; accounts: number };
	/** What the server found when it examined itself last; null: it has not yet. */
	checks?: Checked | null;
	/** Since the start. */
	plays?: { from_store: number; all: number };
	causes: string[];
	complete: Complete;
	recordings: Record<string, number>;
	calls: number;
	bytes_stored: number;
	oldest_queued_at: string | null;
	webhooks?: { last_taken_at: string | null; taken?: number; refused?: Refused; last_refused_at?: string | null; last_refused_from?: string | null; last_refused_to?: string | null; public_url?: string | null };
	fetching?: { last_stored_at: string | null; outage_since: string | null; accounts_refused: number };
}

export type Tone = 'good' | 'warn' | 'bad';

/** Which of the causes one is, worst first; what the server says besides is a warning in its own words. */
const CAUSES = [
	['ledgerWrite', 'bad', /^The ledger cannot be written/],
	['ledgerRead', 'bad', /^Not all of the ledger can be read/],
	['storeRead', 'bad', /^Stored files cannot be opened/],
	['credentials', 'bad', /^Twilio refuses the credentials/],
	['signature', 'bad', /^Webhooks are refused: their signature/],
	['noPublicUrl', 'bad', /^Webhooks are refused: public_url/],
	['unknownAccount', 'bad', /^Webhooks are refused: their AccountSid/],
	['unsigned', 'bad', /^Webhooks are refused: they have no X-Twilio-Signature/],
	['exhausted', 'bad', /^The disk is full, and so is/],
	['noStore', 'bad', /^The store does not answer/],
	['storeWrite', 'bad', /^The store takes no files/],
	['noRoom', 'bad', /^The disk has less room than min_free/],
	['missing', 'bad', /^Of \d+ recordings the stored file is missing or damaged/],
	['unmended', 'bad', /damaged files of the store cannot be mended/],
	['examined', 'bad', /^The server examined itself/],
	['outage', 'warn', /^Twilio does not answer as it should/],
	['spent', 'warn', /^The disk was full: webhooks use/],
	['dead', 'warn', /^There are dead letters/],
	['old', 'warn', /^A recording waits/],
	['list', 'warn', /^Twilio's list of recordings/],
	['aside', 'warn', /could not be worked into the ledger/],
	['mending', 'warn', /^Of \d+ recordings the stored file was missing or damaged/],
	['uncompared', 'warn', /^The store cannot be compared with the ledger/],
	['removal', 'warn', /^Removal waits/],
	['clock', 'warn', /^This machine's clock is not believed/],
	['notifyGone', 'warn', /^notify_url answered 410/],
	['notifyFails', 'warn', /^notify_url takes nothing/],
	['notifyWaits', 'warn', /^A webhook to notify_url waits/],
	['notifyDead', 'warn', /to notify_url (was|were) given up/],
] as const;

export type CauseName = (typeof CAUSES)[number][0];

export interface Cause {
	/** null: one that this page does not know. */
	name: CauseName | null;
	tone: 'warn' | 'bad';
	/** The server's sentence. */
	text: string;
}

const rank = ({ name }: Cause): number => (name ? CAUSES.findIndex(([one]) => one === name) : CAUSES.length);

export function causesOf({ causes }: Pick<Health, 'causes'>): Cause[] {
	const found = causes.map((text): Cause => {
		const [name, tone] = CAUSES.find(([, , sentence]) => sentence.test(text)) ?? [null, 'warn' as const];
		return { name, tone, text };
	});
	return found.sort((a, b) => rank(a) - rank(b));
}

export function toneOf(health: Pick<Health, 'causes' | 'degraded'>): Tone {
	const [worst] = causesOf(health);
	return worst?.tone ?? (health.degraded ? 'warn' : 'good');
}

export const health = store<Health | null>(null);
/** Of the dot beside Health; null: not known. */
export const healthTone = store<Tone | null>(null);
/** Of the last question; null: it was answered. */
export const healthError = store<unknown>(null);

let turn = 0;

export async function lookAtHealth(): Promise<void> {
	const mine = (turn += 1);
	try {
		const told = await ask<Health>(may('status') ? '/api/status' : '/api/health');
		if (mine !== turn) return;
		health.set(told);
		healthTone.set(toneOf(told));
		healthError.set(null);
	} catch (error) {
		if (mine === turn) healthError.set(error);
	}
}

/** Looks now and every so often, while the page can be seen and somebody is signed in; returns what ends it. */
export function watchHealth(everyMs: number): () => void {
	const look = (): void => {
		if (document.visibilityState === 'visible' && !mustSignIn.value) void lookAtHealth();
	};
	const timer = setInterval(look, everyMs);
	document.addEventListener('visibilitychange', look);
	look();
	return () => {
		clearInterval(timer);
		document.removeEventListener('visibilitychange', look);
	};
}
