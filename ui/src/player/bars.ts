// Draws waveforms by wavesurfer.js: bars from our peaks, on our <audio>.  Loaded with the first Play.
//
// wavesurfer.js would set the address of the element that it is given, when it loads peaks; what sounds is the engine's
// alone, so here it only looks at it.  How long a recording is, is the waveform's word: what the element says differs by
// a fraction of a second, and the head must stand on the bar that sounds.
import WaveSurfer, { type WaveSurferOptions } from 'wavesurfer.js';
import { audio, timeNow } from './audio';
import { barsOf, QUIET } from './peaks';

class Bars extends WaveSurfer {
	constructor(options: WaveSurferOptions, private readonly lengthS: number) {
		super(options);
	}

	protected override getSrc(): string {
		return '';
	}

	protected override setSrc(): void {}

	override getDuration(): number {
		return this.lengthS;
	}

	override getCurrentTime(): number {
		return timeNow();
	}
}

export interface Drawing {
	/** One for each channel that is drawn, from above. */
	lanes: Float32Array[];
	/** Names of custom properties, played and not yet: as many as lanes. */
	colours: [played: string, rest: string][];
	durationS: number;
	/** Of one lane; each is named in ui/build.mjs. */
	heightPx: number;
	barPx: number;
}

const GAP_PX = 1;
const NOTICED_PX = 0.25;
const QUIET_ALPHA = 0.45;

/** No line at all where both sides are silent (NaN), a faint one where this side is. */
export function drawBars(lane: ArrayLike<number>, context: CanvasRenderingContext2D, barPx: number): void {
	const { width, height } = context.canvas;
	const ratio = Math.max(1, devicePixelRatio);
	const step = (barPx + GAP_PX) * ratio;
	const bars = barsOf(lane, Math.max(1, Math.floor(width / step)));
	const middle = height / 2;
	const room = middle - ratio;
	bars.forEach((value, i) => {
		if (Number.isNaN(value)) return;
		const half = value < QUIET ? ratio / 2 : Math.max(ratio, Math.round(value * room));
		context.globalAlpha = value < QUIET ? QUIET_ALPHA : 1;
		context.beginPath();
		const box = [Math.round(i * step), middle - half, Math.round(barPx * ratio), half * 2] as const;
		if (context.roundRect) context.roundRect(...box, value < QUIET ? 0 : ratio);
		else context.rect(...box); // Safari before 16
		context.fill();
	});
	context.globalAlpha = 1;
}

/** Where the system has colours of its own, played and not yet are told apart by those. */
function colourOf(name: string): string {
	if (matchMedia('(forced-colors: active)').matches) return name.endsWith('-rest') ? 'GrayText' : 'CanvasText';
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

const splitOf = ({ colours }: Drawing): NonNullable<WaveSurferOptions['splitChannels']> =>
	colours.map(([played, rest]) => ({ waveColor: colourOf(rest), progressColor: colourOf(played) }));

export interface Drawn {
	/** Colours changed. */
	recolour(): void;
	destroy(): void;
}

export function drawIn(container: HTMLElement, drawing: Drawing): Drawn {
	const { lanes, durationS, heightPx, barPx } = drawing;
	const surfer = new Bars({
		container,
		media: audio,
		peaks: lanes,
		duration: durationS,
		height: heightPx,
		splitChannels: splitOf(drawing),
		barWidth: barPx,
		barGap: GAP_PX,
		cursorWidth: 0,
		normalize: false,
		interact: false,
		autoScroll: false,
		renderFunction: ([lane], context) => lane && drawBars(lane as ArrayLike<number>, context as CanvasRenderingContext2D, barPx),
	}, durationS);
	const renderer = surfer.getRenderer();
	const renderProgress = renderer.renderProgress.bind(renderer);
	let last = Number.NaN;
	// it comes with each frame, most of which move nothing
	renderer.renderProgress = (progress, isPlaying) => {
		if (Math.abs(progress - last) * container.clientWidth < NOTICED_PX) return;
		last = progress;
		renderProgress(progress, isPlaying);
	};
	return {
		recolour: () => surfer.setOptions({ splitChannels: splitOf(drawing) }),
		destroy: () => surfer.destroy(),
	};
}
