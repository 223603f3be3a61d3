// Zooming into the lanes, ×1 … ×8: they are drawn wider, within what scrolls, and follow the head.
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { store, useStore } from '../store';
import { timeNow } from './audio';
import { sound } from './engine';
import { frames } from './listening';
import type { Wave } from './peaks';
import { refine } from './waves';

export const ZOOM_MOST = 8;
export const zoom = store(1);

/** Where there is no waveform, nothing is seen better from near. */
export const isZoomable = (now: Wave | null): boolean => now !== null;

export function zoomBy(way: -1 | 1): void {
	const next = Math.max(1, Math.min(ZOOM_MOST, way > 0 ? zoom.value * 2 : zoom.value / 2));
	if (next > 1) refine();
	zoom.set(next);
}

let lastId: string | null = null;
sound.listen(({ source }) => {
	if ((source?.id ?? null) === lastId) return;
	lastId = source?.id ?? null;
	zoom.set(1);
});

/** So long after a hand scrolled, the lanes stay where they are. */
const HAND_MS = 4000;

/** What the lanes are drawn at; the box scrolls, the inner one is wider than it. */
export function useZoom(box: RefObject<HTMLElement>, inner: RefObject<HTMLElement>, durationS: number | null, isOn: boolean): number {
	const wanted = useStore(zoom);
	const factor = isOn ? wanted : 1;

	useLayoutEffect(() => inner.current!.style.setProperty('width', `${factor * 100}%`), [factor]);
	useEffect(() => {
		const element = box.current!;
		let handAtMs = -HAND_MS;
		const wheel = (event: WheelEvent): void => {
			if (event.ctrlKey && isOn) {
				event.preventDefault();
				zoomBy(event.deltaY < 0 ? 1 : -1);
			} else {
				handAtMs = performance.now();
			}
		};
		const [seenPx, allPx] = [element.clientWidth, inner.current!.offsetWidth];
		let lastPx = Number.NaN;
		const follow = (timeS: number): void => {
			if (factor === 1 || !durationS || performance.now() - handAtMs < HAND_MS) return;
			const px = Math.round((timeS / durationS) * allPx - seenPx / 2);
			if (px !== lastPx) element.scrollLeft = px;
			lastPx = px;
		};
		element.addEventListener('wheel', wheel, { passive: false });
		frames.add(follow);
		follow(timeNow());
		return () => {
			element.removeEventListener('wheel', wheel);
			frames.delete(follow);
		};
	}, [factor, durationS, isOn]);
	return factor;
}
