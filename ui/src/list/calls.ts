// The list that is looked at: its stretch, what is asked for it, and what the server tells of it.
import { ApiError, getCalls, isSignedOut, queryOf } from '../api';
import { takeProgress, watch, type Watch } from '../live';
import { untilBack } from '../session';
import { store } from '../store';
import type { Call, CallPage, EventMessage, Filter } from '../types';
import { inbox, Rate } from './inbox';
import { keyOf, placeOf, Stretch, type Ticket } from './stretch';

export interface ListState {
	/** Of the stretch. */
	version: number;
	/** 'failed': nothing is shown but the failure. */
	status: 'loading' | 'ready' | 'failed';
	error: unknown;
	/** When it is tried again, in milliseconds; 0: not by itself. */
	againAt: number;
	/** Of the filter that the rows are of. */
	filter: Filter;
	hasOlderFailed: boolean;
}

/** What is seen of the list: told by whoever draws it. */
export interface Seen {
	/** The first row that is seen. */
	index: number;
	isAtTop: boolean;
}

/** Where a row was, from the upper edge of the list. */
export interface Anchor {
	callSid: string;
	y: number;
}

const PAGE = 100;
const ANEW_MS = 2000;
const AGAIN_S = 4;
const AGAIN_MAX_S = 30;
const FLOOD = 20; // new calls a second
export const FRESH_MS = 1600;

const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const justAbove = (key: string): string => keyOf({ ...placeOf(key), id: placeOf(key).id + 1 });

export class Calls {
	readonly stretch = new Stretch();
	/** The rows that were in sight when the list was last drawn. */
	place: readonly Anchor[] = [];
	/** Rows that came while they were looked at, and when. */
	readonly fresh = new Map<string, number>();
	readonly state = store<ListState>({ version: 0, status: 'loading', error: null, againAt: 0, filter: {}, hasOlderFailed: false });

	#filter: Filter = {};
	#query: string | null = null;
	#seen: Seen = { index: 0, isAtTop: true };
	#watch: Watch | null = null;
	#asked: AbortController | null = null;
	#failures = 0;
	#again: ReturnType<typeof setTimeout> | undefined;
	#ends = new Set<'older' | 'newer'>();

	#inbox = inbox((messages) => this.#take(messages), (last) => void this.#readAnew(last.seq));
	#rate = new Rate();
	/** So many new calls come that the list would not stand still: they wait until they are asked for. */
	#isFlooded = false;
	/** Of the page that took the place of all: what was told up to it is in it. */
	#readAt = 0;
	#anewAt = 0;
	#anewSeq = 0;
	/** For which connection the list is being read anew. */
	#anewOf: Watch | null = null;
	#anewDone = Promise.resolve();

	// ---- the whole ----

