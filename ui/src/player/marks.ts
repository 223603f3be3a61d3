// The times under the lanes.

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export interface Mark {
	timeS: number;
	isHour: boolean;
}

/** So many that neighbours are `apartPx` from each other, on round times; the last stands clear of the end. */
export function marksOf(durationS: number, widthPx: number, apartPx = 64): Mark[] {
	if (!(durationS > 0) || !Number.isFinite(durationS) || !(widthPx > 0)) return [];
	const least = (durationS * apartPx) / widthPx;
	const step = STEPS_S.find((s) => s >= least) ?? Math.ceil(least / 3600) * 3600;
	const marks: Mark[] = [];
	for (let s = 0; s < durationS - step * 0.4; s += step) marks.push({ timeS: s, isHour: s > 0 && s % 3600 === 0 });
	return marks;
}
