// A value that parts of the page look at: whoever uses it is drawn anew when it changes.
import { useEffect, useState } from 'preact/hooks';

export interface Store<T> {
	readonly value: T;
	set(value: T): void;
	/** Returns what ends it. */
	listen(told: (value: T) => void): () => void;
}

export function store<T>(first: T): Store<T> {
	let value = first;
	const listeners = new Set<(value: T) => void>();
	return {
		get value() {
			return value;
		},
		set(next) {
			if (Object.is(next, value)) return;
			value = next;
			for (const told of [...listeners]) told(value);
		},
		listen(told) {
			listeners.add(told);
			return () => listeners.delete(told);
		},
	};
}

export function useStore<T>(from: Store<T>): T {
	const [value, setValue] = useState(() => from.value);
	useEffect(() => {
		setValue(() => from.value);
		return from.listen((next) => setValue(() => next));
	}, [from]);
	return value;
}
