// The recordings of a call, as the player goes through them.
import type { Call, Recording } from '../types';

const COMES = ['queued', 'waiting', 'stored'];

/** Can it be played, or will it come when it is? */
export const isPlayable = ({ state, expired }: Recording): boolean => COMES.includes(state) && !expired;

const isSame = (sid: string) => (recording: Recording): boolean => recording.recording_sid === sid;

/** In the order in which they were made. */
export const inOrder = (recordings: readonly Recording[]): Recording[] =>
	[...recordings].sort((one, other) => (one.started_at ?? '').localeCompare(other.started_at ?? ''));

/** A row of the list has the main one alone: what is known of the others stays. */
export function withNews(known: readonly Recording[], news: readonly Recording[]): Recording[] {
	const kept = known.map((recording) => news.find(isSame(recording.recording_sid)) ?? recording);
	const added = news.filter((recording) => !known.some(isSame(recording.recording_sid)));
	return inOrder([...kept, ...added]);
}

/** What is played by itself when one is over; null: it was the last. */
export function chapterAfter(recordings: readonly Recording[], sid: string): Recording | null {
	const at = recordings.findIndex(isSame(sid));
	return at < 0 ? null : recordings.slice(at + 1).find(isPlayable) ?? null;
}

/** The one that a play of the call means. */
export const mainOf = (call: Call): string | null => call.main_recording_sid ?? call.recordings[0]?.recording_sid ?? null;

/** Seconds; as measured where it was. */
export const durationOf = (recording: Recording | undefined): number | null => recording?.measured_duration ?? recording?.duration ?? null;
