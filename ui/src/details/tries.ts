// The tries to fetch a recording, as they are shown: newest first, many alike as one.
import type { Attempt, Recording } from '../types';

export interface AttemptRow {
	attempt: Attempt;
	/** Earlier ones that ended the same way, newest first. */
	alike: Attempt[];
	/** Until the next try after it began; null: there is none, or it was at once. */
	waitedS: number | null;
}

const FOLD_FROM = 5;

const key = ({ outcome, http_status: status }: Attempt): string => `${outcome} ${status}`;

function waits(newestFirst: Attempt[]): Map<Attempt, number> {
	const waited = new Map<Attempt, number>();
	newestFirst.forEach((attempt, i) => {
		const next = newestFirst[i - 1];
		if (!next || !attempt.ended_at) return;
		const s = Math.round((Date.parse(next.began_at) - Date.parse(attempt.ended_at)) / 1000);
		if (s > 0) waited.set(attempt, s);
	});
	return waited;
}

function runs(attempts: Attempt[]): Attempt[][] {
	const found: Attempt[][] = [];
	for (const attempt of attempts) {
		const last = found.at(-1);
		if (last && key(last[0]!) === key(attempt)) last.push(attempt);
		else found.push([attempt]);
	}
	return found;
}

export function attemptRows({ attempts = [] }: Recording): AttemptRow[] {
	const newestFirst = [...attempts].sort((a, b) => Date.parse(b.began_at) - Date.parse(a.began_at) || b.attempt - a.attempt);
	const waited = waits(newestFirst);
	const row = (attempt: Attempt, alike: Attempt[] = []): AttemptRow => ({ attempt, alike, waitedS: waited.get(attempt) ?? null });

	return runs(newestFirst).flatMap((run) => (run.length >= FOLD_FROM ? [row(run[0]!, run.slice(1))] : run.map((attempt) => row(attempt))));
}

export type Tone = 'ok' | 'w' | 'f' | 'n';

const TONES: Record<string, Tone> = { stored: 'ok', gone: 'f', absent: 'n', refused: 'f', forbidden: 'f', disk_full: 'f', disk_failed: 'f', error_page: 'f', not_audio: 'f', blocked_address: 'f' };

/** null: it is under way. */
export const toneOf = ({ outcome }: Attempt): Tone => (outcome === null ? 'n' : (TONES[outcome] ?? 'w'));
