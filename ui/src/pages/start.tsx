// Draws a page of its own, in the language that was chosen.
import { render, type ComponentChildren } from 'preact';
import { startWords } from '../words';

export async function startPage(page: ComponentChildren): Promise<void> {
	await startWords();
	render(page, document.getElementById('page')!);
}

/** What the page says of a script that did not run is over. */
export const markStarted = (): void => document.documentElement.classList.add('started');
