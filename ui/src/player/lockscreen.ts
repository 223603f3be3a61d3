// The lock screen, and the keys of a headset or a keyboard for media.
import { grouped } from '../list/numbers';
import { unknownNumber } from '../list/say';
import { words } from '../words';
import { timeNow } from './audio';
import { neighbour, playNeighbour, track } from './control';
import { seek, sound, start, stop } from './engine';
import { listening, second } from './listening';
import { partiesOf, whenText } from './party';

const TEN_S = 10;

function title(): void {
	const held = track.value;
	if (!held) return;
	const { player } = words();
	const { other } = partiesOf(held.call);
	navigator.mediaSession.metadata = new MediaMetadata({
		title: other ? player.callWith(grouped(other)) : unknownNumber(held.call, Date.now()),
		artist: whenText(held.call.started_at),
		album: 'callspool',
	});
}

function position(): void {
	const { durationS } = sound.value;
	if (durationS === null || !Number.isFinite(durationS) || durationS <= 0) return;
	navigator.mediaSession.setPositionState?.({ duration: durationS, playbackRate: listening.value.speed, position: Math.min(timeNow(), durationS) });
}

const by = (details: MediaSessionActionDetails, sign: number): void => seek(timeNow() + sign * (details.seekOffset ?? TEN_S));

const ACTIONS: [MediaSessionAction, MediaSessionActionHandler][] = [
	['play', start],
	['pause', stop],
	['seekbackward', (details) => by(details, -1)],
	['seekforward', (details) => by(details, 1)],
	['seekto', ({ seekTime }) => seekTime !== undefined && seek(seekTime)],
];

/** Each browser knows some of them. */
function offer(action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
	try {
		navigator.mediaSession.setActionHandler(action, handler);
	} catch {
		// not this one
	}
}

function neighbours(): void {
	offer('nexttrack', neighbour('next') ? () => playNeighbour('next') : null);
	offer('previoustrack', neighbour('previous') ? () => playNeighbour('previous') : null);
}

export function startLockScreen(): void {
	if (!('mediaSession' in navigator)) return;
	for (const [action, handler] of ACTIONS) offer(action, handler);
	const held = (): void => {
		title();
		neighbours();
	};
	track.listen(held);
	listening.listen(position);
	let told = 0;
	second.listen((now) => {
		if (Math.abs(now - told) < 5) return;
		told = now;
		position();
	});
	sound.listen(({ isWanted, source }) => {
		navigator.mediaSession.playbackState = !source ? 'none' : isWanted ? 'playing' : 'paused';
		position();
	});
	held();
}
