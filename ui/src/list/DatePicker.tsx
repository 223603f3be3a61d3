// Choosing days: a span of them by name, a month to pick from, or typed.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { go, view, type View } from '../view';
import { language, useWords } from '../words';
import { today } from './clock';
import { dateOf, daysOf, isSpan, monthName, plainDay, shifted, SPANS, type Days } from './dates';
import { firstWeekday, typedDay, weekdayNames, weeksOf } from './month';

const localeOf = (): string => (language() === 'he' ? 'he' : navigator.language.startsWith('en') ? navigator.language : 'en-GB');

const shown = (day: string): string => (day ? plainDay(dateOf(day)!) : '');

function Presets({ seen, onPick }: { seen: View; onPick(from: string): void }) {
	const { list } = useWords();
	const preset = (name: string, text: string) => (
		<button key={name} type="button" class="it" role="radio" aria-checked={name === seen.from && !seen.to} onClick={() => onPick(name)}>{text}</button>
	);
	return (
		<div class="presets" role="radiogroup" aria-label={list.dates}>
			{SPANS.map((span) => preset(span, list.spans[span]))}
			{preset('', list.anyTime)}
		</div>
	);
}

function DayField({ label, day, onDay }: { label: string; day: string; onDay(day: string): void }) {
	const { list } = useWords();
	const now = useStore(today);
	const [text, setText] = useState(shown(day));
	const [isWrong, setWrong] = useState(false);
	const error = useId();
	useEffect(() => {
		setText(shown(day));
		setWrong(false);
	}, [day, language()]);

	const take = (): void => {
		const typed = text.trim() ? typedDay(text, now, localeOf()) : '';
		setWrong(typed === null);
		if (typed !== null && typed !== day) onDay(typed);
		else if (typed !== null) setText(shown(day));
	};
	const key = (event: KeyboardEvent): void => {
		if (event.key !== 'Enter') return;
		event.preventDefault();
		take();
	};
	return (
		<label>
			{label}
			<input value={text} placeholder={shown(now)} autocomplete="off" aria-invalid={isWrong || undefined} aria-describedby={isWrong ? error : undefined}
				onInput={(event) => setText(event.currentTarget.value)} onBlur={take} onKeyDown={key} />
			{isWrong && <span class="wrong" id={error}>{list.noDay}</span>}
		</label>
	);
}

function moved(key: string, day: string, first: number, isRtl: boolean): string | null {
	const along = isRtl ? -1 : 1;
	const weekday = (dateOf(day)!.getDay() - first + 7) % 7;
	switch (key) {
	case 'ArrowRight': return shifted(day, along);
	case 'ArrowLeft': return shifted(day, -along);
	case 'ArrowDown': return shifted(day, 7);
	case 'ArrowUp': return shifted(day, -7);
	case 'PageDown': return shifted(day, 0, 1);
	case 'PageUp': return shifted(day, 0, -1);
	case 'Home': return shifted(day, -weekday);
	case 'End': return shifted(day, 6 - weekday);
	default: return null;
	}
}

interface MonthProps {
	days: Days;
	/** The day that has the tab stop; its month is shown. */
	stop: string;
	onStop(day: string, isFocused: boolean): void;
	onPick(day: string): void;
}

function Weeks({ days, stop, onStop, onPick }: MonthProps) {
	const now = useStore(today);
	const grid = useRef<HTMLDivElement>(null);
	const first = firstWeekday(localeOf());
	const [from, to] = [days.from, days.to || (days.from && now)];

	const key = (event: KeyboardEvent): void => {
		const next = moved(event.key, stop, first, document.documentElement.dir === 'rtl');
		if (!next) return;
		event.preventDefault();
		onStop(next, true);
		requestAnimationFrame(() => grid.current?.querySelector<HTMLElement>('[tabindex="0"]')?.focus());
	};
	const classOf = (day: string): string => [
		from && day >= from && day <= to ? 'in' : '', day === from ? 's' : '', day === to && from ? 'e' : '', day > now ? 'mut' : '', day === now ? 'tod' : '',
	].filter(Boolean).join(' ');
	return (
		<div ref={grid} class="mg" role="grid" aria-label={monthName(dateOf(stop)!)} onKeyDown={key}>
			<div role="row">{weekdayNames(localeOf(), first).map(({ short, long }) => <span key={long} role="columnheader" aria-label={long}><i>{short}</i></span>)}</div>
			{weeksOf(stop, first).map((week, i) => (
				<div key={i} role="row">
					{week.map((day, at) => (
						<span key={at} role="gridcell" aria-selected={day ? day >= from && from !== '' && day <= to : undefined}>
							{day && (
								<button type="button" class={classOf(day)} tabIndex={day === stop ? 0 : -1} aria-current={day === now ? 'date' : undefined} aria-label={plainDay(dateOf(day)!)} onClick={() => onPick(day)}>
									{Number(day.slice(8))}
								</button>
							)}
						</span>
					))}
				</div>
			))}
		</div>
	);
}

function Month(props: MonthProps) {
	const { list } = useWords();
	const { stop, onStop } = props;
	return (
		<div class="month">
			<div class="mh">
				<button type="button" class="ib" aria-label={list.previousMonth} onClick={() => onStop(shifted(stop, 0, -1), false)}><Icon name="back" /></button>
				<span aria-live="polite">{monthName(dateOf(stop)!)}</span>
				<button type="button" class="ib" aria-label={list.nextMonth} onClick={() => onStop(shifted(stop, 0, 1), false)}><Icon name="forward" /></button>
			</div>
			<Weeks {...props} />
		</div>
	);
}

/** The first press picks a day, the next one the other end. */
function usePicking(days: Days): { pick(day: string): void; set(change: Partial<Days>): void } {
	const begun = useRef<string | null>(null);
	const set = (change: Partial<Days>): void => {
		const next = { ...days, ...change };
		const isTurned = next.from !== '' && next.to !== '' && next.from > next.to;
		go({ page: 'calls', from: isTurned ? next.to : next.from, to: isTurned ? next.from : next.to }, 'replace');
	};
	const pick = (day: string): void => {
		const other = begun.current;
		begun.current = other ? null : day;
		set({ from: other ?? day, to: day });
	};
	return { pick, set };
}

export function DatePicker({ onClose }: { onClose(): void }) {
	const { list } = useWords();
	const seen = useStore(view);
	const now = useStore(today);
	const days = daysOf(seen, now);
	const [stop, setStop] = useState(days.to || (isSpan(seen.from) ? now : days.from) || now);
	const { pick, set } = usePicking(days);
	const preset = (from: string): void => {
		go({ page: 'calls', from, to: '' });
		onClose();
	};
	return (
		<div class="cal">
			<Presets seen={seen} onPick={preset} />
			<div>
				<div class="calf">
					<DayField label={list.fromDay} day={days.from} onDay={(from) => { set({ from }); if (from) setStop(from); }} />
					<DayField label={list.toDay} day={days.to || (days.from && now)} onDay={(to) => set({ to })} />
				</div>
				<Month days={days} stop={stop} onStop={setStop} onPick={(day) => { setStop(day); pick(day); }} />
			</div>
		</div>
	);
}
