// What is looked at, as the server is asked for it.
import type { Filter } from '../types';
import type { View } from '../view';
import { daysOf, instantsOf } from './dates';

/** What somebody typed into the search. */
export type Search = { kind: 'nothing' } | { kind: 'short' } | { kind: 'number'; number: string } | { kind: 'call'; callSid: string } | { kind: 'unknown' };

const DIGITS_MIN = 3; // what the server takes

const CALL = /^CA[0-9a-f]{32}$/i;
const NUMBER = /^[\d\s+\-().\u00a0\u2010-\u2015]+$/;

export function searchOf(typed: string): Search {
	const text = typed.replace(/[\u200e\u200f\u2066-\u2069]/g, '').trim();
	if (!text) return { kind: 'nothing' };
	if (CALL.test(text)) return { kind: 'call', callSid: `CA${text.slice(2).toLowerCase()}` };
	const digits = text.replace(/\D/g, '');
	if (!NUMBER.test(text)) return { kind: 'unknown' };
	return digits.length < DIGITS_MIN ? { kind: 'short' } : { kind: 'number', number: `${text.startsWith('+') ? '+' : ''}${digits}` };
}

export const STATES = ['', 'stored', 'on_the_way', 'failed', 'none', 'held', 'expired', 'deleted'] as const;
export type StateFilter = (typeof STATES)[number];

export const stateOf = (state: string): StateFilter => STATES.find((known) => known === state) ?? '';

export function filterOf({ tab, q, from, to, state }: View, today: string): Filter {
	const search = searchOf(q);
	const wanted = stateOf(state);
	return {
		...(tab === 'all' ? {} : { direction: tab === 'in' ? 'inbound' : 'outbound' }),
		...instantsOf(daysOf({ from, to }, today)),
		...(wanted ? { state: wanted } : {}),
		...(search.kind === 'number' ? { number: search.number } : {}),
		...(search.kind === 'call' ? { call: search.callSid } : {}),
	};
}

/** Whether anything but the tab narrows the list. */
export const isNarrowed = ({ q, from, to, state }: View): boolean => Boolean(q.trim() || from || to || stateOf(state));
