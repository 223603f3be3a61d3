// The bar of filters: which days, which recordings; and whether the list is live.
import { useState } from 'preact/hooks';
import { connection } from '../live';
import { today } from '../list/clock';
import { dateOf, daysOf, isSpan, plainDay, zoneName } from '../list/dates';
import { isNarrowed, stateOf, STATES } from '../list/filter';
import { Icon } from '../parts/Icon';
import { MenuButton, MenuItem } from '../parts/Menu';
import { Popover } from '../parts/Popover';
import { useStore } from '../store';
import { go, view, type View } from '../view';
import { useWords, type Words } from '../words';
import { lazy } from './lazy';

export const DATES_ID = 'dates';

const DatePicker = lazy(() => import('../list/DatePicker').then((module) => module.DatePicker));

const CLEAR: Partial<View> = { q: '', from: '', to: '', state: '' };

function daysText({ list }: Words, seen: View, now: string): string {
	if (isSpan(seen.from)) return list.spans[seen.from];
	const { from, to } = daysOf(seen, now);
	const [first, last] = [from, to].map((day) => (day ? plainDay(dateOf(day)!) : ''));
	if (first && last) return first === last ? first : list.fromTo(first, last);
	return first ? list.since(first) : last ? list.until(last) : list.anyTime;
}

function Dates() {
	const words = useWords();
	const { list } = words;
	const seen = useStore(view);
	const now = useStore(today);
	const [anchor, setAnchor] = useState<HTMLElement | null>(null);
	const text = daysText(words, seen, now);
	return (
		<>
			<button type="button" id={DATES_ID} class={text === list.anyTime ? 'chip' : 'chip on'} aria-haspopup="dialog" aria-expanded={anchor !== null} aria-label={`${list.dates}: ${text}`}
				onClick={(event) => setAnchor(anchor ? null : event.currentTarget)}>
				<Icon name="calendar" />
				{text}
				<Icon name="down" />
			</button>
			{anchor && <Popover anchor={anchor} label={list.chooseDates} class="dates" onClose={() => setAnchor(null)}><DatePicker onClose={() => setAnchor(null)} /></Popover>}
		</>
	);
}

function States() {
	const { list } = useWords();
	const wanted = stateOf(useStore(view).state);
	const text = wanted ? list.stateFilters[wanted] : list.anyRecording;
	return (
		<MenuButton label={`${list.recording}: ${text}`} menuLabel={list.recording} class={wanted ? 'chip on' : 'chip'} button={<><Icon name="wave" />{text}<Icon name="down" /></>}>
			{() => STATES.map((state) => <MenuItem key={state} isChecked={state === wanted} onSelect={() => go({ page: 'calls', state })}>{list.stateFilters[state]}</MenuItem>)}
		</MenuButton>
	);
}

function Connection() {
	const { list } = useWords();
	const { isLive, offlineSince } = useStore(connection);
	if (offlineSince !== null) return <span class="conn off"><i />{list.offline}</span>;
	return <span class="conn">{isLive && <><i />{list.live}</>}</span>;
}

export function Filters() {
	const { list } = useWords();
	const seen = useStore(view);
	useStore(today);
	return (
		<section class="filters" aria-label={list.filters}>
			<Dates />
			<States />
			{isNarrowed(seen) && <button type="button" class="btn quiet sm" onClick={() => go(CLEAR)}>{list.clearFilters}</button>}
			<span class="grow" />
			<span class="note tz">{list.zone(zoneName(new Date()))}</span>
			<span class="sep tz" />
			<Connection />
		</section>
	);
}
