// How long something took or is ago, in one unit.

export interface Span {
	value: number;
	unit: 's' | 'min' | 'h' | 'd';
}

const UNITS: [Span['unit'], number, number][] = [['s', 1, 90], ['min', 60, 90], ['h', 3600, 48], ['d', 86_400, Infinity]];

/** 48 s, 12 min, 5 h, 3 d. */
export function spanOf(seconds: number): Span {
	const s = Math.max(0, seconds);
	for (const [unit, size, up] of UNITS) {
		const value = Math.floor(s / size);
		if (value < up) return { value, unit };
	}
	return { value: Math.floor(s / 86_400), unit: 'd' };
}
