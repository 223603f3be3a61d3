// The browser's own modal dialog: nothing else can be reached while it is open, the focus goes back where it was.
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { cover } from './overlays';

export interface Modal {
	onCancel(event: Event): void;
	onPointerDown(event: Event): void;
	onKeyDown(event: KeyboardEvent): void;
}

/** Opens it as long as it is drawn; the element with data-first has the focus first.  Esc and a press beside what is in it close it. */
export function useModal(element: RefObject<HTMLDialogElement>, onClose?: () => void): Modal {
	useLayoutEffect(() => {
		const dialog = element.current!;
		const before = document.activeElement as HTMLElement | null;
		const uncover = cover();
		dialog.showModal();
		dialog.querySelector<HTMLElement>('[data-first]')?.focus();
		return () => {
			uncover();
			dialog.close();
			if (before?.isConnected) before.focus({ preventScroll: true });
		};
	}, []);

	const onCancel = (event: Event): void => {
		event.preventDefault();
		onClose?.();
	};
	return {
		onCancel,
		// A press that began inside and ends outside (text was selected) closes nothing.
		onPointerDown: (event) => event.target === element.current && onCancel(event),
		// What is typed here is not for the page below.
		onKeyDown: (event) => {
			event.stopPropagation();
			if (event.key === 'Escape') onCancel(event);
		},
	};
}
