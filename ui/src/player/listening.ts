// How one listens: speed, volume, skipping silence, the loop; and what is done at each step of the sound.
import { keep, kept } from '../chosen';
import { store } from '../store';
import { audio, timeNow } from './audio';
import { jumped, seek, sound, type Sound, type Source } from './engine';
import { Heard } from './heard';
import { holdsAt, moved, pressed, spanOf, stepped, withA, withB, type Loop } from './loop';
import { keepPlace } from './places';
import { skipFrom } from './silence';
import { wave } from './waves';

export const SPEEDS = [0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export interface Listening {
	speed: number;
	/** 0 … 1 */
	volume: number;
	isMuted: boolean;
	skipsSilence: boolean;
}

function number(key: string, least: number, most: number, fallback: number): number {
	const value = Number.parseFloat(kept(key) ?? '');
	return value >= least && value <= most ? value : fallback;
}

export const listening = store<Listening>({
	speed: number('speed', SPEEDS[0]!, SPEEDS.at(-1)!, 1),
	volume: number('volume', 0, 1, 1),
	isMuted: false,
	skipsSilence: kept('skip-silence') === 'on',
});

function apply({ speed, volume, isMuted }: Listening): void {
	// a new address begins with the default
	audio.defaultPlaybackRate = speed;
	audio.playbackRate = speed;
	audio.preservesPitch = true;
	audio.volume = volume;
	audio.muted = isMuted;
}

function listen(part: Partial<Listening>): void {
	const next = { ...listening.value, ...part };
	apply(next);
	listening.set(next);
}

export function setSpeed(speed: number): void {
	keep('speed', String(speed));
	listen({ speed });
}

/** The next slower or faster of the speeds. */
export function stepSpeed(way: -1 | 1): void {
	const now = listening.value.speed;
	const further = SPEEDS.filter((speed) => (speed - now) * way > 0.001);
	const next = way > 0 ? further[0] : further.at(-1);
	if (next !== undefined) setSpeed(next);
}

export function setVolume(volume: number): void {
	keep('volume', String(volume));
	listen({ volume, isMuted: false });
}

export const toggleMute = (): void => listen({ isMuted: !listening.value.isMuted });

export function toggleSkip(): void {
	const skipsSilence = !listening.value.skipsSilence;
	keep('skip-silence', skipsSilence ? 'on' : 'off');
	listen({ skipsSilence });
}

apply(listening.value);

export const loop = store<Loop | null>(null);
let isHeld = false;

const durationS = (): number => sound.value.durationS ?? Number.POSITIVE_INFINITY;

function setLoop(next: Loop | null): void {
	loop.set(next);
	isHeld = holdsAt(spanOf(next), timeNow()) || next?.b === timeNow();
}

export const pressLoop = (): void => setLoop(pressed(loop.value, timeNow(), durationS()));
export const loopFrom = (): void => setLoop(withA(loop.value, timeNow()));
export const loopTo = (): void => setLoop(withB(loop.value, timeNow(), durationS()));
export const endLoop = (): void => setLoop(null);
export const moveLoop = (end: 'a' | 'b', timeS: number): void => {
	if (loop.value) setLoop(moved(loop.value, end, timeS, durationS()));
};

/** Whole seconds, for texts. */
export const second = store(0);

/** Drawn at each frame while it sounds, and whenever it moved. */
export const frames = new Set<(timeS: number) => void>();

const heard = new Heard();
const PLACE_MS = 5000;
const REPORT_MS = 15_000;
let placeAtMs = 0;
let reportAtMs = 0;
/** What the last step was of: a change tells of the next source when the one before is still to be kept. */
let current: Source | null = null;

function report(): void {
	reportAtMs = performance.now();
	const ranges = heard.take();
	if (!ranges || !current?.heard) return;
	navigator.sendBeacon(current.heard, new Blob([JSON.stringify({ ranges })], { type: 'application/json' }));
}

function keepWhere(): void {
	placeAtMs = performance.now();
	if (current) keepPlace(current.id, timeNow());
}

/** Moves on by itself: round the loop, over silence. */
function hop(timeS: number): void {
	const span = spanOf(loop.value);
	const step = stepped(span, isHeld, timeS);
	isHeld = step.isHeld;
	const silence = listening.value.skipsSilence ? wave.value?.silence : undefined;
	const to = step.jumpTo ?? (silence ? skipFrom(silence, timeS, isHeld ? span : null) : null);
	if (to === null) return;
	const held = isHeld;
	seek(to);
	isHeld = held;
}

function draw(): void {
	const timeS = timeNow();
	second.set(Math.floor(timeS));
	for (const drawn of frames) drawn(timeS);
}

function step(): void {
	draw();
	if (!sound.value.isPlaying || audio.seeking) return;
	const timeS = audio.currentTime;
	// a timer of a hidden page comes once a second
	heard.at(timeS, 2 * listening.value.speed + 0.5);
	hop(timeS);
	const now = performance.now();
	if (now - placeAtMs > PLACE_MS) keepWhere();
	if (now - reportAtMs > REPORT_MS) report();
}

let frame = 0;
function onFrame(): void {
	step();
	frame = sound.value.isPlaying ? requestAnimationFrame(onFrame) : 0;
}

/** After what sounded went elsewhere, or another source came. */
function onJump(): void {
	heard.cut();
	isHeld = holdsAt(spanOf(loop.value), timeNow());
	draw();
}

let wasPlaying = false;
function follow({ isPlaying, source }: Pick<Sound, 'isPlaying' | 'source'>): void {
	if (wasPlaying && !isPlaying) {
		heard.cut();
		keepWhere();
		report();
	}
	wasPlaying = isPlaying;
	if (isPlaying && !frame) frame = requestAnimationFrame(onFrame);
	const isAnother = source?.id !== current?.id;
	current = source;
	if (isAnother) setLoop(null);
}
follow(sound.value);
sound.listen(follow);

jumped.add(onJump);
for (const event of ['timeupdate', 'seeked', 'loadedmetadata']) audio.addEventListener(event, step);
const hide = (): void => {
	if (!sound.value.isPlaying) return;
	keepWhere();
	report();
};
document.addEventListener('visibilitychange', () => document.hidden && hide());
addEventListener('pagehide', hide);
