// A list that is not there: it failed, or nothing matches.
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { lazy } from '../frame/lazy';
import { isolated, ltr } from '../isolate';
import { errorWords } from '../parts/errors';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { go, type View } from '../view';
import { useWords, type Words } from '../words';
import { Calls, calls, type ListState } from './calls';
import { second, today } from './clock';
import { dateOf, isSpan, plainDay } from './dates';
import { isNarrowed, searchOf, stateOf } from './filter';

const FirstRun = lazy(() => import('../pages/FirstRun').then((module) => module.FirstRun));

/** Why, without the seconds: these are counted here. */
function whyFailed(error: unknown, { list }: Words): string {
	const isBusy = error instanceof ApiError && (error.code === 'overloaded' || error.code === 'rate_limited');
	return isBusy ? list.failedBusy : errorWords(error).text;
}

export function Failed({ state }: { state: ListState }) {
	const words = useWords();
	const { list, common } = words;
	useStore(second);
	const left = Math.max(1, Math.ceil((state.againAt - Date.now()) / 1000));
	const requestId = state.error instanceof ApiError ? state.error.requestId : null;
	return (
		<div class="empty" role="alert">
			<Icon name="bad" size={24} class="bad" />
			<h2>{list.failedTitle}</h2>
			<p>{whyFailed(state.error, words)} {state.againAt > 0 && <span aria-hidden="true">{list.failedAgain(left)}</span>}</p>
			<button type="button" class="btn" onClick={() => calls.retry()}>{common.retry}</button>
			{requestId && <p class="note">{list.failedRequest} <bdi class="n" dir="ltr">{requestId}</bdi></p>}
		</div>
	);
}

function daysText({ searched }: Words['list'], { from, to }: View): string {
	if (isSpan(from)) return searched.span[from];
	const [first, last] = [dateOf(from), dateOf(to)].map((date) => date && isolated(plainDay(date)));
	if (first && last) return searched.fromTo(first, last);
	return first ? searched.since(first) : last ? searched.until(last) : '';
}

/** What was looked for, in one sentence. */
function searchedText(words: Words, seen: View): string {
	const { searched } = words.list;
	const search = searchOf(seen.q);
	const state = stateOf(seen.state);
	return [
		searched[seen.tab],
		state && searched.state[state],
		daysText(words.list, seen),
		search.kind === 'number' ? searched.number(ltr(search.number.replace(/^0/, ''))) : search.kind === 'call' ? searched.call : '',
	].filter(Boolean).join(' ');
}

const ANY: Partial<View> = { tab: 'all', from: '', to: '', state: '' };

/** How many match without the filters; null: not known, or there are none. */
function useWithout(seen: View): number | 'many' | null {
	const [count, setCount] = useState<number | 'many' | null>(null);
	const search = searchOf(seen.q);
	const isFiltered = seen.tab !== 'all' || seen.from !== '' || seen.to !== '' || seen.state !== '';
	useEffect(() => {
		setCount(null);
		if (!isFiltered) return;
		const asked = new AbortController();
		const filter = search.kind === 'number' ? { number: search.number } : search.kind === 'call' ? { call: search.callSid } : {};
		Calls.countOf(filter, asked.signal).then(setCount, () => {});
		return () => asked.abort();
	}, [seen.q, isFiltered]);
	return count || null;
}

export function NoMatch({ seen }: { seen: View }) {
	const words = useWords();
	const { list } = words;
	useStore(today);
	const without = useWithout(seen);
	if (seen.tab === 'all' && !isNarrowed(seen)) return <FirstRun />;
	return (
		<div class="empty">
			<Icon name="search" size={24} />
			<h2>{list.noMatch}</h2>
			<p>{searchedText(words, seen)}. {without !== null && list.without(without)}</p>
			{without !== null && <button type="button" class="btn" onClick={() => go(ANY)}>{list.searchAll}</button>}
		</div>
	);
}
