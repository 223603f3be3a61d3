// What several parts of the player look at.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

/** CSS pixels; 0 before it is drawn. */
export function useWidth(ref: RefObject<HTMLElement>): number {
	const [width, setWidth] = useState(0);
	useLayoutEffect(() => {
		const element = ref.current!;
		const sized = new ResizeObserver(() => setWidth(element.clientWidth));
		setWidth(element.clientWidth);
		sized.observe(element);
		return () => sized.disconnect();
	}, []);
	return width;
}

export function useMedia(query: string): boolean {
	const [matches, setMatches] = useState(() => matchMedia(query).matches);
	useEffect(() => {
		const media = matchMedia(query);
		const told = (): void => setMatches(media.matches);
		told();
		media.addEventListener('change', told);
		return () => media.removeEventListener('change', told);
	}, [query]);
	return matches;
}

/** Drawn anew each second while it is on. */
export function useTick(isOn: boolean): void {
	const [, setTick] = useState(0);
	useEffect(() => {
		if (!isOn) return;
		const timer = setInterval(() => setTick((tick) => tick + 1), 1000);
		return () => clearInterval(timer);
	}, [isOn]);
}
