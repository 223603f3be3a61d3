// The A–B loop: what was heard between two presses is heard again and again.
import type { Span } from './silence';

export interface Loop {
	a: number;
	/** null: the second press is still to come. */
	b: number | null;
}

export const LOOP_MIN_S = 0.5;

/** Between both ends, in order and not too short; the end that was given last gives way last. */
function between(one: number, other: number, durationS: number): Loop {
	const a = Math.max(0, Math.min(one, other));
	const b = Math.min(durationS, Math.max(one, other));
	if (b - a >= LOOP_MIN_S) return { a, b };
	return a + LOOP_MIN_S <= durationS ? { a, b: a + LOOP_MIN_S } : { a: Math.max(0, durationS - LOOP_MIN_S), b: durationS };
}

/** The button: first A, then B, then off. */
export function pressed(loop: Loop | null, timeS: number, durationS: number): Loop | null {
	if (!loop) return { a: timeS, b: null };
	return loop.b === null ? between(loop.a, timeS, durationS) : null;
}

/** "From here". */
export function withA(loop: Loop | null, timeS: number): Loop {
	const b = loop?.b ?? null;
	return { a: timeS, b: b !== null && b - timeS >= LOOP_MIN_S ? b : null };
}

/** "To here": without an A, from the beginning. */
export const withB = (loop: Loop | null, timeS: number, durationS: number): Loop => between(loop?.a ?? 0, timeS, durationS);

/** A handle that is dragged or moved by keys stays on its side of the other one. */
export function moved(loop: Loop, end: 'a' | 'b', timeS: number, durationS: number): Loop {
	const b = loop.b ?? durationS;
	if (end === 'a') return { a: Math.max(0, Math.min(timeS, b - LOOP_MIN_S)), b: loop.b };
	return { a: loop.a, b: Math.min(durationS, Math.max(timeS, loop.a + LOOP_MIN_S)) };
}

export const spanOf = (loop: Loop | null): Span | null => (loop && loop.b !== null ? [loop.a, loop.b] : null);

const isWithin = ([a, b]: Span, timeS: number): boolean => timeS >= a && timeS < b;

export interface Step {
	/** Does it hold the sound?  Whoever seeks out of it is let go until the sound comes in again. */
	isHeld: boolean;
	jumpTo: number | null;
}

/** While it plays: leaving by the end leads to the beginning. */
export function stepped(span: Span | null, isHeld: boolean, timeS: number): Step {
	if (!span) return { isHeld: false, jumpTo: null };
	if (isWithin(span, timeS)) return { isHeld: true, jumpTo: null };
	return isHeld && timeS >= span[1] ? { isHeld: true, jumpTo: span[0] } : { isHeld: false, jumpTo: null };
}

/** After a seek. */
export const holdsAt = (span: Span | null, timeS: number): boolean => span !== null && isWithin(span, timeS);
