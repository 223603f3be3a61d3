// What the server tells by itself.
import { store, type Store } from './store';
import type { Arriving, Call } from './types';

export interface Connection {
	isLive: boolean;
	/** Milliseconds; null: not for long enough to speak of it. */
	offlineSince: number | null;
}

const state = store<Connection>({ isLive: false, offlineSince: null });
export const connection: Store<Connection> = state;

/** What is being fetched, by recording SID. */
export const progress = store<ReadonlyMap<string, Arriving>>(new Map());

const listeners = new Set<(call: Call) => void>();

/** Told of every row that an event brings; returns what ends it. */
export function onCall(told: (call: Call) => void): () => void {
	listeners.add(told);
	return () => listeners.delete(told);
}
