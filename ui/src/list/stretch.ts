// One contiguous, proven stretch of the filtered list: why there is never a gap nor a duplicate.
//
//	newest    waiting      calls that came while the list was scrolled: not shown until they are taken in
//	  |       rows[0]      --- top: LIVE (nothing newer exists but what waits), or a place: newer ones are not read yet
//	  |       ...
//	oldest    rows[n - 1]  --- bottom: END (nothing older exists), or a place: older ones are not read yet
//
// A page extends the stretch only at the end that it was asked for, and only while its ticket is open: whoever asks
// for the whole anew, or cuts that end, closes it.  An event moves a row, or takes it out; below the bottom it is
// ignored, for the page that is read there will have it.  What comes while a page is on its way is remembered as a
// fact: the page may have been read before it, and then the fact counts.
//
// Rows are compared by the `seq` of their last change: a lower one never replaces a higher one.  That a call is gone
// has no row; it counts when it is newer than the page or the event that told of the row.
//
// Pure: knows no clock, no network, no document.
import type { Call, CallPage, EventMessage } from '../types';

/** A call's place in the list; larger is newer. */
export interface Place {
	readonly ms: number;
	readonly id: number;
}

export interface Entry {
	readonly call: Call;
	readonly place: Place;
	/** The `seq` of the answer that told of it. */
	readonly toldAt: number;
}

export interface Ticket {
	readonly part: 'all' | 'newer' | 'older';
	/** What to ask from; null: the newest. */
	readonly key: string | null;
}

export interface Limits {
	/** Rows that are kept at most: the far end is cut then. */
	readonly rows: number;
	/** New calls that wait at most: beyond, the top is cut there, and they are read as a page. */
	readonly waiting: number;
}

const LIMITS: Limits = { rows: 2000, waiting: 500 };

export function placeOf(key: string): Place {
	const dot = key.indexOf('.');
	return { ms: Number(key.slice(0, dot)), id: Number(key.slice(dot + 1)) };
}

export const keyOf = ({ ms, id }: Place): string => `${ms}.${id}`;

/** Negative: a is newer. */
export const byPlace = (a: Place, b: Place): number => b.ms - a.ms || b.id - a.id;

const isNewer = (a: Place, b: Place): boolean => byPlace(a, b) < 0;
const placeOrEnd = (key: string | null): Place | null => (key === null ? null : placeOf(key));

/** What one answer said of a call; null: it is not in the list. */
interface Fact {
	readonly entry: Entry | null;
	readonly toldAt: number;
}

export class Stretch {
	/** Newest first.  Changed in place: `version` tells when. */
	readonly rows: Entry[] = [];
	readonly waiting = new Map<string, Entry>();
	/** Null: LIVE. */
	top: Place | null = null;
	/** Null: END. */
	bottom: Place | null = null;
	/** Grows with each change of the rows, of what waits, or of the ends. */
	version = 0;
	/** Whether newer calls become rows at once; else they wait. */
	takesNew = true;

	readonly #limits: Limits;
	#bySid = new Map<string, Entry>();
	#facts = new Map<string, Fact>();
	#open = new Set<Ticket>();
	/** The newest place that was known while LIVE: what lies above is new. */
	#newest: Place | null = null;
	/** New calls above a top that is a place. */
	#above = new Set<string>();

	constructor(limits = LIMITS) {
		this.#limits = limits;
	}

	/** How many new calls are above the rows, as far as is known. */
	get newCount(): number {
		return this.waiting.size + this.#above.size;
	}

	get(callSid: string): Call | null {
		return this.#known(callSid)?.call ?? null;
	}

	/** -1: it is no row. */
	indexOf(callSid: string): number {
		const entry = this.#bySid.get(callSid);
		return entry ? this.#find(entry.place) : -1;
	}

	// ---- pages ----

	/** What to ask next at one end; null: there is nothing.  Each ticket is given to page() or drop(). */
	ask(part: 'newer' | 'older'): Ticket | null {
		const end = part === 'newer' ? this.top : this.bottom;
		return end && this.#opened({ part, key: keyOf(end) });
	}

	/** All anew; the rows stay until the answer. */
	askAnew(): Ticket {
		this.#open.clear();
		this.#facts.clear();
		return this.#opened({ part: 'all', key: null });
	}

	drop(ticket: Ticket): void {
		this.#open.delete(ticket);
		if (!this.#open.size) this.#facts.clear();
	}

	/** False: nobody waits for its page any more. */
	holds(ticket: Ticket): boolean {
		return this.#open.has(ticket);
	}

	/** newer: the page above this one, where a list that is scrolled is read around a place. */
	page(ticket: Ticket, page: CallPage, newer: CallPage | null = null): boolean {
		const holds = this.holds(ticket);
		if (holds) this.#extend(ticket, page, newer);
		this.drop(ticket);
		return holds;
	}

	#opened(ticket: Ticket): Ticket {
		this.#open.add(ticket);
		return ticket;
	}

	#extend({ part }: Ticket, page: CallPage, newer: CallPage | null): void {
		if (part === 'all') this.#clear();
		else this.#close(part);
		if (part !== 'newer') this.bottom = placeOrEnd(page.next);
		if (part !== 'older') this.top = placeOrEnd((newer ?? page).previous);
		if (!this.top) this.#above.clear();
		for (const one of newer ? [newer, page] : [page]) this.#addAll(one);
		const readAt = Math.min(page.seq, newer?.seq ?? page.seq);
		for (const [callSid, fact] of this.#facts) if (fact.toldAt > readAt) this.#apply(callSid, fact);
		this.version++;
	}

