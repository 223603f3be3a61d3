import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { timeNow } from './audio';
import { sound } from './engine';
import { frames } from './listening';

/** Moves a line to where the sound is, without drawing anything anew: --at, in percent. */
export function useHeadLine(ref: RefObject<HTMLElement>): void {
	useEffect(() => {
		const put = (timeS: number): void => {
			const { durationS } = sound.value;
			ref.current?.style.setProperty('--at', `${durationS ? Math.min(100, (timeS / durationS) * 100) : 0}%`);
		};
		put(timeNow());
		frames.add(put);
		return () => void frames.delete(put);
	}, []);
}
