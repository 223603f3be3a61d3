// The keys of the list: up and down go from call to call, wherever the focus is not needed for something else.
import { useEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';
import { useKeys } from '../frame/keys';
import { isCovered } from '../parts/overlays';
import { neighbours, playing } from '../player/control';
import type { Call } from '../types';
import { go, view } from '../view';
import { calls } from './calls';
import { canRetry, retryCallOf, togglePlay } from './deeds';
import type { Scroll } from './useScroll';

interface Keys {
	scroll: Scroll;
	/** The row that has the tab stop. */
	current: string | null;
	select(callSid: string): void;
	box: RefObject<HTMLDivElement>;
}

function beside(callSid: string, by: 1 | -1): Call | null {
	const index = calls.stretch.indexOf(callSid);
	return index < 0 ? null : (calls.stretch.rows[index + by]?.call ?? null);
}

function stepOf(key: string, pageRows: number): number | null {
	switch (key) {
	case 'ArrowDown': return 1;
	case 'ArrowUp': return -1;
	case 'PageDown': return pageRows;
	case 'PageUp': return -pageRows;
	default: return null;
	}
}

/** Not where a pop-up, a drawer or another widget has the focus. */
function isForList(event: KeyboardEvent, box: HTMLElement | null): boolean {
	const at = document.activeElement;
	return !isCovered() && !event.defaultPrevented && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey && (at === document.body || at === null || Boolean(box?.contains(at)) || at.id === 'calls');
}

/** Of the row that was chosen; false: there is none. */
function withCall(callSid: string | null, act: (call: Call) => void): boolean {
	const call = callSid === null ? null : calls.stretch.get(callSid);
	if (call) act(call);
	return call !== null;
}

const showDetails = ({ call_sid: call }: Call): void => go({ call: view.value.call === call ? '' : call });

export function useListKeys(keys: Keys): void {
	const now = useRef(keys);
	now.current = keys;
	const { current } = keys;

	useKeys({
		i: () => withCall(current, showDetails),
		l: () => withCall(playing.value?.callSid ?? current, showDetails),
		r: () => withCall(current, (call) => canRetry(call) && void retryCallOf(call)),
	});

	useEffect(() => {
		neighbours.next = (callSid) => beside(callSid, 1);
		neighbours.previous = (callSid) => beside(callSid, -1);
		const pressed = (event: KeyboardEvent): void => {
			if (isForList(event, now.current.box.current) && press(event, now.current)) event.preventDefault();
		};
		document.addEventListener('keydown', pressed);
		return () => document.removeEventListener('keydown', pressed);
	}, []);
}

function press(event: KeyboardEvent, { scroll, current, select, box }: Keys): boolean {
	const step = stepOf(event.key, scroll.pageRows());
	const { rows } = calls.stretch;
	if (event.key === 'Home') {
		void calls.toNewest().then(() => {
			scroll.toTop();
			focusAt(0, { scroll, select, box });
		});
		return true;
	}
	if (event.key === 'Enter') return enter(event, current);
	if (event.key === 'Escape') return closeDetails();
	if (step === null || !rows.length) return false;
	const at = calls.stretch.indexOf(current ?? '');
	const isInside = Boolean(box.current?.contains(document.activeElement));
	focusAt(at < 0 || !isInside ? Math.max(at, 0) : Math.min(Math.max(at + step, 0), rows.length - 1), { scroll, select, box });
	return true;
}

/** The topmost thing, where the focus is in none of them. */
function closeDetails(): boolean {
	const isOpen = view.value.call !== '';
	go({ call: '' });
	return isOpen;
}

/** On a button of the row it presses that. */
function enter(event: KeyboardEvent, current: string | null): boolean {
	const call = current === null ? null : calls.stretch.get(current);
	if (!call || (event.target instanceof Element && event.target.closest('button, a'))) return false;
	togglePlay(call);
	return true;
}

export function focusAt(index: number, { scroll, select, box }: Pick<Keys, 'scroll' | 'select' | 'box'>): void {
	const callSid = calls.stretch.rows[index]?.call.call_sid;
	if (!callSid) return;
	select(callSid);
	scroll.reveal(index);
	requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-sid="${callSid}"]`)?.focus({ preventScroll: true }));
}
