// The list of calls: one grid of which only what is in sight is drawn.
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type MutableRef } from 'preact/hooks';
import { phone } from '../frame/phone';
import { playing, type Playing } from '../player/control';
import { useStore } from '../store';
import type { Call } from '../types';
import { go, view } from '../view';
import { language, useWords } from '../words';
import { calls, FRESH_MS, type ListState } from './calls';
import { today } from './clock';
import { retryCallOf, togglePlay } from './deeds';
import { Foot, Pill, Skeletons } from './edges';
import { Failed, NoMatch } from './empty';
import { filterOf } from './filter';
import { longDay, shifted } from './dates';
import { HEAD, layoutOf, type Day, type Layout } from './layout';
import { useListKeys } from './listKeys';
import { ungrouped } from './numbers';
import { Row, type Sound } from './Row';
import { RowMenu } from './RowMenu';
import { sidAt, usePress } from './usePress';
import { useScroll, type Range } from './useScroll';

const ROW = 40;
const ROW_PHONE = 64;

function soundOf(call: Call, now: Playing | null): Sound {
	if (now?.callSid !== call.call_sid) return 'none';
	if (now.isBusy) return 'busy';
	return now.isPlaying ? 'playing' : 'paused';
}

function Columns() {
	const { list } = useWords();
	const { columns } = list;
	const head = (text: string, more = '', isSeen = true) => <span class={more} role="columnheader">{isSeen ? text : <span class="sr">{text}</span>}</span>;
	return (
		<div class="cols" role="row" aria-rowindex={1}>
			{head(columns.play, '', false)}
			{head(columns.time)}
			{head(columns.direction, '', false)}
			<span role="columnheader"><span class="c-from">{columns.from}</span><span class="c-with">{columns.with}</span></span>
			{head(columns.to, 'c-own')}
			{head(columns.length, 'r')}
			{head(columns.call, 'c-status')}
			{head(columns.recording)}
			{head(columns.kept, 'c-keep')}
			{head(columns.more, '', false)}
		</div>
	);
}

function DayHead({ day }: { day: string }) {
	const { list } = useWords();
	const now = useStore(today);
	const date = new Date(`${day}T00:00`);
	const name = day === now ? list.today : day === shifted(now, -1) ? list.yesterday : '';
	return (
		<div class="day" role="row">
			<span role="gridcell"><b>{name}</b> {longDay(date, Number(now.slice(0, 4)))}</span>
		</div>
	);
}

interface Drawn {
	layout: Layout;
	range: Range;
	current: string | null;
	selected: string | null;
	/** Stays drawn wherever it is: it has the focus, or a menu. */
	kept: number;
}

function DayRows({ day, layout, range, current, selected, kept }: Drawn & { day: Day }) {
	const isPhone = useStore(phone);
	const now = useStore(playing);
	const date = useStore(today);
	const first = Math.max(day.first, range.first);
	const last = Math.min(day.first + day.count - 1, range.last);
	const drawn = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
	if (kept >= day.first && kept < day.first + day.count && (kept < first || kept > last)) drawn.push(kept);
	const { rows } = calls.stretch;
	return (
		<div class="dayrows" role="rowgroup" ref={(element) => setBox(element, day.top, HEAD + day.count * layout.rowHeight)}>
			<DayHead day={day.day} />
			{drawn.map((index) => {
				const { call } = rows[index]!;
				return (
					<Row key={call.call_sid} call={call} place={index + 2} top={HEAD + (index - day.first) * layout.rowHeight} isCurrent={current === call.call_sid}
						isSelected={selected === call.call_sid} isFresh={isFresh(call)} isPhone={isPhone} sound={soundOf(call, now)} today={date} language={language()} />
				);
			})}
		</div>
	);
}

function isFresh({ call_sid }: Call): boolean {
	const at = calls.fresh.get(call_sid);
	return at !== undefined && Date.now() - at < FRESH_MS;
}

function setBox(element: HTMLElement | null, top: number, height: number): void {
	element?.style.setProperty('top', `${top}px`);
	element?.style.setProperty('height', `${height}px`);
}

function Rows(drawn: Drawn) {
	const { layout, range, kept } = drawn;
	const has = (day: Day, index: number): boolean => index >= day.first && index < day.first + day.count;
	const days = layout.days.filter((day) => (day.first <= range.last && day.first + day.count > range.first) || has(day, kept));
	return <>{days.map((day) => <DayRows key={day.day} day={day} {...drawn} />)}</>;
}

/** Asks for the list that the address says. */
function useShown(): void {
	const seen = useStore(view);
	const day = useStore(today);
	useEffect(() => calls.show(filterOf(seen, day)), [seen, day]);
	useEffect(() => {
		if (calls.state.value.status === 'failed') calls.retry(); // it was asked for before anybody was signed in
	}, []);
}

function copyPlain(event: ClipboardEvent): void {
	const text = getSelection()?.toString() ?? '';
	if (!text.trim()) return;
	event.preventDefault();
	event.clipboardData?.setData('text/plain', ungrouped(text));
}

interface Opened {
	callSid: string;
	anchor: HTMLElement;
}

