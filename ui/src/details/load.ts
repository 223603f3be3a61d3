// One call with all its recordings and attempts, asked for anew whenever an event speaks of it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { getCall } from '../api';
import { onCall } from '../live';
import type { Call } from '../types';
import { deedsDone } from './deeds';

export interface Loaded {
	call: Call | null;
	/** Of the last try; what was known before stays. */
	error: unknown;
	again(): void;
}

const SETTLE_MS = 300; // events come in bursts: one question after them

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
		const ends = [onCall((row) => row.call_sid === callSid && soon()), deedsDone.listen(() => void look())];
		void look();
		return () => {
			for (const end of ends) end();
			clearTimeout(timer);
			asked.abort();
		};
	}, [callSid]);

	return { call: call?.call_sid === callSid ? call : null, error, again: () => again.current() };
}