	/** The rows of the list before stay until the answer. */
	show(filter: Filter): void {
		const query = queryOf(filter);
		if (query === this.#query) return;
		this.#query = query;
		this.#watch?.end();
		this.#watch = null;
		this.#inbox.forget();
		this.#rate.forget();
		this.#filter = filter;
		this.#failures = 0;
		this.#isFlooded = false;
		this.#anewSeq = 0;
		void this.#read();
	}

	retry(): void {
		this.#watch?.again();
		if (!this.#watch) void this.#read();
	}

	async #read(): Promise<void> {
		const asked = this.#ask();
		const ticket = this.stretch.askAnew();
		clearTimeout(this.#again);
		try {
			const page = await getCalls(this.#filter, { limit: PAGE }, asked.signal);
			if (asked === this.#asked) this.#begin(ticket, page);
		} catch (error) {
			this.stretch.drop(ticket);
			if (asked === this.#asked) this.#failed(error);
		}
	}

	/** Ends what was asked for another list. */
	#ask(): AbortController {
		this.#asked?.abort();
		this.#ends.clear();
		return (this.#asked = new AbortController());
	}

	#begin(ticket: Ticket, page: CallPage): void {
		const filter = this.#filter;
		this.#seen = { index: 0, isAtTop: true };
		this.stretch.takesNew = true;
		this.#put(ticket, page);
		this.#readAt = page.seq;
		this.#failures = 0;
		this.#tell({ status: 'ready', error: null, filter, hasOlderFailed: false });
		this.#watch = watch({ filter, seq: page.seq, bottom: page.next, told: (message) => this.#told(message) });
	}

	/** What the list before shows is not what is asked for: it goes.  Whoever is signed out is not asked for again and again. */
	#failed(error: unknown): void {
		const waitS = Math.max(error instanceof ApiError ? error.retryAfterS : 0, Math.min(AGAIN_S * 2 ** this.#failures++, AGAIN_MAX_S));
		const isOut = isSignedOut(error);
		if (!isOut) this.#again = setTimeout(() => void this.#read(), waitS * 1000);
		this.#tell({ status: 'failed', error, filter: this.#filter, againAt: isOut ? 0 : Date.now() + waitS * 1000 });
	}

	/** A row that is older than what is known of its call says nothing. */
	#put(ticket: Ticket, page: CallPage, newer: CallPage | null = null): boolean {
		const isPut = this.stretch.page(ticket, page, newer);
		const rows = [...page.calls, ...(newer?.calls ?? [])];
		if (isPut) takeProgress({ calls: rows.filter((call) => this.stretch.get(call.call_sid) === call) });
		return isPut;
	}

	#tell(change: Partial<ListState> = {}): void {
		this.state.set({ ...this.state.value, ...change, version: this.stretch.version });
	}

	// ---- the ends ----

	older = (): Promise<void> => this.#extend('older');
	newer = (): Promise<void> => this.#extend('newer');

	async #extend(part: 'older' | 'newer'): Promise<void> {
		if (this.#ends.has(part) || this.state.value.status !== 'ready') return;
		const ticket = this.stretch.ask(part);
		if (!ticket) return;
		const asked = this.#asked!;
		this.#ends.add(part);
		try {
			const where = part === 'older' ? { after: ticket.key! } : { before: ticket.key! };
			this.#extended(ticket, await getCalls(this.state.value.filter, { ...where, limit: PAGE }, asked.signal));
		} catch {
			this.stretch.drop(ticket);
			if (asked === this.#asked) this.#tell({ hasOlderFailed: part === 'older' });
		} finally {
			if (asked === this.#asked) this.#ends.delete(part);
		}
	}

	#extended(ticket: Ticket, page: CallPage): void {
		if (!this.#put(ticket, page)) return;
		this.stretch.cut(this.#seen.index);
		this.#widen(page.seq);
		this.#tell(ticket.part === 'older' ? { hasOlderFailed: false } : {});
	}

	#widen(seq: number): void {
		const { bottom } = this.stretch;
		this.#watch?.widen(bottom && keyOf(bottom), seq);
	}

	// ---- anew, the same list ----

	/** At most once in 2 s, until what was read is not older than `seq`. */
	#readAnew(seq = 0): Promise<void> {
		this.#anewSeq = Math.max(this.#anewSeq, seq);
		if (this.#anewOf !== this.#watch) this.#anewDone = this.#keepReading();
		return this.#anewDone;
	}

	async #keepReading(): Promise<void> {
		const watched = this.#watch;
		this.#anewOf = watched;
		do {
			await wait(Math.max(0, this.#anewAt + ANEW_MS - Date.now()));
			this.#anewAt = Date.now();
		} while (watched === this.#watch && !(await this.#readOnce()));
		if (this.#anewOf === watched) this.#anewOf = null;
	}

	/** False: it is to be read again. */
	async #readOnce(): Promise<boolean> {
		const asked = this.#ask();
		const ticket = this.stretch.askAnew();
		const around = this.#takesNew() ? undefined : this.stretch.rows[this.#seen.index]?.call.key;
		try {
			const [page, newer] = await this.#pages(around, asked.signal);
			const readAt = Math.min(page.seq, newer?.seq ?? page.seq);
			await this.#inbox.free();
			if (!this.stretch.holds(ticket)) return asked !== this.#asked;
			this.#noticeFlood(page, newer);
			this.#put(ticket, page, newer);
			this.#readAt = readAt;
			this.#widen(readAt);
			this.#tell({ hasOlderFailed: false });
			return readAt >= this.#anewSeq;
		} catch (error) {
			this.stretch.drop(ticket);
			if (isSignedOut(error)) await untilBack();
			return asked !== this.#asked;
		}
	}

	#pages(around: string | undefined, signal: AbortSignal): Promise<[CallPage, CallPage | null]> {
		const { filter } = this.state.value;
		if (!around) return getCalls(filter, { limit: PAGE }, signal).then((page) => [page, null]);
		return Promise.all([getCalls(filter, { after: justAbove(around), limit: PAGE }, signal), getCalls(filter, { before: around, limit: PAGE }, signal)]);
	}

	#noticeFlood(page: CallPage, newer: CallPage | null): void {
		const first = this.stretch.rows[0];
		if (newer || !first) return;
		const known = page.calls.findIndex((call) => call.key === first.call.key);
		if (known < 0 || known > (FLOOD * ANEW_MS) / 1000) this.#isFlooded = true;
	}

	// ---- what is told ----

	#told(message: EventMessage): void {
		if (this.#rate.count(this.#newOf(message)) > FLOOD) this.#isFlooded = true;
		if (message.calls?.length || message.gone?.length) this.#inbox.put(message);
		if (message.reset || message.more) void this.#readAnew(message.seq);
	}

	#take(queue: EventMessage[]): void {
		const messages = queue.filter(({ seq }) => seq === undefined || seq > this.#readAt);
		this.stretch.takesNew = this.#takesNew();
		if (this.stretch.takesNew) this.#markFresh(messages.flatMap((message) => this.#newOf(message)));
		for (const message of messages) this.stretch.receive(message);
		this.stretch.cut(this.#seen.index);
		this.#tell();
	}

	/** The calls of a message that are above all that is known. */
	#newOf({ calls = [] }: EventMessage): string[] {
		const first = this.stretch.rows[0];
		const isNew = (call: Call): boolean => first !== undefined && placeOf(call.key).ms > first.place.ms && !this.stretch.get(call.call_sid);
		return calls.filter(isNew).map((call) => call.call_sid);
	}

	#markFresh(callSids: string[]): void {
		const now = Date.now();
		for (const [callSid, at] of this.fresh) if (now - at > FRESH_MS) this.fresh.delete(callSid);
		for (const callSid of callSids) this.fresh.set(callSid, now);
	}

	#takesNew(): boolean {
		return this.#seen.isAtTop && !this.#isFlooded;
	}

	// ---- the view's part ----

	get isAtTop(): boolean {
		return this.#seen.isAtTop;
	}

	/** New calls were put above what is seen, without being counted. */
	get isLeftBehind(): boolean {
		return this.#isFlooded && !this.#seen.isAtTop;
	}

	/** While a pointer is down or a menu open, nothing moves. */
	hold(isHeld: boolean): void {
		this.#inbox.hold(isHeld);
	}

	see(seen: Seen): void {
		const came = seen.isAtTop && !this.#seen.isAtTop;
		this.#seen = seen;
		if (!came || this.#isFlooded || !this.stretch.waiting.size) return;
		// A few are seen to come in; many are put above what is read just now.
		this.stretch.takesNew = this.stretch.waiting.size <= FLOOD;
		this.stretch.takeWaiting();
		this.#tell();
	}

	/** To the newest call, whatever is read for it. */
	async toNewest(): Promise<void> {
		if (this.stretch.top) await this.#anewDone; // it is read around what is seen
		this.#isFlooded = false;
		this.#rate.forget();
		this.#seen = { index: 0, isAtTop: true };
		this.stretch.takesNew = true;
		if (this.stretch.top) {
			this.#anewAt = 0;
			await this.#readAnew();
		} else {
			this.stretch.takeWaiting();
			this.#tell();
		}
	}

	/** How many calls match another filter: "0", "7", "many". */
	static async countOf(filter: Filter, signal: AbortSignal): Promise<number | 'many'> {
		const page = await getCalls(filter, { limit: PAGE }, signal);
		return page.next ? 'many' : page.calls.length;
	}
}

export const calls = new Calls();
