// The search: a number, or the SID of a call.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { searchOf } from '../list/filter';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { go, view } from '../view';
import { useWords } from '../words';

const AFTER_MS = 120;
export const SEARCH_ID = 'search';

function find(q: string): void {
	const search = searchOf(q);
	go({ page: 'calls', q, ...(search.kind === 'call' ? { call: search.callSid } : {}) }, view.value.q ? 'replace' : 'push');
}

/** What was typed, a moment after the last key; what is searched for, when the address changes. */
function useTyped(): { typed: string; type(text: string): void; now(): void } {
	const { q } = useStore(view);
	const [typed, setTyped] = useState(q);
	const said = useRef(q);
	const timer = useRef<ReturnType<typeof setTimeout>>();

	useEffect(() => {
		if (q === said.current) return;
		said.current = q;
		setTyped(q);
	}, [q]);
	useEffect(() => () => clearTimeout(timer.current), []);

	const now = (text: string): void => {
		clearTimeout(timer.current);
		said.current = text.trim();
		find(said.current);
	};
	const type = (text: string): void => {
		setTyped(text);
		clearTimeout(timer.current);
		timer.current = setTimeout(() => now(text), AFTER_MS);
	};
	return { typed, type, now: () => now(typed) };
}

export function Search({ isBare = false, onLeave }: { isBare?: boolean; onLeave?(): void }) {
	const { list } = useWords();
	const { typed, type, now } = useTyped();
	const field = useRef<HTMLInputElement>(null);
	const hint = useId();
	const { kind } = searchOf(typed);
	const help = kind === 'unknown' ? list.searchWhat : kind === 'short' ? list.searchShort : null;

	useEffect(() => {
		if (isBare) field.current?.focus();
	}, []);

	const key = (event: KeyboardEvent): void => {
		if (event.key === 'Enter') now();
		if (event.key !== 'Escape') return;
		event.preventDefault();
		if (typed) type('');
		else if (onLeave) onLeave();
		else field.current?.blur();
	};
	return (
		<label class="search">
			<Icon name="search" />
			<input ref={field} id={SEARCH_ID} type="search" inputMode="search" enterkeyhint="search" dir={typed ? 'ltr' : undefined} autocomplete="off" autocapitalize="none" spellcheck={false} maxLength={64}
				placeholder={list.search} aria-label={list.searchName} aria-describedby={help ? hint : undefined} value={typed} onInput={(event) => type(event.currentTarget.value)} onKeyDown={key} />
			{typed ? <button type="button" class="ib clear" aria-label={list.clearSearch} onClick={() => { type(''); field.current?.focus(); }}><Icon name="close" /></button> : !isBare && <kbd aria-hidden="true">/</kbd>}
			{help && <span class="hint" id={hint} role="status">{help}</span>}
		</label>
	);
}
