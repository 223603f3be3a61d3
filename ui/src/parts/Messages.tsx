// The live regions of the page, of which there is one each; nobody sees them.
import { useStore } from '../store';
import { useWords } from '../words';
import { alarmed, said } from './announce';

// The same text twice is another text to whoever reads it out.
const told = ({ text, turn }: { text: string; turn: number }): string => (turn % 2 ? text : `${text}\u00a0`);

export function Messages() {
	const { common } = useWords();
	const message = useStore(said);
	const failure = useStore(alarmed);
	return (
		<>
			<div class="sr" role="status" aria-label={common.messages}>{message.text && told(message)}</div>
			<div class="sr" role="alert">{failure.text && told(failure)}</div>
		</>
	);
}
