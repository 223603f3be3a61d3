// Playing calls: which call and which of its recordings the engine plays.
import { mediaOf } from '../api';
import { store } from '../store';
import type { Call, Recording } from '../types';
import { load, seek, sound, start, stop, type Source } from './engine';

export interface Playing {
	callSid: string;
	recordingSid: string;
	isPlaying: boolean;
	isBusy: boolean;
}

/** What the player holds; null: nothing was played yet. */
export interface Track {
	call: Call;
	recordingSid: string;
}

export const track = store<Track | null>(null);
export const playing = store<Playing | null>(null);

/** The calls around one, as the list shows them; the list sets both. */
export const neighbours: { next(callSid: string): Call | null; previous(callSid: string): Call | null } = {
	next: () => null,
	previous: () => null,
};

export interface PlayOptions {
	recordingSid?: string;
	/** Seconds from its beginning. */
	at?: number;
}

const sidOf = (call: Call, recordingSid?: string): string | null => recordingSid ?? call.main_recording_sid ?? call.recordings[0]?.recording_sid ?? null;

export const recordingOf = (held: Track): Recording | undefined =>
	held.call.recordings.find((recording) => recording.recording_sid === held.recordingSid);

function sourceOf(held: Track): Source {
	const recording = recordingOf(held);
	const api = `/api/recordings/${held.recordingSid}`;
	return {
		id: held.recordingSid,
		media: mediaOf(held.recordingSid),
		waveform: `${api}/waveform`,
		heard: `${api}/heard`,
		durationS: recording?.measured_duration ?? recording?.duration ?? null,
	};
}

function hold(call: Call, recordingSid: string, atS: number): void {
	const held = { call, recordingSid };
	track.set(held);
	load(sourceOf(held), atS);
}

/** On pointerdown and keydown of a Play: what can be read before the click is. */
export function prepare(call: Call, recordingSid?: string): void {
	const sid = sidOf(call, recordingSid);
	if (sid && !track.value) load(sourceOf({ call, recordingSid: sid }));
}

export function play(call: Call, { recordingSid, at }: PlayOptions = {}): void {
	const sid = sidOf(call, recordingSid);
	if (!sid) return;
	if (track.value?.recordingSid !== sid) hold(call, sid, at ?? 0);
	else if (at !== undefined) seek(at);
	start();
}

export function toggle(): void {
	if (!track.value) return;
	if (sound.value.isWanted) stop();
	else start();
}

export const pause = (): void => stop();

function tell(): void {
	const held = track.value;
	const { isPlaying, isBusy } = sound.value;
	const { callSid, recordingSid } = { callSid: held?.call.call_sid, recordingSid: held?.recordingSid };
	if (!callSid || !recordingSid) return playing.set(null);
	const before = playing.value;
	if (before?.recordingSid === recordingSid && before.isPlaying === isPlaying && before.isBusy === isBusy) return;
	playing.set({ callSid, recordingSid, isPlaying, isBusy });
}

track.listen(tell);
sound.listen(tell);
