// A card in the middle of an else empty page, and the switch of the language under it.
import type { ComponentChildren } from 'preact';
import { Brand } from '../parts/Icon';
import { language, setLanguage, useWords } from '../words';

export function LanguageButton({ class: more = '' }: { class?: string }) {
	const { common } = useWords();
	const other = language() === 'he' ? 'en' : 'he';
	return (
		<button type="button" class={`language ${more}`} lang={other} onClick={() => void setLanguage(other)}>
			{common.otherLanguage}
		</button>
	);
}

export function Card({ id, labelledBy, children }: { id: string; labelledBy: string; children: ComponentChildren }) {
	return (
		<main class="center">
			<section id={id} class="card" aria-labelledby={labelledBy}>
				<Brand />
				{children}
				<p class="under">
					<LanguageButton />
				</p>
			</section>
		</main>
	);
}

/** What cannot be done any more, or not here: a title, and what one may do. */
export function Over({ id = 'over', title, how, children }: { id?: string; title: string; how: string; children?: ComponentChildren }) {
	return (
		<Card id={id} labelledBy={`${id}-title`}>
			<h1 id={`${id}-title`}>{title}</h1>
			<p class="how">{how}</p>
			{children}
		</Card>
	);
}
