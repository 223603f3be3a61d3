// A waveform as the server sends it, made into what is drawn: a float for each point and side, NaN where both are silent.
import type { Waveform } from '../types';
import type { Span } from './silence';

export interface Wave {
	/** One for each channel: 0 … 0.95, NaN: both sides are silent. */
	lanes: Float32Array[];
	durationS: number;
	silence: Span[];
	loudness: (number | null)[];
	sides: ('agent' | 'customer')[] | null;
}

const FILL = 0.95;
/** Noise is not blown up to speech. */
const FACTOR_MOST = 24;
/** Below it, a bar is a line and nobody speaks. */
export const QUIET = 0.04;

/** The larger of minimum and maximum, each channel for itself: audiowaveform puts the channels of a point side by side. */
function floatsOf({ channels, bits, length, data }: Waveform): Float32Array[] {
	const full = 2 ** (bits - 1);
	return Array.from({ length: channels }, (_, channel) => Float32Array.from({ length }, (__, point) => {
		const at = (point * channels + channel) * 2;
		return Math.max(Math.abs(data[at] ?? 0), Math.abs(data[at + 1] ?? 0)) / full;
	}));
}

/** One factor for all, so that the louder side fills its lane and the quieter one is seen to be quieter. */
function scale(lanes: Float32Array[]): void {
	const most = lanes.reduce((max, lane) => lane.reduce((one, other) => Math.max(one, other), max), 0);
	const factor = most > 0 ? Math.min(FACTOR_MOST, FILL / most) : 1;
	for (const lane of lanes) for (let i = 0; i < lane.length; i++) lane[i] = Math.min(FILL, lane[i]! * factor);
}

function hush(lanes: Float32Array[], silence: readonly Span[], durationS: number): void {
	const length = lanes[0]?.length ?? 0;
	for (const [from, to] of silence) {
		// a point whose middle is silent
		const first = Math.max(0, Math.ceil((from / durationS) * length - 0.5));
		const end = Math.min(length, Math.ceil((to / durationS) * length - 0.5));
		for (const lane of lanes) lane.fill(Number.NaN, first, end);
	}
}

/** null: nothing can be drawn of it. */
export function waveOf(waveform: Waveform): Wave | null {
	const durationS = waveform.duration || (waveform.length * waveform.samples_per_pixel) / waveform.sample_rate;
	if (!(durationS > 0) || !(waveform.length > 0) || !(waveform.channels > 0)) return null;
	const lanes = floatsOf(waveform).slice(0, 2);
	const silence = waveform.silence ?? [];
	scale(lanes);
	hush(lanes, silence, durationS);
	return { lanes, durationS, silence, loudness: waveform.loudness ?? [], sides: lanes.length === 2 ? waveform.sides ?? null : null };
}

/** What `count` bars show: the highest of each one's points; NaN where all are. */
export function barsOf(lane: ArrayLike<number>, count: number): Float32Array {
	return Float32Array.from({ length: count }, (_, bar) => {
		const end = Math.max(Math.floor((bar * lane.length) / count) + 1, Math.floor(((bar + 1) * lane.length) / count));
		let most = Number.NaN;
		for (let i = Math.floor((bar * lane.length) / count); i < end; i++) {
			const value = lane[i]!;
			if (!(value <= most) && !Number.isNaN(value)) most = value;
		}
		return most;
	});
}

/** Who speaks there, the louder where both do; null: nobody. */
function louder(lanes: readonly Float32Array[], point: number): number | null {
	let who: number | null = null;
	let most = QUIET;
	lanes.forEach((lane, i) => {
		if ((lane[point] ?? 0) > most) {
			most = lane[point]!;
			who = i;
		}
	});
	return who;
}

export function speakerAt({ lanes, durationS }: Wave, timeS: number): number | null {
	const length = lanes[0]!.length;
	return louder(lanes, Math.min(length - 1, Math.floor((timeS / durationS) * length)));
}

/** How much of the time each side speaks and how much is silent, in whole percents that make 100. */
export function sharesOf({ lanes }: Wave): { sides: number[]; silence: number } {
	const length = lanes[0]!.length;
	const points = lanes.map(() => 0);
	for (let i = 0; i < length; i++) {
		const who = louder(lanes, i);
		if (who !== null) points[who]!++;
	}
	const sides = points.map((count) => Math.round((count / length) * 100));
	return { sides, silence: Math.max(0, 100 - sides.reduce((sum, share) => sum + share, 0)) };
}

/** One lane of all sides: the louder at each point. */
export function mixed({ lanes }: Wave): Float32Array {
	const [first, other] = [lanes[0]!, lanes[1]];
	return other ? first.map((value, i) => Math.max(value, other[i]!)) : first;
}
