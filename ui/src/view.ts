// What is looked at, as the address says it: #in&q=…&from=…&to=…&state=failed&call=CA…&recording=RE…&t=222,
// so that Back, a reload and a colleague's link give the same view.
import { keep, kept } from './chosen';
import { store, type Store } from './store';

export type Tab = 'all' | 'in' | 'out';

export interface View {
	page: 'calls' | 'health';
	tab: Tab;
	/** What is searched for, as it was typed. */
	q: string;
	/** A day of this browser's time zone, "2026-11-21", or one of the spans of list/dates.ts, without `to`. */
	from: string;
	/** The last day, itself within; a day where `from` is one or is empty. */
	to: string;
	/** `state` of /api/calls. */
	state: string;
	/** The call whose details are open. */
	call: string;
	/** Which of its recordings to play; empty: its main one. */
	recording: string;
	/** Where to play it from, in seconds. */
	t: number | null;
}

const TABS: readonly string[] = ['all', 'in', 'out'];
const NOTHING: View = { page: 'calls', tab: 'all', q: '', from: '', to: '', state: '', call: '', recording: '', t: null };
const TEXTS = ['q', 'from', 'to', 'state', 'call', 'recording'] as const;

const isTab = (text: string | null): text is Tab => text !== null && TABS.includes(text);

/** tab: where the address names none. */
export function viewOf(hash: string, tab: Tab): View {
	const [place = '', ...rest] = hash.replace(/^#/, '').split('&');
	const said = new URLSearchParams((/^\w+$/.test(place) ? rest : [place, ...rest]).join('&'));
	const view: View = { ...NOTHING, page: place === 'health' ? 'health' : 'calls', tab: isTab(place) ? place : tab };
	for (const name of TEXTS) view[name] = said.get(name) ?? '';
	const t = Number.parseFloat(said.get('t') ?? '');
	return { ...view, t: t >= 0 ? t : null };
}

export function hashOf(view: View): string {
	const said = new URLSearchParams();
	for (const name of TEXTS) if (view[name]) said.set(name, view[name]);
	if (view.t !== null) said.set('t', String(view.t));
	const rest = said.toString();
	return `#${view.page === 'health' ? 'health' : view.tab}${rest && `&${rest}`}`;
}

function lastTab(): Tab {
	const tab = kept('tab');
	return isTab(tab) ? tab : 'all';
}

const current = store<View>(NOTHING);
export const view: Store<View> = current;

/** Once, before anything is drawn. */
export function startView(): void {
	const read = (): void => current.set(viewOf(location.hash, lastTab()));
	addEventListener('popstate', read);
	addEventListener('hashchange', read);
	read();
}

/** Another call has none of the moment of the one before. */
const momentless = { recording: '', t: null };

/** 'replace': no place that Back leads to. */
export function go(change: Partial<View>, how: 'push' | 'replace' = 'push'): void {
	const next = { ...current.value, ...(change.call === undefined ? {} : momentless), ...change };
	if (change.tab) keep('tab', change.tab);
	const hash = hashOf(next);
	if (hash === hashOf(current.value)) return;
	if (how === 'push') history.pushState(null, '', hash);
	else history.replaceState(null, '', hash);
	current.set(next);
}
