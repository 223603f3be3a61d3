// What was chosen on this device; a browser that keeps nothing has the defaults.

export type Theme = 'system' | 'light' | 'dark';
export type Language = 'en' | 'he';

function read(key: string): string | null {
	try {
		return localStorage.getItem(`callspool.${key}`);
	} catch {
		return null;
	}
}

export function keep(key: string, value: string): void {
	try {
		localStorage.setItem(`callspool.${key}`, value);
	} catch {
		// it is forgotten with the page
	}
}

export const kept = read;

export function chosenTheme(): Theme {
	const theme = read('theme');
	return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** Kept, else what the browser asks for. */
export function chosenLanguage(): Language {
	const language = read('language') ?? navigator.language;
	return language.startsWith('he') ? 'he' : 'en';
}
