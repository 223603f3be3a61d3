// Copies a text that stands beside it; where the browser forbids that, it marks it, to be copied by hand.
import { useEffect, useState } from 'preact/hooks';
import { useWords } from '../words';
import { announce } from './announce';
import { copyText } from './copy';
import { Icon } from './Icon';

const SHOWN_MS = 2000;

function mark(element: Element | null | undefined): void {
	if (element) getSelection()?.selectAllChildren(element);
}

/** The text itself is in the element before the button. */
export function CopyButton({ text, label, class: more = '' }: { text: string; label: string; class?: string }) {
	const { common } = useWords();
	const [isCopied, setCopied] = useState(false);

	useEffect(() => {
		if (!isCopied) return;
		const timer = setTimeout(() => setCopied(false), SHOWN_MS);
		return () => clearTimeout(timer);
	}, [isCopied]);

	const press = async (button: HTMLElement): Promise<void> => {
		if (await copyText(text)) {
			setCopied(true);
			announce(common.copied);
		} else {
			mark(button.previousElementSibling);
		}
	};
	return (
		<button type="button" class={`ib ${more}`} aria-label={label} title={label} onClick={(event) => void press(event.currentTarget)}>
			<Icon name={isCopied ? 'check' : 'copy'} />
		</button>
	);
}
