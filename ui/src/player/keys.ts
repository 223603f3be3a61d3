// The keys of what sounds.  Those of the call that it belongs to are call_keys.ts's.
import { announce } from '../parts/announce';
import { lettersAct } from '../parts/letters';
import { words } from '../words';
import { sound, toggleSound } from './engine';
import { isTaken, keyOf } from './key_names';
import { endLoop, loop, loopFrom, loopTo, stepSpeed, toggleMute, toggleSkip } from './listening';
import { shownLanes, toggleOnly, toggleSide } from './sides';
import { timeText } from './time';
import { seekBy, TEN_S } from './Transport';
import { zoomBy } from './zoom';

export type Acts = Record<string, () => void>;

/** One lane has nobody to be told from. */
function withSide(place: number, act: (channel: number) => void): void {
	const lanes = shownLanes.value;
	if (lanes.length > 1) act(lanes[place]!.channel);
}

function loopSaid(act: () => void): void {
	const { player } = words();
	act();
	const now = loop.value;
	if (!now) announce(player.loopOver);
	else if (now.b !== null) announce(player.looping(timeText(now.a), timeText(now.b)));
}

const ACTS: Acts = {
	Space: toggleSound,
	ArrowLeft: () => seekBy(-TEN_S),
	ArrowRight: () => seekBy(TEN_S),
	'Shift+ArrowLeft': () => seekBy(-1),
	'Shift+ArrowRight': () => seekBy(1),
	'[': () => stepSpeed(-1),
	']': () => stepSpeed(1),
	s: toggleSkip,
	m: toggleMute,
	a: () => loopSaid(loopFrom),
	b: () => loopSaid(loopTo),
	x: () => loopSaid(endLoop),
	1: () => withSide(0, toggleSide),
	2: () => withSide(1, toggleSide),
	'Shift+1': () => withSide(0, toggleOnly),
	'Shift+2': () => withSide(1, toggleOnly),
	'+': () => zoomBy(1),
	'-': () => zoomBy(-1),
};

const isLetter = (name: string): boolean => name.replace('Shift+', '').length === 1;

/** `isOn`: is there a player at all?  Returns what ends it. */
export function startKeys(more: Acts = {}, isOn: () => boolean = () => sound.value.source !== null): () => void {
	const acts = { ...ACTS, ...more };
	const told = (event: KeyboardEvent): void => {
		if (isTaken(event) || !isOn()) return;
		const name = keyOf(event);
		const act = acts[name];
		if (!act || (isLetter(name) && !lettersAct.value)) return;
		event.preventDefault();
		act();
	};
	addEventListener('keydown', told);
	return () => removeEventListener('keydown', told);
}
