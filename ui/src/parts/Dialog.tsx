// A dialog before the page.
import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { useWords } from '../words';
import { Icon } from './Icon';
import { useModal } from './modal';

export interface DialogProps {
	title: string;
	/** Left out: the dialog cannot be put away. */
	onClose?(): void;
	/** 'small': a question; 'sheet': it has the whole window (phone). */
	size?: 'small' | 'wide' | 'sheet';
	children: ComponentChildren;
	footer?: ComponentChildren;
}

export function Dialog({ title, onClose, size = 'wide', children, footer }: DialogProps) {
	const { common } = useWords();
	const element = useRef<HTMLDialogElement>(null);
	const heading = useId();

	const modal = useModal(element, onClose);

	return (
		<dialog ref={element} class="modal" aria-labelledby={heading} {...modal}>
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
