// Playing calls: which call and which of its recordings the engine plays, and what comes after.
import { ApiError, getCall, mediaOf, serverNow, signedOut } from '../api';
import { connection, onCall, progress, watch, type Watch } from '../live';
import { session } from '../session';
import { store } from '../store';
import type { Call, EventMessage, Recording } from '../types';
import { arriving, cameBack, ended, known, learn, load, network, seek, sound, start, stop, toggleSound, unload, type Source } from './engine';
import { placeOf } from './places';
import { playsOn } from './plays_on';
import { chapterAfter, durationOf, inOrder, isPlayable, mainOf, withNews } from './recordings';
import { isInTheWay } from './trouble';

export interface Playing {
	callSid: string;
	recordingSid: string;
	/** It sounds, or will at once. */
	isPlaying: boolean;
	isBusy: boolean;
}

/** What the player holds; null: nothing was played yet. */
export interface Track {
	call: Call;
	recordingSid: string;
	/** All of the call that are known, in order. */
	recordings: Recording[];
}

export const track = store<Track | null>(null);
export const playing = store<Playing | null>(null);

/** Seconds to go on from, as long as it is offered. */
export const offer = store<number | null>(null);

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

/** Speed, loop, silence, waveforms: loaded while nobody does anything, else with the first play. */
export const rest = () => import('./rest');

const OFFER_MS = 8000;
let offerTimer = 0;

export const recordingOf = ({ recordings, recordingSid }: Track): Recording | undefined =>
	recordings.find((recording) => recording.recording_sid === recordingSid);

function sourceOf(held: Track): Source {
	const recording = recordingOf(held);
	const api = `/api/recordings/${held.recordingSid}`;
	return {
		id: held.recordingSid,
		media: mediaOf(held.recordingSid),
		waveform: `${api}/waveform`,
		heard: `${api}/heard`,
		durationS: durationOf(recording),
		isArriving: recording !== undefined && recording.state !== 'stored',
		...(recording?.waveform === undefined ? {} : { hasWaveform: recording.waveform }),
	};
}

const trackOf = (call: Call, recordingSid: string): Track => ({ call, recordingSid, recordings: inOrder(call.recordings) });

async function askCall({ call: { call_sid: callSid } }: Track): Promise<void> {
	const whole = await getCall(callSid).catch(() => null);
	const now = track.value;
	if (whole && now?.call.call_sid === callSid) renew(now, whole);
}

/** Events and answers overtake each other: whatever is newer counts. */
function renew(held: Track, call: Call): void {
	const isNewer = call.seq >= held.call.seq;
	const wasHere = recordingOf(held)?.state === 'stored';
	const recordings = isNewer ? withNews(held.recordings, call.recordings) : withNews(call.recordings, held.recordings);
	const renewed = { ...held, call: isNewer ? call : held.call, recordings };
	hold(renewed);
	if (!wasHere && recordingOf(renewed)?.state === 'stored') cameBack();
}

/** A row has the main recording alone. */
const isWhole = ({ call, recordings }: Track): boolean => call.recording_count <= recordings.length;

/** The list puts its rows in batches, and holds still under a hand: that its waveform was made may have been told before. */
const mayBeOld = (held: Track): boolean => recordingOf(held)?.waveform === false;

function hold(held: Track): void {
	track.set(held);
	learn(sourceOf(held));
}

export function withdrawOffer(): void {
	window.clearTimeout(offerTimer);
	offer.set(null);
}

function offerPlace(source: Source): void {
	withdrawOffer();
	offer.set(placeOf(source.id, source.durationS));
	offerTimer = window.setTimeout(withdrawOffer, OFFER_MS);
}

function take(held: Track, at: number | undefined): void {
	void rest();
	const source = sourceOf(held);
	track.set(held);
	load(source, at ?? 0);
	if (at === undefined) offerPlace(source);
	else withdrawOffer();
	if (!isWhole(held) || mayBeOld(held)) void askCall(held);
}

/** On pointerdown and keydown of a Play: what can be read before the click.  What sounds, or is held, stays until then. */
export function prepare(call: Call, recordingSid = mainOf(call)): void {
	if (!recordingSid) return;
	const source = sourceOf(trackOf(call, recordingSid));
	void rest().then(({ askWave }) => askWave(source));
	if (!track.value && sound.value.source?.id !== source.id) load(source);
}

export function play(call: Call, { recordingSid, at }: PlayOptions = {}): void {
	const sid = recordingSid ?? mainOf(call);
	if (!sid) return;
	if (track.value?.recordingSid !== sid) take(trackOf(call, sid), at);
	else if (at !== undefined) seek(at);
	start();
}

/** In the player, silent, until somebody presses Play: what an address with a moment opens.  Of a recording that the call does not have, it is the main one. */
export function putIn(call: Call, at: number, recordingSid = ''): void {
	const sid = call.recordings.some(({ recording_sid: one }) => one === recordingSid) ? recordingSid : mainOf(call);
	if (sid && !sound.value.isWanted) take(trackOf(call, sid), at);
}

