// A dialog before the page: nothing else can be reached while it is open (the browser's own modal dialog sees to that
// and gives the focus back), Esc and a press beside it close it.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { useWords } from '../words';
import { Icon } from './Icon';
import { cover } from './overlays';

export interface DialogProps {
	title: string;
	/** Left out: the dialog cannot be put away. */
	onClose?(): void;
	/** 'small': a question; 'sheet': it has the whole window (phone). */
	size?: 'small' | 'wide' | 'sheet';
	children: ComponentChildren;
	footer?: ComponentChildren;
}

/** The element with `autofocus` is focused first, else the first that can be. */
export function Dialog({ title, onClose, size = 'wide', children, footer }: DialogProps) {
	const { common } = useWords();
	const element = useRef<HTMLDialogElement>(null);
	const heading = useId();

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

	const cancel = (event: Event): void => {
		event.preventDefault();
		onClose?.();
	};
	// A press that began inside and ends outside (text was selected) closes nothing.
	const pressed = (event: Event): void => {
		if (event.target === element.current) cancel(event);
	};
	const key = (event: KeyboardEvent): void => {
		event.stopPropagation();
		if (event.key === 'Escape') cancel(event);
	};

	return (
		<dialog ref={element} class="modal" aria-labelledby={heading} onCancel={cancel} onPointerDown={pressed} onKeyDown={key}>
			<div class={`dlg ${size}`}>
				<header>
					<h2 id={heading}>{title}</h2>
					{onClose && (
						<button type="button" class="ib" aria-label={common.close} onClick={onClose}>
							<Icon name="close" />
						</button>
					)}
				</header>
				{children}
				{footer && <div class="dfoot">{footer}</div>}
			</div>
		</dialog>
	);
}
