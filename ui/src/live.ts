// What the server tells by itself: a WebSocket, or where that is refused a long poll of the same numbers.
//
// Every message has the ledger's sequence: after a break the next connection begins after the last one, so nothing is
// missed, however long it was.  A break is noticed by the closed socket, by 25 s without a word (there is one every
// 15 s), and by a timer that was late: the machine slept.  Whoever is signed out is not asked for again and again, but
// when somebody is back.
import { ask, isSignedOut, queryOf } from './api';
import { onBack } from './session';
import { store, type Store } from './store';
import type { Arriving, Call, EventMessage, Filter } from './types';

export interface Connection {
	isLive: boolean;
	/** Milliseconds; null: not for long enough to speak of it. */
	offlineSince: number | null;
}

const QUIET_MS = 25_000;
const POLL_MS = 40_000;
const TICK_MS = 1000;
const SLEPT_MS = 5000;
const SPOKEN_OF_MS = 3000;
const WAITS_MS = [0, 1000, 2000, 5000, 10_000, 20_000];
const REFUSALS_MAX = 2;
const FETCHED_MS = 30_000; // longer than that no fetch is silent: the server ends it
const SOCKET_AGAIN_MS = 300_000;

const state = store<Connection>({ isLive: false, offlineSince: null });
export const connection: Store<Connection> = state;

/** How far a recording was when it was heard of last. */
export interface Fetched extends Arriving {
	callSid: string | null;
	heardAt: number;
}

/** What is being fetched, by recording SID. */
export const progress = store<ReadonlyMap<string, Fetched>>(new Map());

const listeners = new Set<(call: Call) => void>();

/** Told of every row that an event brings; returns what ends it. */
export function onCall(told: (call: Call) => void): () => void {
	listeners.add(told);
	return () => listeners.delete(told);
}

/** That it is over is not told to whoever shows other calls by then: it is forgotten after a while. */
const isOld = ({ heardAt }: Fetched): boolean => Date.now() - heardAt > FETCHED_MS;

/** Of a message, or of the rows of a page. */
export function takeProgress({ progress: told = [], calls = [], gone = [] }: EventMessage): void {
	const heardAt = Date.now();
	const next = new Map([...progress.value].filter(([, one]) => !isOld(one) && !gone.includes(one.callSid ?? '')));
	for (const { call_sid: callSid, recordings } of calls)
		for (const { recording_sid, arriving } of recordings) if (arriving) next.set(recording_sid, { ...arriving, callSid, heardAt }); else next.delete(recording_sid);
	for (const { recording_sid, call_sid: callSid, bytes, total } of told) next.set(recording_sid, { bytes, total, callSid, heardAt });
	if (told.length || next.size !== progress.value.size || calls.some(({ recordings }) => recordings.some((one) => one.arriving))) progress.set(next);
}

export interface Wanted {
	filter: Filter;
	/** What came after it is told. */
	seq: number;
	/** Older calls are not; null: all are. */
	bottom: string | null;
	told(message: EventMessage): void;
}

export interface Watch {
	/** What is wanted now; seq: that of the page by which it became so. */
	widen(bottom: string | null, seq: number): void;
	/** Connects at once, whatever it waits for. */
	again(): void;
	end(): void;
}

/** One connection, for as long as it is wanted. */
class Feed implements Watch {
	#seq: number;
	#bottom: string | null;
	#socket: WebSocket | null = null;
	#poll: AbortController | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#ticker = setInterval(() => this.#tick(), TICK_MS);
	#tickedAt = Date.now();
	#heardAt = Date.now();
	#downSince: number | null = Date.now();
	#wishes = 0;
	/** The wish that the server has not answered yet: what it says meanwhile leaves out what we widened to. */
	#unanswered: number | null = null;
	/** The socket said a word. */
	#hasSpoken = false;
	#tries = 0;
	#refusals = 0;
	#pollsUntil = 0;
	#isOver = false;
	/** Nobody is signed in. */
	#isOut = false;
	#endBack = onBack(() => this.#isOut && this.again());

