// The list of calls: one grid of which only what is in sight is drawn.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { phone } from '../frame/phone';
import { playing, type Playing } from '../player/control';
import { useStore } from '../store';
import type { Call } from '../types';
import { go, view } from '../view';
import { language, useWords } from '../words';
import { calls, FRESH_MS } from './calls';
import { today } from './clock';
import { retryCallOf, togglePlay, warm } from './deeds';
import { Foot, Pill, Skeletons } from './edges';
import { Failed, NoMatch } from './empty';
import { filterOf } from './filter';
import { longDay, shifted } from './dates';
import { HEAD, layoutOf, type Day, type Layout } from './layout';
import { useListKeys } from './listKeys';
import { ungrouped } from './numbers';
import { Row, type Sound } from './Row';
import { RowMenu } from './RowMenu';
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

const sidAt = (target: EventTarget | null): string | null => (target instanceof Element ? (target.closest<HTMLElement>('[data-sid]')?.dataset['sid'] ?? null) : null);
const deedAt = (target: EventTarget | null): string | null => (target instanceof Element ? (target.closest<HTMLElement>('[data-do]')?.dataset['do'] ?? null) : null);

function copyPlain(event: ClipboardEvent): void {
	const text = getSelection()?.toString() ?? '';
	if (!text.trim()) return;
	event.preventDefault();
	event.clipboardData?.setData('text/plain', ungrouped(text));
}

export function List() {
	const { list } = useWords();
	const state = useStore(calls.state);
	const seen = useStore(view);
	const isPhone = useStore(phone);
	const [current, setCurrent] = useState<string | null>(null);
	const [selected, setSelected] = useState<string | null>(null);
	const [menu, setMenu] = useState<{ callSid: string; anchor: HTMLElement } | null>(null);
	const pressed = useRef<string | null>(null);
	useShown();

	const rowHeight = isPhone ? ROW_PHONE : ROW;
	const { rows } = calls.stretch;
	const layout = useMemo(() => layoutOf(rows.map(({ place }) => place.ms), rowHeight), [state.version, rowHeight]);
	const scroll = useScroll(calls, layout, state.filter);
	const { box } = scroll;

	const stop = current !== null && calls.stretch.indexOf(current) >= 0 ? current : (rows[scroll.range.first]?.call.call_sid ?? null);
	const kept = calls.stretch.indexOf(menu?.callSid ?? current ?? '');
	useFocusKept(box, current, setCurrent, state.version);

	const select = (callSid: string): void => {
		setCurrent(callSid);
		setSelected(callSid);
		if (view.value.call && view.value.call !== callSid) go({ call: callSid, t: null }, 'replace');
	};
	const openMenu = (callSid: string): void => {
		const anchor = box.current!.querySelector<HTMLElement>(`[data-sid="${callSid}"] [data-do="more"]`);
		if (anchor) setMenu((open) => (open?.callSid === callSid ? null : { callSid, anchor }));
	};
	const act = (deed: string | null, call: Call): void => {
		if (deed === 'play') togglePlay(call);
		else if (deed === 'retry') void retryCallOf(call);
		else if (deed === 'more') openMenu(call.call_sid);
		else if (isPhone) go({ call: call.call_sid, t: null });
	};

	useEffect(() => calls.hold(menu !== null), [menu]);
	useListKeys({ scroll, current: stop, select, box });

	const down = (event: PointerEvent): void => {
		pressed.current = scroll.before(event.clientY) ?? sidAt(event.target);
		calls.hold(true);
		const call = pressed.current && deedAt(event.target) === 'play' ? calls.stretch.get(pressed.current) : null;
		if (call) warm(call);
		const up = (): void => {
			calls.hold(menu !== null);
			for (const name of ['pointerup', 'pointercancel']) removeEventListener(name, up);
		};
		for (const name of ['pointerup', 'pointercancel']) addEventListener(name, up);
	};
	const click = (event: MouseEvent): void => {
		const callSid = event.detail ? (pressed.current ?? sidAt(event.target)) : sidAt(event.target);
		const call = callSid && calls.stretch.get(callSid);
		if (!call) return;
		select(call.call_sid);
		act(deedAt(event.target), call);
	};
	const twice = (event: MouseEvent): void => {
		const call = deedAt(event.target) ? null : calls.stretch.get(pressed.current ?? '');
		if (call && !isPhone) togglePlay(call);
	};

	const isEmpty = state.status === 'ready' && !rows.length && !calls.stretch.bottom;
	const isBare = isEmpty || state.status === 'failed'; // an empty grid is none
	return (
		<section class="listwrap" aria-label={list.calls}>
			<Pill calls={calls} version={state.version} onPress={() => void calls.toNewest().then(scroll.toTop)} />
			<div class="grid" {...(isBare ? {} : { role: 'grid', 'aria-label': list.calls, 'aria-rowcount': -1 })} aria-busy={state.status === 'loading'} id="calls" tabIndex={-1}>
				{!isPhone && <div role="rowgroup" aria-hidden={isBare}><Columns /></div>}
				<div class="list" ref={box} onScroll={scroll.onScroll} onPointerDown={down} onClick={click} onDblClick={twice} onCopy={copyPlain}
					onFocusIn={(event) => setCurrent(sidAt(event.target) ?? current)}>
					{state.status === 'loading' && <Skeletons />}
					{state.status === 'failed' && <Failed state={state} />}
					{isEmpty && <NoMatch seen={seen} />}
					{state.status !== 'failed' && (
						<div class="rows" role="presentation" ref={(element) => element?.style.setProperty('height', `${layout.height}px`)}>
							<Rows layout={layout} range={scroll.range} current={stop} selected={selected} kept={kept} />
						</div>
					)}
					{state.status === 'ready' && !isEmpty && <Foot calls={calls} state={state} seen={seen} />}
				</div>
			</div>
			{menu && <RowMenu call={calls.stretch.get(menu.callSid)} anchor={menu.anchor} onClose={() => setMenu(null)} />}
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
