// The time island: lanes, head, loop, marks.  It is read from left to right in every language.
import type { ComponentChildren, JSX, RefObject } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../store';
import { useWords } from '../words';
import { timeNow } from './audio';
import type { Drawn } from './bars';
import { jumped, seek, sound } from './engine';
import { frames } from './listening';
import { LoopBox } from './LoopBox';
import { marksOf } from './marks';
import { mixed, sharesOf, speakerAt, type Wave } from './peaks';
import type { Lane } from './lanes_of';
import { timeText } from './time';
import { Tracks } from './Tracks';
import { useWidth } from './use';
import { isZoomable, useZoom } from './zoom';
import { wave } from './waves';

export interface LanesProps {
	lanes: Lane[];
	/** Which of them are drawn here: each has its colour by its place. */
	shown?: number[];
	/** All sides in one lane, the louder at each moment. */
	isMixed?: boolean;
	heightPx: number;
	barPx?: number;
	hasRuler?: boolean;
	hasLoop?: boolean;
	/** One slider is enough where each lane stands for itself. */
	isSlider?: boolean;
	/** Over the lanes: why they stand still. */
	note: string | null;
	/** In its place where there is none. */
	more?: ComponentChildren;
}

const COLOURS: [string, string][] = [['--agent', '--agent-rest'], ['--customer', '--customer-rest']];
const PILL_LEAST_PX = 34;
const TICK_CLEAR_PX = 40;
const NOTICED_PX = 0.25;

const percent = (part: number): string => `${Math.max(0, Math.min(1, part)) * 100}%`;

interface Shown {
	lanes: Lane[];
	shown: number[];
	isMixed: boolean;
	heightPx: number;
	barPx: number;
}

function drawnLanes(now: Wave, { lanes, shown, isMixed }: Shown): Float32Array[] {
	if (isMixed) return [mixed(now)];
	return shown.flatMap((place) => now.lanes[lanes[place]?.channel ?? 0] ?? []);
}

function useBars(host: RefObject<HTMLElement>, now: Wave | null, widthPx: number, what: Shown): void {
	const { lanes, shown, isMixed, heightPx, barPx } = what;
	const key = shown.map((place) => lanes[place]?.channel).join();
	useEffect(() => {
		if (!now || !host.current || !widthPx) return;
		let drawn: Drawn | null = null;
		let isOver = false;
		const container = host.current;
		const drawing = {
			lanes: drawnLanes(now, what),
			colours: shown.map((place) => COLOURS[place]!),
			durationS: now.durationS, heightPx, barPx,
		};
		void import('./bars').then(({ drawIn }) => {
			if (!isOver) drawn = drawIn(container, drawing);
		});
		const themed = new MutationObserver(() => drawn?.recolour());
		themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
		return () => {
			isOver = true;
			themed.disconnect();
			drawn?.destroy();
		};
	}, [now, key, isMixed, heightPx, barPx, widthPx > 0]);
}

interface HeadAt {
	head: RefObject<HTMLElement>;
	inner: RefObject<HTMLElement>;
	durationS: number | null;
	/** Where a finger has it. */
	scrubS: number | null;
	widthPx: number;
	hasTracks: boolean;
}

/** Moves the head without drawing anything anew, and only where one sees it. */
function useHead({ head, inner, durationS, scrubS, widthPx, hasTracks }: HeadAt): void {
	useLayoutEffect(() => {
		let lastPx = Number.NaN;
		const put = (timeS: number): void => {
			const part = durationS ? Math.min(1, Math.max(0, (scrubS ?? timeS) / durationS)) : 0;
			const px = part * widthPx;
			if (Math.abs(px - lastPx) < NOTICED_PX) return;
			lastPx = px;
			head.current?.style.setProperty('transform', `translateX(${px}px)`);
			if (hasTracks) inner.current?.style.setProperty('--at', percent(part));
		};
		put(timeNow());
		frames.add(put);
		return () => void frames.delete(put);
	}, [durationS, scrubS, widthPx, hasTracks]);
}

