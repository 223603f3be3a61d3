// A slider: pressed, dragged, or moved by keys.  Left is less in both languages.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface SliderProps {
	label: string;
	value: number;
	min: number;
	max: number;
	step: number;
	/** By PageUp and PageDown; ten steps where not given. */
	bigStep?: number;
	/** The value in words. */
	text: string;
	class?: string;
	onInput(value: number): void;
}

const clamped = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

/** Where a key moves a value to; null: the key is no slider's. */
export function movedByKey(key: string, { value, min, max, step, bigStep = step * 10 }: Pick<SliderProps, 'value' | 'min' | 'max' | 'step' | 'bigStep'>): number | null {
	const to: Record<string, number> = {
		ArrowLeft: value - step, ArrowDown: value - step, ArrowRight: value + step, ArrowUp: value + step,
		PageDown: value - bigStep, PageUp: value + bigStep, Home: min, End: max,
	};
	return to[key] === undefined ? null : clamped(to[key], min, max);
}

export function Slider(props: SliderProps) {
	const { label, value, min, max, step, text, class: more = '', onInput } = props;
	const track = useRef<HTMLSpanElement>(null);

	useEffect(() => track.current?.style.setProperty('--v', `${((value - min) / (max - min)) * 100}%`), [value, min, max]);

	const pointed = (event: JSX.TargetedPointerEvent<HTMLSpanElement>): void => {
		const { left, width } = event.currentTarget.getBoundingClientRect();
		const at = min + ((event.clientX - left) / width) * (max - min);
		onInput(clamped(min + Math.round((at - min) / step) * step, min, max));
	};
	const down = (event: JSX.TargetedPointerEvent<HTMLSpanElement>): void => {
		if (event.button !== 0) return;
		event.currentTarget.setPointerCapture(event.pointerId);
		pointed(event);
	};
	const move = (event: JSX.TargetedPointerEvent<HTMLSpanElement>): void => {
		if (event.currentTarget.hasPointerCapture(event.pointerId)) pointed(event);
	};
	const key = (event: KeyboardEvent): void => {
		if (event.ctrlKey || event.altKey || event.metaKey) return;
		const to = movedByKey(event.key, props);
		if (to === null) return;
		event.preventDefault();
		event.stopPropagation();
		onInput(to);
	};

	return (
		<span ref={track} class={`slider ${more}`} dir="ltr" role="slider" tabIndex={0} aria-label={label} aria-valuemin={min} aria-valuemax={max} aria-valuenow={value} aria-valuetext={text}
			onPointerDown={down} onPointerMove={move} onKeyDown={key}>
			<i />
		</span>
	);
}
