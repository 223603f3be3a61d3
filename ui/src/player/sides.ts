// The two sides of a call: which is who, and how loud each is.  Web Audio is built at the first touch of that and never
// before, for iOS suspends it when the screen locks.
import { toast } from '../parts/toast';
import { store } from '../store';
import { words } from '../words';
import { audio } from './audio';
import { hearHere, sound } from './engine';
import { clampedDb, gainsOf, isTouched, type Side } from './gains';
import type { Lane } from './lanes_of';
import { wave } from './waves';

export interface Sides {
	/** By channel of the file. */
	channels: [Side, Side];
	isEven: boolean;
}

const asItIs = (): Side => ({ db: 0, isMuted: false, isSolo: false });

export const sides = store<Sides>({ channels: [asItIs(), asItIs()], isEven: false });

/** As the player has them, from above. */
export const shownLanes = store<Lane[]>([]);

interface Graph {
	context: AudioContext;
	gains: [GainNode, GainNode];
}

let graph: Graph | null = null;

/** A file with one channel has all of it on the first. */
function build(): Graph {
	const context = new AudioContext();
	const splitter = context.createChannelSplitter(2);
	const gain = (channel: number): GainNode => {
		const node = context.createGain();
		splitter.connect(node, channel);
		node.connect(context.destination); // one channel: both ears hear it
		return node;
	};
	context.createMediaElementSource(audio).connect(splitter);
	context.addEventListener('statechange', wake);
	return { context, gains: [gain(0), gain(1)] };
}

/** Also 'interrupted', of which the types know nothing: a call came in on iOS. */
function wake(): void {
	if (graph && graph.context.state !== 'running' && graph.context.state !== 'closed' && sound.value.isWanted) void graph.context.resume();
}

export const isBuilt = (): boolean => graph !== null;

function apply(): void {
	const { channels, isEven } = sides.value;
	if (!graph) {
		if (!isTouched(channels, isEven)) return;
		graph = build();
		void hearHere();
	}
	wake();
	const { context, gains } = graph;
	const loudness = isEven ? wave.value?.loudness ?? [] : null;
	gainsOf(channels, loudness).forEach((gain, i) => gains[i]?.gain.setTargetAtTime(gain, context.currentTime, 0.015));
}

function change(part: Partial<Sides>): void {
	sides.set({ ...sides.value, ...part });
	apply();
}

function changeSide(channel: number, part: Partial<Side>): void {
	const [one, other] = sides.value.channels;
	change({ channels: channel === 0 ? [{ ...one, ...part }, other] : [one, { ...other, ...part }] });
}

const sideAt = (channel: number): Side => sides.value.channels[channel === 0 ? 0 : 1];

export const toggleSide = (channel: number): void => changeSide(channel, { isMuted: !sideAt(channel).isMuted, isSolo: false });

/** Only that side; the other's is ended by it. */
export function toggleOnly(channel: number): void {
	const isSolo = !sideAt(channel).isSolo;
	const [one, other] = sides.value.channels;
	change({ channels: [{ ...one, isSolo: isSolo && channel === 0 }, { ...other, isSolo: isSolo && channel !== 0 }] });
	if (isSolo) changeSide(channel, { isMuted: false });
}

export const setLevel = (channel: number, db: number): void => changeSide(channel, { db: clampedDb(db) });
export const setEven = (isEven: boolean): void => change({ isEven });

const isIos = (): boolean => /iP(hone|ad|od)/.test(navigator.userAgent) || (navigator.userAgent.includes('Macintosh') && navigator.maxTouchPoints > 1);

/** iOS lets sound of Web Audio stop when the screen locks: said once, when it may have. */
export function watchLock(): void {
	let isTold = false;
	document.addEventListener('visibilitychange', () => {
		if (document.hidden && graph && isIos() && sound.value.isWanted && !isTold) {
			isTold = true;
			toast(words().player.lockStops);
		}
		if (!document.hidden) wake();
	});
}

let lastId: string | null = null;
sound.listen(({ source, isWanted }) => {
	if (isWanted) wake();
	if ((source?.id ?? null) === lastId) return;
	lastId = source?.id ?? null;
	// another call has other people: nobody of them is mute from before
	const channels = sides.value.channels.map((side) => ({ ...side, isMuted: false, isSolo: false })) as [Side, Side];
	change({ channels });
});
wave.listen(() => sides.value.isEven && apply());
