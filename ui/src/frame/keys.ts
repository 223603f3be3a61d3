// Keys of the whole page: search, dates, details, retry, the list of the keys.
import { useEffect, useRef } from 'preact/hooks';
import { lettersAct } from '../parts/letters';
import { isTaken, keyOf } from '../player/key_names';
import { store } from '../store';

/** Is the list of the keys open? */
export const keysShown = store(false);

/** acts: by what the key means; returning false leaves it to others.  All of them are single characters, which can be switched off. */
export function useKeys(acts: Record<string, () => boolean | void>): void {
	const now = useRef(acts);
	now.current = acts;
	useEffect(() => {
		const pressed = (event: KeyboardEvent): void => {
			if (isTaken(event) || !lettersAct.value) return;
			const act = now.current[keyOf(event)];
			if (act && act() !== false) event.preventDefault();
		};
		document.addEventListener('keydown', pressed);
		return () => document.removeEventListener('keydown', pressed);
	}, []);
}
