// The loop over the lanes: its ends are dragged, or moved by keys.
import type { JSX } from 'preact';
import { useStore } from '../store';
import { useWords } from '../words';
import { loop, moveLoop } from './listening';
import { timeText } from './time';

interface EndProps {
	end: 'a' | 'b';
	timeS: number;
	durationS: number;
	timeAt(event: { clientX: number }): number;
}

const STEPS_S: Record<string, number> = { ArrowLeft: -0.5, ArrowDown: -0.5, ArrowRight: 0.5, ArrowUp: 0.5, PageDown: -5, PageUp: 5 };

function End({ end, timeS, durationS, timeAt }: EndProps) {
	const { player } = useWords();
	const down = (event: JSX.TargetedPointerEvent<HTMLElement>): void => event.currentTarget.setPointerCapture(event.pointerId);
	const move = (event: JSX.TargetedPointerEvent<HTMLElement>): void => {
		if (event.currentTarget.hasPointerCapture(event.pointerId)) moveLoop(end, timeAt(event));
	};
	const key = (event: KeyboardEvent): void => {
		const step = STEPS_S[event.key];
		if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
		event.preventDefault();
		event.stopPropagation();
		moveLoop(end, timeS + (event.shiftKey ? step / 5 : step));
	};
	return (
		<b class={`loopend ${end}`} role="slider" tabIndex={0} aria-label={end === 'a' ? player.loopStart : player.loopEnd}
			aria-valuemin={0} aria-valuemax={Math.round(durationS)} aria-valuenow={Math.round(timeS * 10) / 10} aria-valuetext={timeText(timeS)}
			onPointerDown={down} onPointerMove={move} onKeyDown={key}>
			{end.toUpperCase()}
		</b>
	);
}

/** Nearer than that, the ends would cover each other. */
const CLOSE_PX = 18;

export function LoopBox({ durationS, widthPx, timeAt }: { durationS: number; widthPx: number; timeAt: EndProps['timeAt'] }) {
	const now = useStore(loop);
	if (!now) return null;
	const share = (timeS: number): string => `${(timeS / durationS) * 100}%`;
	const isClose = now.b !== null && ((now.b - now.a) / durationS) * widthPx < CLOSE_PX;
	return (
		<div class={`loopbox ${now.b === null ? 'open' : isClose ? 'close' : ''}`} style={{ left: share(now.a), width: now.b === null ? '0%' : share(now.b - now.a) }}>
			<End end="a" timeS={now.a} durationS={durationS} timeAt={timeAt} />
			{now.b !== null && <End end="b" timeS={now.b} durationS={durationS} timeAt={timeAt} />}
		</div>
	);
}
