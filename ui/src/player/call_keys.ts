// The keys of the call that plays.
import { playNeighbour, track } from './control';
import { sound } from './engine';
import type { Acts } from './keys';
import { copyHere, linkedOf } from './links';

function download(): void {
	const link = document.createElement('a');
	link.href = `${sound.value.source?.media}?download=1`;
	link.download = '';
	link.click();
}

function copy(): void {
	const held = track.value;
	if (held) void copyHere(linkedOf(held));
}

/** Opens the menu where there is one: a call with one recording has none. */
const allRecordings = (): void => document.querySelector<HTMLElement>('.player .sel')?.click();

export const CALL_KEYS: Acts = {
	p: () => playNeighbour('previous'),
	n: () => playNeighbour('next'),
	l: allRecordings,
	c: copy,
	d: download,
};
