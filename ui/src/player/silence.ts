// Skipping silence: where nobody speaks, the sound goes on shortly before the next word.

/** Seconds from the beginning. */
export type Span = [from: number, to: number];

/** So much of the pause is left before speech. */
export const LEAD_S = 0.15;

const spanAt = (silence: readonly Span[], timeS: number): Span | undefined => {
	let low = 0;
	let high = silence.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (silence[middle]![1] <= timeS) low = middle + 1;
		else high = middle;
	}
	const span = silence[low];
	return span && span[0] <= timeS ? span : undefined;
};

/** Where speech goes on from a time: the time itself where somebody speaks. */
function speechFrom(silence: readonly Span[], timeS: number): number {
	const span = spanAt(silence, timeS);
	return span ? Math.max(timeS, span[1] - LEAD_S) : timeS;
}

/** Where to go on from; null: here.  Within a loop it stays within: what is silent up to its end leads to its beginning. */
export function skipFrom(silence: readonly Span[], timeS: number, loop: Span | null = null): number | null {
	const to = speechFrom(silence, timeS);
	if (to === timeS) return null;
	if (!loop || to < loop[1]) return to;
	const first = speechFrom(silence, loop[0]);
	return first < loop[1] && first < timeS ? first : null;
}

/** What skipping saves, in seconds. */
export const savedS = (silence: readonly Span[]): number =>
	silence.reduce((sum, [from, to]) => sum + Math.max(0, to - from - LEAD_S), 0);