/** The menu of a row: nothing moves while it is open. */
function useMenu(box: RefObject<HTMLElement>, version: number): { menu: Opened | null; isOpen: MutableRef<boolean>; open(callSid: string): void; close(): void } {
	const [menu, setMenu] = useState<Opened | null>(null);
	const isOpen = useRef(false);
	isOpen.current = menu !== null;
	useEffect(() => calls.hold(menu !== null), [menu]);
	useEffect(() => {
		if (menu && !calls.stretch.get(menu.callSid)) setMenu(null);
	}, [menu, version]);
	const open = (callSid: string): void => {
		const anchor = box.current?.querySelector<HTMLElement>(`[data-sid="${callSid}"] [data-do="more"]`);
		if (anchor) setMenu((before) => (before?.callSid === callSid ? null : { callSid, anchor }));
	};
	return { menu, isOpen, open, close: () => setMenu(null) };
}

/** The row that has the tab stop, and the one that was chosen. */
function useChosen() {
	const [current, setCurrent] = useState<string | null>(null);
	const [selected, setSelected] = useState<string | null>(null);
	const select = (callSid: string): void => {
		setCurrent(callSid);
		setSelected(callSid);
		if (view.value.call && view.value.call !== callSid) go({ call: callSid }, 'replace');
	};
	return { current, setCurrent, selected, select };
}

function useLayout(version: number, isPhone: boolean): Layout {
	const rowHeight = isPhone ? ROW_PHONE : ROW;
	return useMemo(() => layoutOf(calls.stretch.rows.map(({ place }) => place.ms), rowHeight), [version, rowHeight]);
}

/** What stands in the place of rows, or above the first of them. */
function Instead({ state, isEmpty }: { state: ListState; isEmpty: boolean }) {
	const seen = useStore(view);
	if (state.status === 'loading') return <Skeletons />;
	if (state.status === 'failed') return <Failed state={state} />;
	return isEmpty ? <NoMatch seen={seen} /> : null;
}

export function List() {
	const { list } = useWords();
	const state = useStore(calls.state);
	const isPhone = useStore(phone);
	useShown();

	const layout = useLayout(state.version, isPhone);
	const scroll = useScroll(calls, layout, state.filter);
	const { box, range } = scroll;
	const { current, setCurrent, selected, select } = useChosen();
	const { menu, isOpen, open, close } = useMenu(box, state.version);
	const { rows, bottom } = calls.stretch;
	const stop = current !== null && calls.stretch.indexOf(current) >= 0 ? current : (rows[range.first]?.call.call_sid ?? null);

	useFocusKept(box, current, setCurrent, state.version);
	useListKeys({ scroll, current: stop, select, box });
	const presses = usePress(scroll, isOpen, (deed, call) => {
		select(call.call_sid);
		if (deed === 'play') togglePlay(call);
		else if (deed === 'retry') void retryCallOf(call);
		else if (deed === 'more') open(call.call_sid);
		else if (isPhone) go({ call: call.call_sid });
	});

	const isFailed = state.status === 'failed';
	const isEmpty = state.status === 'ready' && !rows.length && !bottom;
	const isBare = isEmpty || isFailed; // an empty grid is none
	return (
		<section class="listwrap" aria-label={list.calls}>
			<Pill calls={calls} version={state.version} onPress={() => void calls.toNewest().then(scroll.toTop)} />
			<div class="grid" {...(isBare ? {} : { role: 'grid', 'aria-label': list.calls, 'aria-rowcount': -1 })} aria-busy={state.status === 'loading'} id="calls" tabIndex={-1}>
				{!isPhone && <div role="rowgroup" aria-hidden={isBare}><Columns /></div>}
				<div class="list" ref={box} onScroll={scroll.onScroll} {...presses} onCopy={copyPlain} onFocusIn={(event) => setCurrent(sidAt(event.target) ?? current)}>
					<Instead state={state} isEmpty={isEmpty} />
					{!isFailed && (
						<div class="rows" role="presentation" ref={(element) => element?.style.setProperty('height', `${layout.height}px`)}>
							<Rows layout={layout} range={range} current={stop} selected={selected} kept={calls.stretch.indexOf(menu?.callSid ?? current ?? '')} />
						</div>
					)}
					{state.status === 'ready' && !isEmpty && <Foot calls={calls} state={state} />}
				</div>
			</div>
			{menu && <RowMenu call={calls.stretch.get(menu.callSid)} anchor={menu.anchor} onClose={close} />}
		</section>
	);
}

/** The focus stays with its call; when that goes, with the row that is in its place. */
function useFocusKept(box: { current: HTMLElement | null }, current: string | null, setCurrent: (callSid: string | null) => void, version: number): void {
	const last = useRef({ index: -1, isFocused: false });
	useLayoutEffect(() => {
		const index = calls.stretch.indexOf(current ?? '');
		const { rows } = calls.stretch;
		const was = last.current;
		if (index < 0 && was.isFocused && document.activeElement === document.body && rows.length) {
			const next = rows[Math.min(Math.max(was.index, 0), rows.length - 1)]!.call.call_sid;
			setCurrent(next);
			requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-sid="${next}"]`)?.focus({ preventScroll: true }));
		}
		last.current = { index: index < 0 ? was.index : index, isFocused: box.current?.contains(document.activeElement) ?? false };
	}, [version, current]);
}
