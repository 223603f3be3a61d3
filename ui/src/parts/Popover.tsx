// A box that hangs at a button: it closes by Esc, by a press elsewhere, and when the focus leaves it; the focus goes back
// to the button when it was in the box.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { cover } from './overlays';
import { Portal } from './Portal';

export interface PopoverProps {
	anchor: HTMLElement;
	onClose(): void;
	/** 'region': what is in it has a role and a name of its own, and stands in no other landmark. */
	role?: 'dialog' | 'region';
	label: string;
	/** Above or below the anchor where there is room for it there. */
	side?: 'below' | 'above';
	/** The edge that it shares with the anchor. */
	align?: 'start' | 'end';
	class?: string;
	children: ComponentChildren;
}

const GAP = 4;
const EDGE = 8;

export interface Box {
	left: number;
	right: number;
	top: number;
	bottom: number;
}

/** Where a box of that size goes: at its side of the anchor, or at the other where there is more room; never off the window. */
export function placed(anchor: Box, size: { width: number; height: number }, room: { width: number; height: number }, side: 'below' | 'above', isLeft: boolean) {
	const below = room.height - anchor.bottom - GAP - EDGE;
	const above = anchor.top - GAP - EDGE;
	const isBelow = side === 'below' ? below >= size.height || below >= above : above < size.height && below > above;
	const height = Math.min(size.height, Math.max(isBelow ? below : above, 0));
	const left = isLeft ? anchor.left : anchor.right - size.width;
	return {
		left: Math.max(EDGE, Math.min(left, room.width - size.width - EDGE)),
		top: isBelow ? anchor.bottom + GAP : anchor.top - GAP - height,
		height,
	};
}

function place(box: HTMLElement, anchor: HTMLElement, side: 'below' | 'above', align: 'start' | 'end'): void {
	const isRtl = getComputedStyle(anchor).direction === 'rtl' || document.documentElement.dir === 'rtl';
	const room = { width: document.documentElement.clientWidth, height: innerHeight };

	box.style.removeProperty('max-height');
	const at = placed(anchor.getBoundingClientRect(), { width: box.offsetWidth, height: box.offsetHeight }, room, side, (align === 'start') !== isRtl);
	box.style.setProperty('left', `${at.left}px`);
	box.style.setProperty('top', `${at.top}px`);
	if (at.height < box.offsetHeight) box.style.setProperty('max-height', `${at.height}px`);
}

function Hung({ anchor, onClose, role = 'dialog', label, side = 'below', align = 'start', class: more = '', children }: PopoverProps) {
	const box = useRef<HTMLDivElement>(null);
	const close = useRef(onClose);
	close.current = onClose;

	useLayoutEffect(() => {
		const element = box.current!;
		const put = (): void => anchor.isConnected && place(element, anchor, side, align) || undefined;
		const uncover = cover();
		const sized = new ResizeObserver(put);

		put();
		sized.observe(element);
		addEventListener('resize', put);
		document.addEventListener('scroll', put, true);
		if (!element.contains(document.activeElement)) (element.querySelector<HTMLElement>('[autofocus]') ?? element).focus({ preventScroll: true });
		return () => {
			sized.disconnect();
			removeEventListener('resize', put);
			document.removeEventListener('scroll', put, true);
			uncover();
			if (element.contains(document.activeElement) || document.activeElement === document.body) anchor.focus({ preventScroll: true });
		};
	}, []);

	useEffect(() => {
		const pressed = (event: Event): void => {
			const target = event.target as Node;
			if (!box.current?.contains(target) && !anchor.contains(target)) close.current();
		};
		document.addEventListener('pointerdown', pressed, true);
		return () => document.removeEventListener('pointerdown', pressed, true);
	}, []);

	const left = (event: FocusEvent): void => {
		const to = event.relatedTarget as Node | null;
		if (to && !box.current?.contains(to) && !anchor.contains(to)) onClose();
	};
	const key = (event: KeyboardEvent): void => {
		// What is typed here is not for the page below.
		event.stopPropagation();
		if (event.key !== 'Escape') return;
		event.preventDefault();
		onClose();
	};

	return (
		<div ref={box} class={`pop ${more}`} role={role} aria-label={label} tabIndex={-1} onFocusOut={left} onKeyDown={key}>
			{children}
		</div>
	);
}

export function Popover(props: PopoverProps) {
	return (
		<Portal near={props.anchor}>
			<Hung {...props} />
		</Portal>
	);
}
