// What sounds: one source at a time on the one <audio>.  It knows addresses, not calls (control.ts does), so that the
// page of a link plays with it too.
//
//	isWanted   somebody wants to hear it; only a person, the end, or another window changes that
//	isPlaying  it sounds
//	isBusy     it is wanted and has not sounded for a moment
//	trouble    why it does not sound
import type { ApiError } from '../api';
import { store } from '../store';
import type { Arriving } from '../types';
import { audio, clearAddress, isAt, isFromHere, moveTo, setAddress, startSound, stayHere, timeNow } from './audio';
import { againInS, BROKEN_NETWORK, endedShort, isInTheWay, isSentAway, isWithoutOutput, noAnswer, probe, verdictOf, type Probe, type Trouble } from './trouble';

export interface Source {
	/** What its position is kept by: the recording's SID, or the link's name. */
	id: string;
	media: string;
	waveform: string;
	/** Where heard ranges are told; null: nowhere. */
	heard: string | null;
	/** What is known before a byte is here. */
	durationS: number | null;
	/** It is not all here yet. */
	isArriving?: boolean;
	/** Is its waveform made?  Left out: nobody says. */
	hasWaveform?: boolean;
}

export interface Sound {
	source: Source | null;
	isWanted: boolean;
	isPlaying: boolean;
	isBusy: boolean;
	durationS: number | null;
	trouble: Trouble | null;
}

export const sound = store<Sound>({ source: null, isWanted: false, isPlaying: false, isBusy: false, durationS: null, trouble: null });

/** How much of it is here, while it is fetched; whoever knows sets it. */
export const arriving = store<Arriving | null>(null);

/** Does nothing answer because there is no network?  The page that has a connection to the server sets what it knows. */
export const network = { isUp: (): boolean => navigator.onLine };

/** Why a source is not here, as far as that is known without asking; whoever knows sets it. */
export const known: { why(source: Source): ApiError | null } = { why: () => null };

/** Told when a source is at its end. */
export const ended = new Set<(source: Source) => void>();
/** Told after a seek or a change of source: what comes does not go on from what was. */
export const jumped = new Set<() => void>();

const BUSY_MS = 250;
const WAITING_MS = 400;
const KNOWN_MS = 1500;
const SLOW_MS = 8000;
/** Whatever sounded for so long begins to count its retries anew. */
const FORGIVEN_MS = 30_000;

/** What goes with one source and is forgotten with it. */
let tries = 0;
let etag: string | null = null;
let hasSounded = false;
let lastEndS: number | null = null;
let soundsSinceMs = 0;
let busyTimer = 0;
let slowTimer = 0;
let knownTimer = 0;
let againTimer = 0;
let asking: AbortController | null = null;

function change(part: Partial<Sound>): void {
	const before = sound.value;
	const isNew = (Object.keys(part) as (keyof Sound)[]).some((name) => !Object.is(before[name], part[name]));
	if (isNew) sound.set({ ...before, ...part });
}

const tellJump = (): void => jumped.forEach((told) => told());

function calm(): void {
	window.clearTimeout(busyTimer);
	window.clearTimeout(knownTimer);
	window.clearTimeout(slowTimer);
	window.clearTimeout(againTimer);
	asking?.abort();
	asking = null;
}

const isStill = (): boolean => sound.value.isWanted && !sound.value.isPlaying && !isInTheWay(sound.value.trouble);

/** The server answers a play when there is something to be said; what it waits for is known before. */
function sayWhatIsKnown(): void {
	const { source } = sound.value;
	const error = source && known.why(source);
	if (error) change({ isBusy: false, trouble: refusedBy(error) });
}

function refusedBy(error: ApiError): Trouble {
	const inS = againInS(error);
	return { kind: 'refused', error, againAtMs: inS === null ? null : performance.now() + inS * 1000 };
}