	constructor(readonly wanted: Wanted) {
		this.#seq = wanted.seq;
		this.#bottom = wanted.bottom;
		addEventListener('online', this.#wake);
		document.addEventListener('visibilitychange', this.#wake);
		this.#connect();
	}

	widen(bottom: string | null, seq: number): void {
		if (bottom === this.#bottom) return;
		this.#bottom = bottom;
		this.#seq = Math.min(seq, this.#seq);
		if (this.#socket?.readyState === WebSocket.OPEN) this.#wish(this.#socket);
		else if (this.#socket || this.#poll) this.#connect(); // its address has what was wanted before
	}

	#wish(socket: WebSocket): void {
		this.#unanswered = ++this.#wishes;
		socket.send(JSON.stringify({ filter: this.wanted.filter, bottom: this.#bottom, after: this.#seq, id: this.#unanswered }));
	}

	again(): void {
		this.#tries = 0;
		this.#connect();
	}

	end(): void {
		this.#isOver = true;
		this.#close();
		clearInterval(this.#ticker);
		this.#endBack();
		removeEventListener('online', this.#wake);
		document.removeEventListener('visibilitychange', this.#wake);
	}

	// ---- connecting ----

	#close(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const [socket, poll] = [this.#socket, this.#poll];
		this.#socket = this.#poll = null;
		socket?.close();
		poll?.abort();
	}

	#connect(): void {
		this.#close();
		this.#isOut = false;
		this.#unanswered = null;
		this.#heardAt = Date.now();
		if (typeof WebSocket === 'undefined' || Date.now() < this.#pollsUntil) void this.#ask();
		else this.#open();
	}

	#query(): string {
		return queryOf(this.wanted.filter, { after: this.#seq, ...(this.#bottom ? { bottom: this.#bottom } : {}) });
	}

	#open(): void {
		const address = new URL(`/api/events?${this.#query()}`, location.href);
		address.protocol = address.protocol.replace('http', 'ws');
		const socket = new WebSocket(address);
		this.#socket = socket;
		this.#hasSpoken = false;
		socket.onmessage = ({ data }) => {
			if (socket !== this.#socket) return;
			this.#hasSpoken = true;
			this.#refusals = 0;
			this.#hear(JSON.parse(String(data)) as EventMessage);
		};
		socket.onclose = () => {
			if (socket === this.#socket) this.#broke();
		};
	}

	/** Twice without a word, though the server begins with one, where a poll is answered: something between us lets no WebSocket through. */
	#broke(): void {
		this.#refusals += this.#hasSpoken ? 0 : 1;
		if (this.#refusals >= REFUSALS_MAX) this.#pollsUntil = Date.now() + SOCKET_AGAIN_MS;
		this.#wait();
	}

	async #ask(): Promise<void> {
		const poll = new AbortController();
		const late = setTimeout(() => poll.abort(), POLL_MS);
		this.#poll = poll;
		try {
			const message = await ask<EventMessage>(`/api/events?${this.#query()}`, { signal: poll.signal });
			if (poll === this.#poll) this.#answered(message);
		} catch (error) {
			if (poll === this.#poll) this.#failed(error);
		} finally {
			clearTimeout(late);
		}
	}

	#answered(message: EventMessage): void {
		this.#hear(message);
		if (!this.#isOver) this.#connect();
	}

	#failed(error: unknown): void {
		this.#refusals = 0; // nothing was answered at all: the socket is not to blame
		this.#pollsUntil = 0;
		this.#isOut = isSignedOut(error);
		if (this.#isOut) this.#rest();
		else this.#wait();
	}

	#rest(): void {
		this.#close();
		this.#down();
	}

	#wait(): void {
		this.#rest();
		const wait = WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)]!;
		this.#tries++;
		this.#timer = setTimeout(() => this.#connect(), wait * (0.8 + 0.4 * Math.random()));
	}

	// ---- hearing ----

	#hear(message: EventMessage): void {
		this.#heardAt = Date.now();
		this.#tries = 0;
		this.#downSince = null;
		if (!state.value.isLive) state.set({ isLive: true, offlineSince: null });
		if (message.id === this.#unanswered) this.#unanswered = null;
		if (message.seq !== undefined && this.#unanswered === null) this.#seq = message.seq;
		takeProgress(message);
		this.wanted.told(message);
		for (const call of message.calls ?? []) for (const told of [...listeners]) told(call);
	}

	#down(): void {
		this.#downSince ??= Date.now();
		this.#show();
	}

	/** A break is not spoken of before it has lasted. */
	#show(): void {
		if (this.#downSince === null || state.value.offlineSince !== null) return;
		if (Date.now() - this.#downSince >= SPOKEN_OF_MS) state.set({ isLive: false, offlineSince: this.#downSince });
	}

	#tick(): void {
		const late = Date.now() - this.#tickedAt - TICK_MS;
		const isQuiet = Date.now() - this.#heardAt > QUIET_MS;
		this.#tickedAt = Date.now();
		this.#show();
		takeProgress({});
		if (!this.#socket) return; // a poll has a time limit of its own
		const isLate = late > SLEPT_MS;
		if (isQuiet && !isLate) {
			this.#broke();
		} else if (isQuiet || (isLate && !document.hidden)) {
			// A page that nobody sees has its timers slowed down.
			this.#down();
			this.again();
		}
	}

	#wake = (): void => {
		if (document.hidden || this.#isOut) return;
		const isStale = Date.now() - this.#heardAt > QUIET_MS;
		if (navigator.onLine && (this.#timer || isStale)) this.again();
	};
}

export const watch = (wanted: Wanted): Watch => new Feed(wanted);