function Ruler({ durationS, widthPx, hoverS }: { durationS: number; widthPx: number; hoverS: number | null }) {
	const isNear = (timeS: number): boolean => hoverS !== null && (Math.abs(timeS - hoverS) / durationS) * widthPx < TICK_CLEAR_PX;
	return (
		<div class="ruler" aria-hidden="true">
			{marksOf(durationS, widthPx).map(({ timeS, isHour }) => (
				<span key={timeS} class={`${isHour ? 'hour' : ''} ${isNear(timeS) ? 'near' : ''}`} style={{ left: percent(timeS / durationS) }}>{timeText(timeS)}</span>
			))}
		</div>
	);
}

function Silences({ now, widthPx }: { now: Wave; widthPx: number }) {
	const { player } = useWords();
	const wide = now.silence.filter(([from, to]) => ((to - from) / now.durationS) * widthPx >= PILL_LEAST_PX);
	return (
		<>
			{wide.map(([from, to]) => (
				<span key={from} class="still" aria-hidden="true" style={{ left: percent(from / now.durationS), width: percent((to - from) / now.durationS) }}>
					{player.silentFor(Math.round(to - from))}
				</span>
			))}
		</>
	);
}

const STEP_S = 5;
const BIG_STEP_S = 30;
const FINE_STEP_S = 1;

/** Where a key leads from a time; null: it is no key of a position. */
function soughtByKey({ key, shiftKey }: KeyboardEvent, timeS: number, durationS: number): number | null {
	if (shiftKey) return key === 'ArrowLeft' ? timeS - FINE_STEP_S : key === 'ArrowRight' ? timeS + FINE_STEP_S : null;
	const to: Record<string, number> = {
		ArrowLeft: timeS - STEP_S, ArrowDown: timeS - STEP_S, ArrowRight: timeS + STEP_S, ArrowUp: timeS + STEP_S,
		PageDown: timeS - BIG_STEP_S, PageUp: timeS + BIG_STEP_S, Home: 0, End: durationS,
	};
	return to[key] ?? null;
}

/** The slider's value in words: after a seek, and each 5 s while it is focused, so that nobody is talked over. */
function useValueText(slider: RefObject<HTMLElement>, isSlider: boolean, durationS: number | null, now: Wave | null, lanes: Lane[]): void {
	const { player } = useWords();
	useEffect(() => {
		if (!isSlider) return;
		let saidS = Number.NaN;
		const say = (timeS: number): void => {
			const element = slider.current;
			const isDue = Number.isNaN(saidS) || (document.activeElement === element && Math.abs(timeS - saidS) >= 5);
			if (!element || !isDue) return;
			saidS = timeS;
			const channel = now && speakerAt(now, timeS);
			const speaker = lanes.find((lane) => lane.channel === channel)?.name ?? null;
			element.setAttribute('aria-valuenow', String(Math.round(timeS)));
			element.setAttribute('aria-valuetext', player.positionIs(Math.floor(timeS), durationS === null ? null : Math.floor(durationS), speaker));
		};
		const focused = (): void => {
			saidS = Number.NaN;
			say(timeNow());
		};
		const element = slider.current;
		say(timeNow());
		frames.add(say);
		jumped.add(focused);
		element?.addEventListener('focus', focused);
		return () => {
			frames.delete(say);
			jumped.delete(focused);
			element?.removeEventListener('focus', focused);
		};
	}, [durationS, now, player, lanes.length]);
}

