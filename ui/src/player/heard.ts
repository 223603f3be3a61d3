// Which parts of a recording were heard, for the audit.
import type { Span } from './silence';

/** Parts that touch, or nearly do, are one. */
const GAP_S = 0.3;
/** As many as one report may have. */
const MOST = 200;

/** The ranges with another one, in order and joined. */
export function withRange(ranges: readonly Span[], from: number, to: number): Span[] {
	if (to <= from) return [...ranges];
	const joined: Span = [from, to];
	const apart = ranges.filter(([a, b]) => {
		if (b < joined[0] - GAP_S || a > joined[1] + GAP_S) return true;
		joined[0] = Math.min(joined[0], a);
		joined[1] = Math.max(joined[1], b);
		return false;
	});
	return [...apart, joined].sort((one, other) => one[0] - other[0]);
}

const rounded = (timeS: number): number => Math.round(timeS * 10) / 10;

/** Gathers what is heard between two reports. */
export class Heard {
	#ranges: Span[] = [];
	#lastS: number | null = null;

	/** The sound is at this second, and was before at the one told last, unless that is further than `mostS` away. */
	at(timeS: number, mostS: number): void {
		const last = this.#lastS;
		if (last !== null && timeS > last && timeS - last <= mostS) this.#ranges = withRange(this.#ranges, last, timeS);
		this.#lastS = timeS;
	}

	/** What comes next does not go on from here: it was paused, or sought. */
	cut(): void {
		this.#lastS = null;
	}

	/** What is to be reported, and forgotten by that; null: nothing. */
	take(): Span[] | null {
		const ranges = this.#ranges.map(([a, b]): Span => [rounded(a), rounded(b)]).filter(([a, b]) => b > a);
		this.#ranges = [];
		return ranges.length ? ranges.slice(0, MOST) : null;
	}
}