/** Nothing sounds although it is wanted: the ring after a moment, words after a while. */
function waitForSound(afterMs: number): void {
	window.clearTimeout(busyTimer);
	window.clearTimeout(knownTimer);
	window.clearTimeout(slowTimer);
	knownTimer = window.setTimeout(() => isStill() && sayWhatIsKnown(), KNOWN_MS);
	busyTimer = window.setTimeout(() => isStill() && change({ isBusy: true, trouble: whatHinders() }), afterMs);
	slowTimer = window.setTimeout(() => {
		if (!isStill()) return;
		change({ trouble: whatHinders() ?? { kind: 'slow' } });
		void askWhy();
	}, SLOW_MS);
}

/** Browsers try a broken connection again for half a minute before they tell of it: what the server says is known sooner. */
async function askWhy(): Promise<void> {
	const found = await ask();
	if (found?.kind === 'refused') judged(found, BROKEN_NETWORK);
}

function whatHinders(): Trouble | null {
	const { trouble, source } = sound.value;
	if (!navigator.onLine) return { kind: 'offline', atS: timeNow() };
	if (audio.seeking && source?.isArriving) return { kind: 'loading', atS: timeNow() };
	return trouble?.kind === 'offline' ? null : trouble;
}

/** Takes another source; nothing sounds until start(). */
export function load(source: Source, atS = 0): void {
	calm();
	tries = 0;
	etag = null;
	hasSounded = false;
	lastEndS = null;
	change({ source, isPlaying: false, isBusy: false, durationS: source.durationS, trouble: null });
	if (isAt(source.media)) {
		if (Math.abs(timeNow() - atS) > 0.05) moveTo(atS);
	} else {
		setAddress(source.media, atS);
	}
	tellJump();
}

/** What became known of the same source: its length, that it is stored. */
export function learn(source: Source): void {
	if (sound.value.source?.id !== source.id) return;
	change({ source, durationS: sound.value.durationS ?? source.durationS });
	if (sound.value.isWanted && sound.value.trouble?.kind === 'refused') sayWhatIsKnown();
}

async function sounds(): Promise<void> {
	waitForSound(hasSounded ? WAITING_MS : BUSY_MS);
	if ((await startSound()) === 'refused') stop();
}

export function start(): void {
	const { source, trouble } = sound.value;
	if (!source) return;
	if (audio.ended) moveTo(0);
	change({ isWanted: true });
	if (isInTheWay(trouble) || audio.error || !isAt(source.media)) retry();
	else void sounds();
}

export function stop(): void {
	calm();
	const { trouble } = sound.value;
	change({ isWanted: false, isPlaying: false, isBusy: false, trouble: isInTheWay(trouble) ? trouble : null });
	audio.pause();
}

/** The button: what stands in the way of a play is tried again. */
export function toggleSound(): void {
	const { isWanted, trouble } = sound.value;
	if (isWanted && !isInTheWay(trouble)) stop();
	else start();
}

/** Reads the source anew, from where it was. */
function again(): void {
	const { source, isWanted } = sound.value;
	if (!source) return;
	const atS = timeNow();
	calm();
	change({ trouble: null });
	setAddress(source.media, atS);
	tellJump();
	if (isWanted) void sounds();
}

const isStillAt = (source: Source): boolean => isAt(source.media) && sound.value.source?.id === source.id;

/** Web Audio is to hear it: what is sent to a bucket is read anew, from here. */
export async function hearHere(): Promise<void> {
	const { source } = sound.value;
	stayHere();
	if (source && !isFromHere() && (await isSentAway(source.media)) !== false && isStillAt(source)) again();
}

/** Somebody asks for it once more. */
export function retry(): void {
	tries = 0;
	change({ isWanted: true });
	again();
}

/** Why it could not sound may be over: it is tried anew if it is still wanted. */
export function cameBack(): void {
	const { isWanted, trouble } = sound.value;
	if (!isWanted || !trouble || trouble.kind === 'undecodable' || trouble.kind === 'no_output') return;
	if (isInTheWay(trouble) || audio.error) again();
	else waitForSound(WAITING_MS);
}

export function seek(timeS: number): void {
	const { source, durationS, isWanted } = sound.value;
	if (!source) return;
	const most = durationS ?? audio.duration;
	moveTo(Math.max(0, Number.isFinite(most) ? Math.min(timeS, most) : timeS));
	tellJump();
	if (isWanted) waitForSound(WAITING_MS);
}

