// One call with all its recordings and attempts, asked for anew whenever an event speaks of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { getCall } from '../api';
import { isOver } from '../list/states';
import { onCall, watch } from '../live';
import { mustSignIn } from '../session';
import type { Call } from '../types';
import { deedsDone } from './deeds';

export interface Loaded {
	call: Call | null;
	/** Of the last try; what was known before stays. */
	error: unknown;
	again(): void;
}

const SETTLE_MS = 300; // events come in bursts: one question after them

const SETTLED = ['stored', 'absent', 'dead', 'gone', 'purged', 'deleted'];

/** A call that is not among those of the list, whose events the list does not ask for, has a connection of its own as long as it changes. */
const isSettled = (call: Call): boolean => isOver(call) && call.recordings.every(({ state }) => SETTLED.includes(state));

export function useCall(callSid: string): Loaded {
	const [call, setCall] = useState<Call | null>(null);
	const [error, setError] = useState<unknown>(null);
	const again = useRef<() => void>(() => {});

	useEffect(() => {
		const asked = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		let turn = 0;
		const look = async (): Promise<void> => {
			const mine = (turn += 1);
			try {
				const found = await getCall(callSid, asked.signal);
				if (mine !== turn || asked.signal.aborted) return;
				setCall(found);
				setError(null);
			} catch (failure) {
				if (mine === turn && !asked.signal.aborted) setError(failure);
			}
		};
		const soon = (): void => {
			clearTimeout(timer);
			timer = setTimeout(() => void look(), SETTLE_MS);
		};
		again.current = () => void look();
		// What was refused because somebody was signed out is asked for again once they are back.
		const ends = [onCall((row) => row.call_sid === callSid && soon()), deedsDone.listen(() => void look()), mustSignIn.listen((must) => !must && void look())];
		void look();
		return () => {
			for (const end of ends) end();
			clearTimeout(timer);
			asked.abort();
		};
	}, [callSid]);

	const shown = call?.call_sid === callSid ? call : null;
	const isMoving = shown !== null && !isSettled(shown);
	useEffect(() => {
		if (!isMoving) return;
		const own = watch({
			filter: { call: callSid }, seq: shown.seq, bottom: null,
			told: ({ reset, more }) => {
				if (reset || more) again.current(); // no row tells of what was missed
			},
		});
		return () => own.end();
	}, [callSid, isMoving]);

	return { call: shown, error, again: () => again.current() };
}