export function Lanes({ lanes, shown = lanes.map((_, i) => i), isMixed = false, heightPx, barPx = 2, hasRuler = false, hasLoop = false, isSlider = true, note, more }: LanesProps) {
	const { player } = useWords();
	const now = useStore(wave);
	const { durationS: soundS } = useStore(sound);
	const durationS = now?.durationS ?? soundS;
	const box = useRef<HTMLDivElement>(null);
	const inner = useRef<HTMLDivElement>(null);
	const slider = useRef<HTMLDivElement>(null);
	const head = useRef<HTMLDivElement>(null);
	const host = useRef<HTMLDivElement>(null);
	const [hoverS, setHoverS] = useState<number | null>(null);
	const [scrubS, setScrubS] = useState<number | null>(null);
	const id = useId();
	const widthPx = useWidth(inner);
	const zoom = useZoom(box, inner, durationS, isZoomable(now));

	useBars(host, now, widthPx, { lanes, shown, isMixed, heightPx, barPx });
	useHead({ head, inner, durationS, scrubS, widthPx, hasTracks: now === null });
	useValueText(slider, isSlider, durationS, now, lanes);

	const timeAt = ({ clientX }: { clientX: number }): number => {
		const { left, width } = inner.current!.getBoundingClientRect();
		return Math.max(0, Math.min(1, (clientX - left) / width)) * (durationS ?? 0);
	};
	const down = (event: JSX.TargetedPointerEvent<HTMLDivElement>): void => {
		if (event.button !== 0 || !durationS || (event.target as Element).closest('.loopend, .pnote')) return;
		event.currentTarget.setPointerCapture(event.pointerId);
		setScrubS(timeAt(event));
	};
	const move = (event: JSX.TargetedPointerEvent<HTMLDivElement>): void => {
		if (!durationS) return;
		if (event.pointerType === 'mouse') setHoverS(timeAt(event));
		if (scrubS !== null) setScrubS(timeAt(event));
	};
	const up = (event: JSX.TargetedPointerEvent<HTMLDivElement>): void => {
		if (scrubS === null) return;
		setScrubS(null);
		seek(timeAt(event));
	};
	const key = (event: KeyboardEvent): void => {
		if (event.ctrlKey || event.altKey || event.metaKey || event.target !== event.currentTarget) return;
		const to = soughtByKey(event, timeNow(), durationS ?? 0);
		if (to === null) return;
		event.preventDefault();
		event.stopPropagation();
		seek(to);
	};
	const shares = now && sharesOf(now);
	const told = shares && lanes.length > 1 && player.shares(lanes.map(({ name, channel }) => ({ name, share: shares.sides[channel] ?? 0 })), shares.silence);
	const position = isSlider && {
		role: 'slider' as const, tabIndex: 0, 'aria-label': player.position, 'aria-valuemin': 0, 'aria-valuemax': Math.round(durationS ?? 0),
		...(told ? { 'aria-describedby': id } : {}),
	};

	return (
		<div ref={box} class={`wave ${zoom > 1 ? 'zoomed' : ''}`} dir="ltr" onPointerDown={down} onPointerMove={move} onPointerUp={up}
			onPointerCancel={() => setScrubS(null)} onPointerLeave={() => setHoverS(null)}>
			<div class="winner" ref={inner}>
				<div class="bars" ref={host} aria-hidden="true" style={{ height: `${heightPx * shown.length}px` }} />
				{!now && <Tracks lanes={lanes} shown={shown} heightPx={heightPx} hasNote={!note} />}
				{now && durationS && shown.length > 1 && <Silences now={now} widthPx={widthPx} />}
				<div class="pos" ref={slider} style={{ height: `${heightPx * shown.length}px` }} onKeyDown={key} {...position || {}} />
				{isSlider && told && <span class="sr" id={id}>{told}</span>}
				{hasLoop && durationS && <LoopBox durationS={durationS} widthPx={widthPx} timeAt={timeAt} />}
				<div class="head" ref={head} />
				{durationS && hoverS !== null && <div class="hov" style={{ left: percent(hoverS / durationS) }}><span>{timeText(hoverS)}</span></div>}
				{durationS && hasRuler && <Ruler durationS={durationS} widthPx={widthPx} hoverS={hoverS} />}
			</div>
			<div class="pnote">{note ?? more}</div>
		</div>
	);
}
