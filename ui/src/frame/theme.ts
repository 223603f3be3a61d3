// The colours of the page: as the system has them, or as they were chosen on this device.  Before the first paint they
// are set by src/theme.ts.
import { chosenTheme, keep, type Theme } from '../chosen';
import { store } from '../store';

export const theme = store<Theme>(chosenTheme());

const dark = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };

function show(): void {
	const isDark = theme.value === 'dark' || (theme.value === 'system' && dark?.matches === true);
	if (isDark) document.documentElement.dataset['theme'] = 'dark';
	else delete document.documentElement.dataset['theme'];
}

dark?.addEventListener('change', show);

export function nextTheme(): void {
	theme.set(NEXT[theme.value]);
	keep('theme', theme.value);
	show();
}
