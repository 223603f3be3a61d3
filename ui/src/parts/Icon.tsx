// Icons: pictures beside words, or in buttons that have a name; never read out themselves.
import { shapes, type IconName, type Shape } from './icons';

export type { IconName } from './icons';

export function Icon({ name, size = 16, class: more = '' }: { name: IconName; size?: number; class?: string }) {
	const shape: Shape = shapes[name];
	return (
		<svg class={shape.isMirrored ? `flip ${more}` : more} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true"
			fill={shape.isFilled ? 'currentColor' : 'none'} {...(shape.isFilled ? {} : OUTLINE)}>
			<path d={shape.lines} />
		</svg>
	);
}

const OUTLINE = { stroke: 'currentColor', 'stroke-width': 1.5, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' } as const;

const TEN = { back: 'M4.5 12a7.5 7.5 0 102.6-5.7M7.6 2.7L6.6 6.6l3.9.9', forward: 'M19.5 12a7.5 7.5 0 11-2.6-5.7M16.4 2.7l1 3.9-3.9.9' };

/** Ten seconds back or forward. */
export function TenIcon({ way, size = 22 }: { way: 'back' | 'forward'; size?: number }) {
	return (
		<svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" fill="none" {...OUTLINE} stroke-width={1.7}>
			<path d={TEN[way]} />
			<text x="12" y="15" font-size="7.8" font-weight="700" text-anchor="middle" fill="currentColor" stroke="none">10</text>
		</svg>
	);
}

/** The mark of callspool. */
export function Mark() {
	return (
		<svg class="mark" width="20" height="20" viewBox="0 0 20 20" fill="none" stroke-width="2" stroke-linecap="round" aria-hidden="true">
			<path class="agent" d="M2.5 8.5v3M6.25 5.5v9" />
			<path class="middle" d="M10 2.5v15" />
			<path class="customer" d="M13.75 6v8M17.5 8.5v3" />
		</svg>
	);
}

export function Brand() {
	return (
		<span class="brand">
			<Mark />
			<bdi>callspool</bdi>
		</span>
	);
}

/** In the row and the button of what plays. */
export function PlayingBars() {
	return (
		<span class="eq" aria-hidden="true">
			<i />
			<i />
			<i />
		</span>
	);
}
