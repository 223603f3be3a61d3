// A menu: arrows, Home, End and the first letters of an item move in it, Esc and Tab leave it.
import { createContext, type ComponentChildren, type JSX } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { Icon, type IconName } from './Icon';
import { Popover, type PopoverProps } from './Popover';

const Closing = createContext<() => void>(() => {});

const TYPED_MS = 700; // letters further apart begin a new word

/** The item that what was typed means: after the current one, or it again where more letters follow. */
export function typedItem(texts: string[], current: number, typed: string): number {
	const wanted = typed.toLowerCase();
	const first = wanted.length > 1 ? Math.max(current, 0) : current + 1;
	for (let i = 0; i < texts.length; i++) {
		const at = (first + i) % texts.length;
		if (texts[at]!.trim().toLowerCase().startsWith(wanted)) return at;
	}
	return -1;
}

function moved(key: string, current: number, count: number): number | null {
	if (key === 'ArrowDown') return (current + 1) % count;
	if (key === 'ArrowUp') return (Math.max(current, 0) - 1 + count) % count;
	if (key === 'Home') return 0;
	return key === 'End' ? count - 1 : null;
}

function Items({ label, onClose, children }: { label: string; onClose(): void; children: ComponentChildren }) {
	const list = useRef<HTMLDivElement>(null);
	const typed = useRef({ text: '', at: 0 });
	const items = (): HTMLElement[] => [...list.current!.querySelectorAll<HTMLElement>('[role^="menuitem"]')];

	useEffect(() => {
		const all = items();
		(all.find((item) => item.getAttribute('aria-checked') === 'true') ?? all[0])?.focus();
	}, []);

	const byLetter = (key: string, all: HTMLElement[], current: number): number => {
		const now = Date.now();
		typed.current = { text: now - typed.current.at < TYPED_MS ? typed.current.text + key : key, at: now };
		return typedItem(all.map((item) => item.textContent ?? ''), current, typed.current.text);
	};
	const key = (event: KeyboardEvent): void => {
		const all = items();
		const current = all.indexOf(document.activeElement as HTMLElement);
		if (event.ctrlKey || event.altKey || event.metaKey || all.length === 0) return;
		if (event.key === 'Tab') {
			event.preventDefault();
			onClose();
			return;
		}
		const to = moved(event.key, current, all.length) ?? (event.key.length === 1 && event.key !== ' ' ? byLetter(event.key, all, current) : null);
		if (to === null) return;
		event.preventDefault();
		all[to]?.focus();
	};

	return (
		<div ref={list} role="menu" aria-label={label} onKeyDown={key}>
			{children}
		</div>
	);
}

export interface MenuProps extends Omit<PopoverProps, 'role'> {
	/** Above the items, none itself. */
	head?: ComponentChildren;
}

export function Menu({ onClose, head, children, ...rest }: MenuProps) {
	return (
		<Popover {...rest} role="region" onClose={onClose}>
			{head}
			<Closing.Provider value={onClose}>
				<Items label={rest.label} onClose={onClose}>{children}</Items>
			</Closing.Provider>
		</Popover>
	);
}

export interface MenuItemProps {
	icon?: IconName;
	/** After the menu has closed, so that a dialog gives the focus back to the menu's button. */
	onSelect?(): void;
	/** One of several; with `isSwitch`, on or off by itself. */
	isChecked?: boolean;
	isSwitch?: boolean;
	isDangerous?: boolean;
	/** A link instead of a deed. */
	href?: string;
	download?: string | boolean;
	/** The key that does the same. */
	shortcut?: string;
	children: ComponentChildren;
}

export function MenuItem({ icon, onSelect, isChecked, isSwitch, isDangerous, href, download, shortcut, children }: MenuItemProps) {
	const close = useContext(Closing);
	const select = (): void => {
		close();
		onSelect?.();
	};
	const shared = {
		class: isDangerous ? 'it danger' : 'it',
		tabIndex: -1,
		role: isChecked === undefined ? 'menuitem' : isSwitch ? 'menuitemcheckbox' : 'menuitemradio',
		...(isChecked === undefined ? {} : { 'aria-checked': isChecked }),
		onClick: select,
	} as const;
	const inside = (
		<>
			{icon && <Icon name={icon} />}
			<span class="grow">{children}</span>
			{isChecked && <Icon name="check" />}
			{shortcut && <kbd aria-hidden="true">{shortcut}</kbd>}
		</>
	);
	return href ? <a {...shared} href={href} {...(download === undefined ? {} : { download })}>{inside}</a> : <button type="button" {...shared}>{inside}</button>;
}

export const MenuLine = () => <hr role="separator" />;

export interface MenuButtonProps extends Pick<PopoverProps, 'side' | 'align'> {
	/** The accessible name of the button; the menu is called so too unless `menuLabel` says otherwise. */
	label: string;
	menuLabel?: string;
	class?: string;
	button: ComponentChildren;
	tabIndex?: number;
	head?: ComponentChildren;
	/** Drawn only while the menu is open. */
	children(): ComponentChildren;
	onOpen?(isOpen: boolean): void;
}

/** A button with its menu. */
export function MenuButton({ label, menuLabel, class: more = 'ib', button, tabIndex, side, align, head, children, onOpen }: MenuButtonProps) {
	const [anchor, setAnchor] = useState<HTMLElement | null>(null);
	const open = (to: HTMLElement | null): void => {
		setAnchor(to);
		onOpen?.(to !== null);
	};
	const press = (event: JSX.TargetedMouseEvent<HTMLButtonElement>): void => open(anchor ? null : event.currentTarget);
	const key = (event: JSX.TargetedKeyboardEvent<HTMLButtonElement>): void => {
		if (event.key !== 'ArrowDown' || anchor) return;
		event.preventDefault();
		event.stopPropagation();
		open(event.currentTarget);
	};
	return (
		<>
			<button type="button" class={more} aria-label={label} aria-haspopup="menu" aria-expanded={anchor !== null} onClick={press} onKeyDown={key} {...(tabIndex === undefined ? {} : { tabIndex })}>
				{button}
			</button>
			{anchor && (
				<Menu anchor={anchor} label={menuLabel ?? label} head={head} onClose={() => open(null)} {...(side ? { side } : {})} {...(align ? { align } : {})}>
					{children()}
				</Menu>
			)}
		</>
	);
}
