// What stands before the first row and after the last one.
import { useEffect, useRef, useState } from 'preact/hooks';
import { announce } from '../parts/announce';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { view, type View } from '../view';
import { useWords } from '../words';
import type { Calls, ListState } from './calls';
import { isSpan } from './dates';
import { isNarrowed } from './filter';

const SHOWN_AFTER_MS = 150;
const WIDTHS = [104, 117, 106, 119, 108, 121, 110, 123, 112, 125, 114, 127, 116, 105];

function Skeleton({ width }: { width: number }) {
	return (
		<div class="row skeleton" aria-hidden="true">
			<span class="sk round" />
			<span class="sk" />
			<span />
			<span class="sk" ref={(element) => element?.style.setProperty('width', `${width}px`)} />
			<span class="sk c-own" />
			<span class="sk r" />
			<span class="sk c-status" />
			<span class="sk" />
			<span class="sk c-keep" />
		</div>
	);
}

/** While the first page is on its way; not at all where it is here at once. */
export function Skeletons() {
	const [isShown, setShown] = useState(false);
	useEffect(() => {
		const timer = setTimeout(() => setShown(true), SHOWN_AFTER_MS);
		return () => clearTimeout(timer);
	}, []);
	return isShown ? <>{WIDTHS.map((width) => <Skeleton key={width} width={width} />)}</> : null;
}

function endOf({ list }: ReturnType<typeof useWords>, seen: View): string {
	const { these } = list;
	if (isSpan(seen.from) && !seen.q && !seen.state) return these.span[seen.from];
	return isNarrowed(seen) || seen.tab !== 'all' ? these.match : these.all;
}

export function Foot({ calls, state }: { calls: Calls; state: ListState }) {
	const words = useWords();
	const seen = useStore(view);
	if (!calls.stretch.bottom) return <div class="foot">{endOf(words, seen)}</div>;
	if (state.hasOlderFailed) {
		return (
			<div class="foot" role="status">
				{words.list.olderFailed}
				<button type="button" class="btn sm" onClick={() => void calls.older()}>{words.common.retry}</button>
			</div>
		);
	}
	return <>{WIDTHS.slice(0, 10).map((width) => <Skeleton key={width} width={width} />)}</>;
}

/** New calls that are not shown yet, or the way back to the newest. */
export function Pill({ calls, version: _, onPress }: { calls: Calls; version: number; onPress(): void }) {
	const { list } = useWords();
	const { newCount, top } = calls.stretch;
	const said = useRef(0);
	useEffect(() => {
		if (newCount > said.current) announce(list.newCalls(newCount));
		said.current = newCount;
	}, [newCount]);
	if (!newCount && !top && !calls.isLeftBehind) return null;
	return (
		<button type="button" class="newpill" onClick={onPress}>
			<Icon name="up" />
			{newCount ? list.newCalls(newCount) : list.newestCalls}
		</button>
	);
}
