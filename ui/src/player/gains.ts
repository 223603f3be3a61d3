// How loud each side is.

export interface Side {
	/** −12 … +12. */
	db: number;
	isMuted: boolean;
	isSolo: boolean;
}

export const LEVEL_DB = 12;
const EVEN_LUFS = -20;
const EVEN_MOST_DB = 12;
/** A side may be far too loud, but nobody is turned off by evening out. */
const EVEN_LEAST_DB = -24;

export const clampedDb = (db: number): number => Math.max(-LEVEL_DB, Math.min(LEVEL_DB, Math.round(db)));

/** What brings a side to the common loudness; a silent one stays as it is. */
export function evenDb(lufs: number | null | undefined): number {
	if (lufs === null || lufs === undefined) return 0;
	return Math.max(EVEN_LEAST_DB, Math.min(EVEN_MOST_DB, EVEN_LUFS - lufs));
}

export const gainOfDb = (db: number): number => 10 ** (db / 20);

/** The factor of each side; loudness is left out where sides are not evened out. */
export function gainsOf(sides: readonly Side[], loudness: readonly (number | null)[] | null): number[] {
	const isAnySolo = sides.some((side) => side.isSolo);
	return sides.map((side, i) => {
		const isHeard = isAnySolo ? side.isSolo : !side.isMuted;
		return isHeard ? gainOfDb(side.db + (loudness ? evenDb(loudness[i]) : 0)) : 0;
	});
}

/** Is anything else than what the file has? */
export const isTouched = (sides: readonly Side[], isEven: boolean): boolean =>
	isEven || sides.some((side) => side.db !== 0 || side.isMuted || side.isSolo);
