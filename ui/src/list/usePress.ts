// Presses on rows: a press counts for the call that was under the pointer when the hand went for it.
import { useRef, type MutableRef } from 'preact/hooks';
import type { Call } from '../types';
import { calls } from './calls';
import { togglePlay, warm } from './deeds';
import type { Scroll } from './useScroll';

export const sidAt = (target: EventTarget | null): string | null => (target instanceof Element ? (target.closest<HTMLElement>('[data-sid]')?.dataset['sid'] ?? null) : null);
const deedAt = (target: EventTarget | null): string | null => (target instanceof Element ? (target.closest<HTMLElement>('[data-do]')?.dataset['do'] ?? null) : null);

/** How it is told that the hand is off; of a press that opens the system's own menu, or takes the row along, no pointerup comes. */
const ENDS = ['pointerup', 'pointercancel', 'contextmenu', 'dragend', 'blur'];

export interface Presses {
	onPointerDown(event: PointerEvent): void;
	onClick(event: MouseEvent): void;
	onDblClick(event: MouseEvent): void;
}

/** While a pointer is down nothing moves. */
function holdUntilUp(isMenuOpen: MutableRef<boolean>): void {
	const up = (): void => {
		calls.hold(isMenuOpen.current);
		for (const name of ENDS) removeEventListener(name, up);
	};
	calls.hold(true);
	for (const name of ENDS) addEventListener(name, up);
}

/** act: what was pressed in the row, its data-do; null: the row itself. */
export function usePress(scroll: Scroll, isMenuOpen: MutableRef<boolean>, act: (deed: string | null, call: Call) => void): Presses {
	const pressed = useRef<string | null>(null);
	const pressedCall = (): Call | null => (pressed.current === null ? null : calls.stretch.get(pressed.current));
	return {
		onPointerDown(event) {
			if (event.button !== 0) return;
			pressed.current = scroll.before(event.clientY) ?? sidAt(event.target);
			holdUntilUp(isMenuOpen);
			const call = deedAt(event.target) === 'play' ? pressedCall() : null;
			if (call) warm(call);
		},
		onClick(event) {
			// A click without a pointer is a key's.
			const callSid = event.detail ? (pressed.current ?? sidAt(event.target)) : sidAt(event.target);
			const call = callSid === null ? null : calls.stretch.get(callSid);
			if (call) act(deedAt(event.target), call);
		},
		onDblClick(event) {
			const call = deedAt(event.target) ? null : pressedCall();
			if (call) togglePlay(call);
		},
	};
}