	#addAll({ seq, calls }: CallPage): void {
		for (const call of calls) this.#put({ call, place: placeOf(call.key), toldAt: seq }, true);
	}

	/** Nothing stays, nor who asked for an end of it meanwhile. */
	#clear(): void {
		this.#open.clear();
		this.rows.length = 0;
		this.#bySid.clear();
		this.waiting.clear();
		this.#above.clear();
		this.#newest = null;
	}

	// ---- events ----

	receive({ seq = 0, calls = [], gone = [] }: EventMessage): void {
		for (const call of calls) this.#hear(call.call_sid, { entry: { call, place: placeOf(call.key), toldAt: seq }, toldAt: seq });
		for (const callSid of gone) this.#hear(callSid, { entry: null, toldAt: seq });
		if (this.waiting.size > this.#limits.waiting) this.#endWaiting();
		if (calls.length || gone.length) this.version++;
	}

	#hear(callSid: string, fact: Fact): void {
		const before = this.#facts.get(callSid);
		if (this.#open.size && !(before && before.toldAt > fact.toldAt)) this.#facts.set(callSid, fact);
		this.#apply(callSid, fact);
	}

	#apply(callSid: string, { entry, toldAt }: Fact): void {
		if (entry) return this.#put(entry);
		const known = this.#known(callSid);
		this.#above.delete(callSid);
		if (known && known.toldAt < toldAt) this.#take(known);
	}

	// ---- rows ----

	#known(callSid: string): Entry | undefined {
		return this.#bySid.get(callSid) ?? this.waiting.get(callSid);
	}

	/** isPage: it was asked for, and never waits. */
	#put(told: Entry, isPage = false): void {
		const old = this.#known(told.call.call_sid);
		if (old && old.call.seq > told.call.seq) return;
		const entry = old && old.toldAt > told.toldAt ? { ...told, toldAt: old.toldAt } : told;
		if (old && byPlace(old.place, entry.place) === 0) return this.#replace(entry);
		if (old) this.#take(old);
		this.#place(entry, isPage);
	}

	#place(entry: Entry, isPage: boolean): void {
		const { call, place } = entry;
		if (this.bottom && isNewer(this.bottom, place)) return;
		if (this.top && isNewer(place, this.top)) return this.#count(entry);
		if (!this.top && !(this.#newest && isNewer(this.#newest, place))) this.#newest = place;
		const first = this.rows[0];
		if (!this.takesNew && !isPage && first && isNewer(place, first.place)) this.waiting.set(call.call_sid, entry);
		else this.#insert(entry);
	}

	#count({ call, place }: Entry): void {
		if (this.#newest && isNewer(place, this.#newest) && this.#above.size < this.#limits.waiting) this.#above.add(call.call_sid);
	}

	#insert(entry: Entry): void {
		this.rows.splice(this.#find(entry.place), 0, entry);
		this.#bySid.set(entry.call.call_sid, entry);
		this.#above.delete(entry.call.call_sid);
	}

	#replace(entry: Entry): void {
		const { call, place } = entry;
		if (this.waiting.has(call.call_sid)) {
			this.waiting.set(call.call_sid, entry);
			return;
		}
		this.rows[this.#find(place)] = entry;
		this.#bySid.set(call.call_sid, entry);
	}

	#take({ call, place }: Entry): void {
		if (this.waiting.delete(call.call_sid)) return;
		this.rows.splice(this.#find(place), 1);
		this.#bySid.delete(call.call_sid);
	}

	/** Where it is, or would be inserted. */
	#find(place: Place): number {
		let from = 0;
		let to = this.rows.length;
		while (from < to) {
			const middle = (from + to) >> 1;
			if (isNewer(this.rows[middle]!.place, place)) from = middle + 1;
			else to = middle;
		}
		return from;
	}

	// ---- the view's part ----

	/** What waits becomes rows; returns how many. */
	takeWaiting(): number {
		const taken = [...this.waiting.values()];
		this.waiting.clear();
		for (const entry of taken) this.#insert(entry);
		if (taken.length) this.version++;
		return taken.length;
	}

	/** Cuts the end that is farther from a row that is seen. */
	cut(seen: number): void {
		const excess = this.rows.length - this.#limits.rows;
		if (excess <= 0) return;
		if (seen < this.rows.length / 2) this.#cutBottom(excess);
		else this.#cutTop(this.rows[excess]!.place);
		this.version++;
	}

	#endWaiting(): void {
		if (this.rows[0]) this.#cutTop(this.rows[0].place);
		else this.takeWaiting();
	}

	#cutBottom(excess: number): void {
		for (const { call } of this.rows.splice(this.rows.length - excess)) this.#bySid.delete(call.call_sid);
		this.bottom = this.rows[this.rows.length - 1]!.place;
		this.#close('older');
	}

	#cutTop(place: Place): void {
		for (const { call } of this.rows.splice(0, this.#find(place))) this.#bySid.delete(call.call_sid);
		for (const callSid of this.waiting.keys()) this.#above.add(callSid);
		this.waiting.clear();
		this.top = place;
		this.#close('newer');
	}

	/** Whoever asked for this end asked for one that is another now. */
	#close(part: 'newer' | 'older'): void {
		for (const ticket of this.#open) if (ticket.part === part) this.#open.delete(ticket);
	}
}
