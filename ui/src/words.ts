// The words of the page: one catalogue, English and Hebrew, each area a file of its own in words/.
// English is in the first script, Hebrew is loaded when it is chosen.  Every text is a function or a string
// of the same name in both (the compiler sees to it).
import { chosenLanguage, keep, type Language } from './chosen';
import * as english from './words/en';
import { store, useStore } from './store';

export type Words = typeof english;

const current = store<{ language: Language; words: Words }>({ language: 'en', words: english });

export async function setLanguage(language: Language): Promise<void> {
	const words: Words = language === 'he' ? await import('./words/he') : english;
	document.documentElement.lang = language;
	document.documentElement.dir = language === 'he' ? 'rtl' : 'ltr';
	keep('language', language);
	current.set({ language, words });
}

/** Once, before anything is drawn. */
export const startWords = (): Promise<void> => (chosenLanguage() === 'he' ? setLanguage('he') : Promise.resolve());

export const words = (): Words => current.value.words;
export const language = (): Language => current.value.language;
export const useWords = (): Words => useStore(current).words;
