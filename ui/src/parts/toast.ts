// Short messages for what has no place of its own: one at a time, the newest.
import { store } from '../store';
import { announce } from './announce';

export interface Toast {
	text: string;
	action?: { label: string; onSelect(): void };
}

export const shownToast = store<Toast | null>(null);

export function toast(text: string, more: Omit<Toast, 'text'> = {}): void {
	shownToast.set({ text, ...more });
	announce(text);
}