/** Another recording of the same call. */
export function playRecording(recordingSid: string): void {
	const held = track.value;
	if (!held || held.recordingSid === recordingSid) return;
	take({ ...held, recordingSid }, undefined);
	start();
}

export function goOn(): void {
	const timeS = offer.value;
	withdrawOffer();
	if (timeS === null) return;
	seek(timeS);
	start();
}

export function toggle(): void {
	if (track.value) toggleSound();
}

export const pause = (): void => stop();

const MOST_PASSED = 200;

/** The nearest call in that direction that can be played. */
export function neighbour(way: 'next' | 'previous'): Call | null {
	let call = track.value?.call ?? null;
	for (let i = 0; call && i < MOST_PASSED; i++) {
		call = neighbours[way](call.call_sid);
		const sid = call && mainOf(call);
		const main = call?.recordings.find((recording) => recording.recording_sid === sid);
		if (main && isPlayable(main)) return call;
	}
	return null;
}

export function playNeighbour(way: 'next' | 'previous'): void {
	const call = neighbour(way);
	if (call) play(call);
}

ended.add(() => {
	const held = track.value;
	if (!held) return;
	const chapter = chapterAfter(held.recordings, held.recordingSid);
	if (chapter) playRecording(chapter.recording_sid);
	else if (playsOn.value) playNeighbour('next');
});

onCall((call) => {
	const held = track.value;
	if (held?.call.call_sid !== call.call_sid) return;
	renew(held, call);
	if (track.value && !isWhole(track.value)) void askCall(track.value);
});

function tellArriving(): void {
	const held = track.value;
	const recording = held ? recordingOf(held) : undefined;
	arriving.set(recording && recording.state !== 'stored' ? progress.value.get(recording.recording_sid) ?? recording.arriving ?? null : null);
}

track.listen(tellArriving);
progress.listen(tellArriving);

/** Of what was missed no row tells. */
function toldOfCall({ reset, more }: EventMessage): void {
	if ((reset || more) && track.value) void askCall(track.value);
}

/**
 * What is still to come may pass no filter of the list: it is heard of by a connection of its own, until it is here, its
 * waveform with it.
 */
let watched: { callSid: string; watch: Watch } | null = null;
function watchWhatComes(): void {
	const held = track.value;
	const recording = held ? recordingOf(held) : undefined;
	const isStored = recording?.state === 'stored';
	const isWatched = held !== null && watched?.callSid === held.call.call_sid;
	const isComing = held !== null && (!isStored || (isWatched && recording.waveform === false));
	const callSid = isComing ? held.call.call_sid : null;
	if ((watched?.callSid ?? null) === callSid) return;
	watched?.watch.end();
	watched = callSid && held ? { callSid, watch: watch({ filter: { call: callSid }, seq: held.call.seq, bottom: null, told: toldOfCall }) } : null;
}
track.listen(watchWhatComes);

/** The code that a play is answered with for the reason of its recording. */
const answerTo = (reason: string): string => (reason === 'refused' || reason === 'forbidden' ? 'upstream_refused' : 'upstream_unavailable');

/** The row says why its recording waits. */
known.why = ({ id }) => {
	const held = track.value;
	const recording = held ? recordingOf(held) : undefined;
	if (recording?.recording_sid !== id || recording.state !== 'waiting' || recording.arriving || !recording.reason) return null;
	const inMs = recording.next_try_at ? Date.parse(recording.next_try_at) - serverNow() : 0;
	const { code: reason, text } = recording.reason;
	return new ApiError(answerTo(reason), text, 0, Math.max(1, Math.ceil(inMs / 1000)), null, { reason });
};

network.isUp = () => navigator.onLine && connection.value.offlineSince === null;
connection.listen(({ isLive }) => isLive && cameBack());

let toldOf: unknown = null;
sound.listen(({ trouble }) => {
	if (trouble === toldOf) return;
	toldOf = trouble;
	if (trouble?.kind === 'refused' && trouble.error.code === 'unauthenticated') signedOut.told();
});
session.listen((now) => {
	if (now && !now.signed_in) letGo();
	const { trouble } = sound.value;
	if (now?.signed_in && trouble?.kind === 'refused' && trouble.error.code === 'unauthenticated') cameBack();
});

/** Whoever signed out hears nothing any more. */
function letGo(): void {
	withdrawOffer();
	track.set(null);
	playing.set(null);
	unload();
}

function tell(): void {
	const held = track.value;
	const { isWanted, isBusy, trouble } = sound.value;
	if (!held) return;
	const isPlaying = isWanted && !isInTheWay(trouble);
	const next = { callSid: held.call.call_sid, recordingSid: held.recordingSid, isPlaying, isBusy };
	const before = playing.value;
	const isNew = before?.recordingSid !== next.recordingSid || before.isPlaying !== isPlaying || before.isBusy !== isBusy;
	if (isNew) playing.set(next);
}

track.listen(tell);
sound.listen(tell);
