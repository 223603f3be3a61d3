// What is read out without the focus being there: one message in ten seconds at most, the newest wins.  Whatever failed
// of one's own doing is said at once.
import { store } from '../store';

const PAUSE_MS = 10_000;

export const said = store<{ text: string; turn: number }>({ text: '', turn: 0 });
export const alarmed = store<{ text: string; turn: number }>({ text: '', turn: 0 });

let saidAt = -PAUSE_MS;
let waiting: ReturnType<typeof setTimeout> | undefined;

function say(text: string): void {
	saidAt = performance.now();
	said.set({ text, turn: said.value.turn + 1 });
}

export function announce(text: string): void {
	clearTimeout(waiting);
	const wait = saidAt + PAUSE_MS - performance.now();
	if (wait <= 0) say(text);
	else waiting = setTimeout(() => say(text), wait);
}

export function announceFailure(text: string): void {
	alarmed.set({ text, turn: alarmed.value.turn + 1 });
}