/** The player is empty again. */
export function unload(): void {
	calm();
	change({ source: null, isWanted: false, isPlaying: false, isBusy: false, durationS: null, trouble: null });
	clearAddress();
	tellJump();
}

function refused(error: ApiError): void {
	const inS = againInS(error);
	change({ isBusy: false, trouble: refusedBy(error) });
	// a second later than the server's own try, so that it is answered by what that brought
	if (inS !== null) againTimer = window.setTimeout(cameBack, (inS + 1) * 1000);
}

function judged(found: Probe, code: number): void {
	if (found.kind === 'fine') {
		if (etag !== null && found.etag !== etag) tries = 0; // another file by now
		etag = found.etag;
	}
	const atS = timeNow();
	const verdict = verdictOf({ code, tries, hasSounded, isOnline: network.isUp() }, found.kind);
	if (verdict === 'again') {
		tries++;
		again();
	} else if (verdict === 'broke' || verdict === 'offline') {
		change({ isBusy: false, trouble: { kind: verdict, atS } });
	} else if (verdict === 'undecodable') {
		change({ isBusy: false, trouble: { kind: 'undecodable' } });
	} else {
		refused(found.kind === 'refused' ? found.error : noAnswer());
	}
}

/** null: something else came between. */
async function ask(): Promise<Probe | null> {
	const { source, isWanted } = sound.value;
	if (!source || !isWanted) return null;
	asking?.abort();
	const mine = new AbortController();
	asking = mine;
	const found = await probe(source.media, mine.signal);
	if (mine.signal.aborted) return null;
	asking = null;
	return found;
}

/** It failed: why, says the same address.  A play that nobody wants fails in silence, start() reads it anew. */
async function failed(code: number): Promise<void> {
	const { source } = sound.value;
	const found = await ask();
	if (!found || !source) return;
	if (found.kind === 'fine' && !hasSounded && !isFromHere() && (await isSentAway(source.media))) {
		// the bucket may not be for this browser to reach; what fails from here as well is the file
		stayHere();
		if (sound.value.isWanted && sound.value.source?.id === source.id) again();
		return;
	}
	judged(found, code);
}

function atEnd(): void {
	const { source, durationS, isWanted } = sound.value;
	const timeS = audio.currentTime;
	if (source && isWanted && endedShort(timeS, durationS, lastEndS)) {
		lastEndS = timeS;
		void failed(0);
		return;
	}
	change({ isWanted: false, isPlaying: false, isBusy: false, trouble: null });
	if (source) ended.forEach((told) => told(source));
}

audio.addEventListener('playing', () => {
	calm();
	hasSounded = true;
	if (!sound.value.isPlaying) soundsSinceMs = performance.now();
	change({ isWanted: true, isPlaying: true, isBusy: false, trouble: null });
});
audio.addEventListener('waiting', () => {
	change({ isPlaying: false });
	waitForSound(WAITING_MS);
});
// the lock screen, a headset, a call that comes in; at the end and after an error others tell
audio.addEventListener('pause', () => {
	if (audio.paused && !audio.ended && !audio.error) stop();
});
audio.addEventListener('error', () => {
	if (sound.value.isPlaying && performance.now() - soundsSinceMs > FORGIVEN_MS) tries = 0;
	change({ isPlaying: false });
	if (!isWithoutOutput(audio.error)) void failed(audio.error?.code ?? 0);
	else if (sound.value.isWanted) change({ isBusy: false, trouble: { kind: 'no_output' } });
});
audio.addEventListener('ended', atEnd);
audio.addEventListener('durationchange', () => {
	// what ended too early says so of itself
	if (Number.isFinite(audio.duration) && audio.duration > 0 && !audio.ended && lastEndS === null) change({ durationS: audio.duration });
});
audio.addEventListener('seeked', () => {
	const { trouble } = sound.value;
	if (trouble?.kind === 'loading') change({ trouble: null });
});
addEventListener('online', cameBack);
addEventListener('offline', () => sound.value.isWanted && !sound.value.isPlaying && waitForSound(WAITING_MS));
