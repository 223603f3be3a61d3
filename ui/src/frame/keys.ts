// Keys of the whole page: search, dates, details, retry, the list of the keys.
import { useEffect, useRef } from 'preact/hooks';
import { isCovered } from '../parts/overlays';
import { lettersAct } from '../parts/letters';
import { store } from '../store';

/** Is the list of the keys open? */
export const keysShown = store(false);

const BY_PLACE: Record<string, string> = { Slash: '/', KeyT: 't', KeyI: 'i', KeyR: 'r', KeyL: 'l' };

/** What a key means: by what it writes, else, where the layout is not Latin, by where it lies. */
function meant({ key, code, shiftKey }: KeyboardEvent): string {
	if (key === '?' || (shiftKey && code === 'Slash')) return '?';
	return /^[\x21-\x7e]$/.test(key) ? key.toLowerCase() : (BY_PLACE[code] ?? key);
}

const isWriting = (at: EventTarget | null): boolean => at instanceof Element && at.closest('input:not([type="checkbox"]), textarea, select, [contenteditable="true"]') !== null;

/** acts: by what the key means; returning false leaves it to others.  All of them are single characters, which can be switched off. */
export function useKeys(acts: Record<string, () => boolean | void>): void {
	const now = useRef(acts);
	now.current = acts;
	useEffect(() => {
		const pressed = (event: KeyboardEvent): void => {
			if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isWriting(event.target) || isCovered() || !lettersAct.value) return;
			const act = now.current[meant(event)];
			if (act && act() !== false) event.preventDefault();
		};
		document.addEventListener('keydown', pressed);
		return () => document.removeEventListener('keydown', pressed);
	}, []);
}
