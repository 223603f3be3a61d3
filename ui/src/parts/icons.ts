// The shapes of the icons: 16 by 16, drawn as lines of 1.5 unless they are filled.

const ring = (x: number, y: number, r: number): string => `M${x - r} ${y}a${r} ${r} 0 10${2 * r} 0a${r} ${r} 0 10${-2 * r} 0z`;

function box(x: number, y: number, width: number, height: number, r: number): string {
	const corner = (dx: number, dy: number): string => `a${r} ${r} 0 01${dx} ${dy}`;
	const [w, h] = [width - 2 * r, height - 2 * r];
	return `M${x + r} ${y}h${w}${corner(r, r)}v${h}${corner(-r, r)}h${-w}${corner(-r, -r)}v${-h}${corner(r, -r)}z`;
}

export interface Shape {
	lines: string;
	isFilled?: boolean;
	/** Turned round where one reads from right to left. */
	isMirrored?: boolean;
}

const line = (lines: string): Shape => ({ lines });
const filled = (lines: string): Shape => ({ lines, isFilled: true });
const mirrored = (lines: string): Shape => ({ lines, isMirrored: true });

export const shapes = {
	back: mirrored('M9.5 4.5L6 8l3.5 3.5'),
	bad: line(`${ring(8, 8, 5.75)}M8 5v3.5M8 10.9v.1`),
	calendar: line(`${box(2.5, 3.5, 11, 10, 1.5)}M2.5 6.5h11M5.5 2v3M10.5 2v3`),
	check: line('M3.5 8.5l3 3 6-7'),
	clock: line(`${ring(8, 8, 5.5)}M8 5v3.2l2 1.3`),
	close: line('M4.5 4.5l7 7M11.5 4.5l-7 7'),
	copy: line(`${box(5.5, 5.5, 8, 8, 1.5)}M10.5 5.5V4A1.5 1.5 0 009 2.5H4A1.5 1.5 0 002.5 4v5A1.5 1.5 0 004 10.5h1.5`),
	dash: line('M5.5 8h5'),
	down: line('M4.5 6.5L8 10l3.5-3.5'),
	download: line('M8 2.5v7.5M4.75 7L8 10.25 11.25 7M3 13.5h10'),
	eye: line(`M1.5 8S4 3.75 8 3.75 14.5 8 14.5 8 12 12.25 8 12.25 1.5 8 1.5 8z${ring(8, 8, 1.75)}`),
	filter: line('M2.5 4.5h11M4.5 8h7M6.5 11.5h3'),
	forward: mirrored('M6.5 4.5L10 8l-3.5 3.5'),
	grow: line('M3.5 9.5L8 5l4.5 4.5'),
	in: mirrored('M11.5 4.5l-7 7M10 11.5H4.5V6'),
	keyboard: line(`${box(1.5, 4, 13, 8.5, 1.5)}M4.2 6.8h.1M6.7 6.8h.1M9.2 6.8h.1M11.7 6.8h.1M5 9.8h6`),
	link: line('M6.8 9.2a2.5 2.5 0 003.6 0l2-2a2.5 2.5 0 00-3.6-3.6l-.8.8M9.2 6.8a2.5 2.5 0 00-3.6 0l-2 2a2.5 2.5 0 003.6 3.6l.8-.8'),
	lock: line(`${box(3.5, 7, 9, 6.5, 1.5)}M5.5 7V5a2.5 2.5 0 015 0v2`),
	moon: line('M13 9.6A5.5 5.5 0 116.4 3a4.4 4.4 0 006.6 6.6z'),
	more: filled(ring(3.5, 8, 1.25) + ring(8, 8, 1.25) + ring(12.5, 8, 1.25)),
	mute: line('M2.5 6.2v3.6h2.3L8 12.5v-9L4.8 6.2zM10.7 6.3l3.4 3.4M14.1 6.3l-3.4 3.4'),
	next: filled(`${box(11.5, 3.5, 1.5, 9, 0.75)}M3 4.1v7.8c0 .5.6.8 1 .5l5.7-3.9a.6.6 0 000-1L4 3.6c-.4-.3-1 0-1 .5z`),
	offline: line('M2 2l12 12M4.2 9a5.5 5.5 0 012-1.3M2 6.5a9 9 0 012.7-1.7M8 4a9 9 0 016 2.5M10.3 8.2c.5.2 1 .5 1.5.9M8 12.3v.1'),
	ok: line(`${ring(8, 8, 5.75)}M5.5 8.2l1.8 1.8 3.3-3.7`),
	out: mirrored('M4.5 11.5l7-7M6 4.5h5.5V10'),
	pause: filled(box(4, 3, 3, 10, 1) + box(9, 3, 3, 10, 1)),
	play: filled('M5 3.2v9.6c0 .6.7 1 1.2.6l7-4.8c.4-.3.4-.9 0-1.2l-7-4.8C5.7 2.2 5 2.6 5 3.2z'),
	previous: filled(`${box(3, 3.5, 1.5, 9, 0.75)}M13 4.1v7.8c0 .5-.6.8-1 .5L6.3 8.5a.6.6 0 010-1L12 3.6c.4-.3 1 0 1 .5z`),
	pulse: line('M1.5 8.5h3l2-5 3 9 2-4h3'),
	recording: filled(ring(8, 8, 4)),
	retry: line('M13 8a5 5 0 11-1.6-3.7M13 2.5v2.8h-2.8'),
	search: line(`${ring(7, 7, 4.25)}M10.2 10.2L13.5 13.5`),
	shrink: line('M3.5 6.5L8 11l4.5-4.5'),
	silence: line('M1.5 8h.1M4 6v4M6.5 4v8M9 8h5.5M12.5 6l2 2-2 2'),
	sliders: line(`M3 5h5M11.5 5H13M3 11h1.5M8 11h5${ring(9.75, 5, 1.75)}${ring(6.25, 11, 1.75)}`),
	solo: line(`M2.75 10V8a5.25 5.25 0 0110.5 0v2${box(2.5, 9.5, 2.5, 4, 1)}${box(11, 9.5, 2.5, 4, 1)}`),
	sun: line(`${ring(8, 8, 2.75)}M8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7`),
	system: line(`${ring(8, 8, 5.5)}M8 2.5v11M8 5l4.5 0M8 8h5.5M8 11h4.5`),
	trash: line('M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 9h5.8l.6-9'),
	up: line('M8 13V3.5M4 7.5l4-4 4 4'),
	upward: line('M4.5 9.5L8 6l3.5 3.5'),
	volume: line('M2.5 6.2v3.6h2.3L8 12.5v-9L4.8 6.2zM10.5 6a3 3 0 010 4M12.3 4.2a5.5 5.5 0 010 7.6'),
	warn: line('M8 2.5l6 10.5H2zM8 6.5v3M8 11.3v.1'),
	wave: line('M2.5 7v2M5.25 4.5v7M8 2.5v11M10.75 5v6M13.5 7v2'),
} satisfies Record<string, Shape>;

export type IconName = keyof typeof shapes;
