// The keys of the player.
import { announce } from '../parts/announce';
import { lettersAct } from '../parts/letters';
import { words } from '../words';
import { playNeighbour, toggle, track } from './control';
import { sound } from './engine';
import { isTaken, keyOf } from './key_names';
import { copyHere } from './links';
import { endLoop, loop, loopFrom, loopTo, stepSpeed, toggleMute, toggleSkip } from './listening';
import { lanesOf } from './lanes_of';
import { sides, toggleOnly, toggleSide } from './sides';
import { timeText } from './time';
import { seekBy, TEN_S } from './Transport';
import { wave } from './waves';
import { zoomBy } from './zoom';

function sideAt(place: number): number | null {
	const held = track.value;
	const now = wave.value;
	const lanes = held && lanesOf(now?.lanes.length ?? 1, now?.sides, sides.value.swapped[held.call.direction ?? ''] ?? false);
	return lanes && lanes.length > 1 ? lanes[place]!.channel : null;
}

function withSide(place: number, act: (channel: number) => void): void {
	const channel = sideAt(place);
	if (channel !== null) act(channel);
}

function loopSaid(act: () => void): void {
	const { player } = words();
	act();
	const now = loop.value;
	if (!now) announce(player.loopOver);
	else if (now.b !== null) announce(player.looping(timeText(now.a), timeText(now.b)));
}

function download(): void {
	const link = document.createElement('a');
	link.href = `${sound.value.source?.media}?download=1`;
	link.download = '';
	link.click();
}

const ACTS: Record<string, () => void> = {
	Space: toggle,
	ArrowLeft: () => seekBy(-TEN_S),
	ArrowRight: () => seekBy(TEN_S),
	'Shift+ArrowLeft': () => seekBy(-1),
	'Shift+ArrowRight': () => seekBy(1),
	'[': () => stepSpeed(-1),
	']': () => stepSpeed(1),
	s: toggleSkip,
	m: toggleMute,
	p: () => playNeighbour('previous'),
	n: () => playNeighbour('next'),
	a: () => loopSaid(loopFrom),
	b: () => loopSaid(loopTo),
	x: () => loopSaid(endLoop),
	1: () => withSide(0, toggleSide),
	2: () => withSide(1, toggleSide),
	'Shift+1': () => withSide(0, toggleOnly),
	'Shift+2': () => withSide(1, toggleOnly),
	l: () => document.querySelector<HTMLElement>('.player .sel')?.click(),
	c: () => void copyHere({ callSid: track.value!.call.call_sid, recordingSid: track.value!.recordingSid }),
	d: download,
	'+': () => zoomBy(1),
	'-': () => zoomBy(-1),
};

const isLetter = (name: string): boolean => name.replace('Shift+', '').length === 1;

/** Did the player take it? */
export function onKey(event: KeyboardEvent): boolean {
	if (isTaken(event) || !track.value) return false;
	const name = keyOf(event);
	const act = ACTS[name];
	if (!act || (isLetter(name) && !lettersAct.value)) return false;
	event.preventDefault();
	act();
	return true;
}

/** Returns what ends it. */
export function startKeys(): () => void {
	const told = (event: KeyboardEvent): void => void onKey(event);
	addEventListener('keydown', told);
	return () => removeEventListener('keydown', told);
}
