// The words of parts that are loaded later, with the others: their English comes with whoever uses this, the Hebrew of all
// is one script.
import { words, useWords, type Words } from './words';
import { details } from './words/en/details';
import { pages } from './words/en/pages';

export interface AllWords extends Words {
	details: typeof details;
	pages: typeof pages;
}

const english = { details, pages };

/** Where Hebrew was chosen, its words have these areas too. */
const all = (known: Words): AllWords => ({ ...english, ...known });

export const allWords = (): AllWords => all(words());
export const useAllWords = (): AllWords => all(useWords());
