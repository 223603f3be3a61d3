// What sounds: one source at a time on the one <audio>.  It knows addresses, not calls (control.ts does), so that the
// page of a link plays with it too.
import { store } from '../store';
import { audio, isAt, moveTo, setAddress, startSound } from './audio';

export interface Source {
	/** What its position is kept by: the recording's SID, or the link's name. */
	id: string;
	media: string;
	waveform: string;
	/** Where heard ranges are told; null: nowhere. */
	heard: string | null;
	/** What is known before a byte is here. */
	durationS: number | null;
}

export interface Sound {
	source: Source | null;
	/** Somebody wants to hear it, whether or not it sounds yet. */
	isWanted: boolean;
	isPlaying: boolean;
	/** It is wanted and has not sounded for 250 ms. */
	isBusy: boolean;
	durationS: number | null;
}

export const sound = store<Sound>({ source: null, isWanted: false, isPlaying: false, isBusy: false, durationS: null });

const BUSY_AFTER_MS = 250;
let busyTimer = 0;

export function change(part: Partial<Sound>): void {
	sound.set({ ...sound.value, ...part });
}

function waits(): void {
	window.clearTimeout(busyTimer);
	busyTimer = window.setTimeout(() => change({ isBusy: sound.value.isWanted && !sound.value.isPlaying }), BUSY_AFTER_MS);
}

export function load(source: Source, atS = 0): void {
	change({ source, isPlaying: false, isBusy: false, durationS: source.durationS });
	if (!isAt(source.media)) setAddress(source.media);
	if (atS > 0) moveTo(atS);
}

export function start(): void {
	change({ isWanted: true });
	waits();
	void startSound().then((sounds) => {
		if (!sounds && audio.paused && !audio.error) change({ isWanted: false, isBusy: false });
	});
}

export function stop(): void {
	audio.pause();
	change({ isWanted: false, isPlaying: false, isBusy: false });
}

export function seek(timeS: number): void {
	moveTo(Math.min(timeS, sound.value.durationS ?? timeS));
}

audio.addEventListener('playing', () => change({ isPlaying: true, isBusy: false }));
audio.addEventListener('waiting', () => {
	change({ isPlaying: false });
	waits();
});
audio.addEventListener('pause', () => change({ isPlaying: false, isBusy: false, isWanted: false }));
audio.addEventListener('durationchange', () => {
	if (Number.isFinite(audio.duration) && audio.duration > 0) change({ durationS: audio.duration });
});
