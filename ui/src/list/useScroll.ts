// What of the list is in sight, and that it stays there: whatever comes above it, the first row that is seen keeps its
// pixel.
import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';
import type { Anchor, Calls } from './calls';
import { rowAt, topOf, type Layout } from './layout';

export interface Range {
	first: number;
	last: number;
}

export interface Scroll {
	box: RefObject<HTMLDivElement>;
	range: Range;
	onScroll(): void;
	toTop(): void;
	/** Scrolls as far as is needed to have it in sight. */
	reveal(index: number): void;
	/** Which row was at that height of the window before rows moved the last time; null: they did not, of late. */
	before(clientY: number): string | null;
	pageRows(): number;
}

const OVERSCAN = 6;
const READ_AHEAD = 60; // rows
const MOVED_MS = 400;
const ABOVE_PX = 164; // of the window: bars, heads, and the first day

export function useScroll(calls: Calls, layout: Layout, list: unknown): Scroll {
	const box = useRef<HTMLDivElement>(null);
	const [range, setRange] = useState<Range>(() => ({ first: 0, last: Math.max(0, Math.floor((innerHeight - ABOVE_PX) / layout.rowHeight)) }));
	const now = useRef({ layout, anchors: calls.place as readonly Anchor[], before: [] as readonly Anchor[], movedAt: -MOVED_MS, list });
	now.current.layout = layout;

	/** Takes in what is in sight now. */
	const look = useCallback((): void => {
		const { scrollTop, clientHeight } = box.current!;
		const { layout } = now.current;
		const first = rowAt(layout, scrollTop);
		const last = rowAt(layout, scrollTop + clientHeight);
		const isAtTop = scrollTop < 1;
		now.current.anchors = anchorsOf(calls, layout, scrollTop, first, last);
		setRange((range) => (range.first === first && range.last === last ? range : { first, last }));
		calls.see({ index: first, isAtTop });
		if (layout.rows - last < READ_AHEAD) void calls.older();
		if (first < READ_AHEAD) void calls.newer();
	}, [calls]);

	useLayoutEffect(() => {
		const sized = new ResizeObserver(look);
		sized.observe(box.current!);
		return () => {
			sized.disconnect();
			calls.place = now.current.anchors; // another page came in its place
		};
	}, [look]);

	// After the rows have changed, before they are painted.
	useLayoutEffect(() => {
		const element = box.current!;
		const past = now.current;
		if (past.list !== list) {
			past.list = list;
			element.scrollTop = 0;
		} else {
			keep(calls, element, past.anchors, layout);
			const moved = hasMoved(calls, element, past.anchors, layout);
			if (moved) [past.before, past.movedAt] = [past.anchors, performance.now()];
		}
		look();
	}, [layout, list]);

	const reveal = useCallback((index: number): void => {
		const element = box.current!;
		const { layout } = now.current;
		const top = topOf(layout, index);
		const room = element.clientHeight;
		if (top - 32 < element.scrollTop) element.scrollTop = index === 0 ? 0 : top - 32;
		else if (top + layout.rowHeight > element.scrollTop + room) element.scrollTop = top + layout.rowHeight - room;
		look();
	}, [look]);

	return {
		box,
		range: { first: Math.max(0, range.first - OVERSCAN), last: Math.min(layout.rows - 1, range.last + OVERSCAN) },
		onScroll: look,
		toTop: () => {
			box.current!.scrollTop = 0;
			look();
		},
		reveal,
		before(clientY) {
			const { before, movedAt, layout } = now.current;
			if (performance.now() - movedAt > MOVED_MS) return null;
			const y = clientY - box.current!.getBoundingClientRect().top;
			return before.find((anchor) => anchor.y <= y && y < anchor.y + layout.rowHeight)?.callSid ?? null;
		},
		pageRows: () => Math.max(1, Math.floor((box.current!.clientHeight - 32) / now.current.layout.rowHeight) - 1),
	};
}

function anchorsOf(calls: Calls, layout: Layout, scrollTop: number, first: number, last: number): Anchor[] {
	const rows = calls.stretch.rows.slice(first, last + 1);
	return rows.map(({ call }, i) => ({ callSid: call.call_sid, y: topOf(layout, first + i) - scrollTop }));
}

/** At the very top, what comes is seen at once. */
function keep(calls: Calls, element: HTMLElement, anchors: readonly Anchor[], layout: Layout): void {
	if (calls.isAtTop && calls.stretch.takesNew && !calls.stretch.top) return;
	for (const { callSid, y } of anchors) {
		const index = calls.stretch.indexOf(callSid);
		if (index < 0) continue;
		const scrollTop = topOf(layout, index) - y;
		if (Math.abs(scrollTop - element.scrollTop) >= 1) element.scrollTop = scrollTop;
		return;
	}
}

function hasMoved(calls: Calls, element: HTMLElement, anchors: readonly Anchor[], layout: Layout): boolean {
	const { scrollTop } = element;
	return anchors.some(({ callSid, y }) => {
		const index = calls.stretch.indexOf(callSid);
		return index >= 0 && Math.abs(topOf(layout, index) - scrollTop - y) >= 1;
	});
}
