// What is told of the list and is not put into it yet: a few times a second, and never while a hand is on it.
import type { EventMessage } from '../types';

const BATCH_MS = 250;
const ROWS_MAX = 2000; // beyond, it is cheaper to read the list anew
const WINDOW_MS = 1000;

export interface Inbox {
	put(message: EventMessage): void;
	hold(isHeld: boolean): void;
	/** Resolves when no hand is on the list. */
	free(): Promise<void>;
	forget(): void;
}

/** full: so much waits that it was thrown away. */
export function inbox(take: (messages: EventMessage[]) => void, full: (last: EventMessage) => void): Inbox {
	let queue: EventMessage[] = [];
	let rows = 0;
	let isHeld = false;
	const waiting: (() => void)[] = [];
	let timer: ReturnType<typeof setTimeout> | undefined;

	const forget = (): void => {
		clearTimeout(timer);
		timer = undefined;
		queue = [];
		rows = 0;
	};
	const flush = (): void => {
		const messages = queue;
		forget();
		take(messages);
	};
	return {
		put(message) {
			rows += (message.calls?.length ?? 0) + (message.gone?.length ?? 0);
			queue.push(message);
			if (rows > ROWS_MAX) {
				forget();
				full(message);
			} else if (!isHeld) {
				timer ??= setTimeout(flush, BATCH_MS);
			}
		},
		hold(held) {
			isHeld = held;
			if (held) {
				clearTimeout(timer);
				timer = undefined;
			} else {
				for (const done of waiting.splice(0)) done();
				if (queue.length) timer ??= setTimeout(flush, 0);
			}
		},
		free: () => (isHeld ? new Promise((done) => waiting.push(done)) : Promise.resolve()),
		forget,
	};
}

/** How many calls came within the last second, each counted once. */
export class Rate {
	#came = new Map<string, number>();

	count(callSids: readonly string[]): number {
		const now = Date.now();
		for (const [callSid, at] of this.#came) if (now - at >= WINDOW_MS) this.#came.delete(callSid);
		for (const callSid of callSids) if (!this.#came.has(callSid)) this.#came.set(callSid, now);
		return this.#came.size;
	}

	forget(): void {
		this.#came.clear();
	}
}
