// The waveform of what sounds: asked for when it is made, finer when one zooms; where nobody says whether it is made,
// again for a while.
import { ApiError, getWaveform } from '../api';
import { store } from '../store';
import { sound, type Sound, type Source } from './engine';
import { waveOf, type Wave } from './peaks';

export const wave = store<Wave | null>(null);

const POINTS = 2000;
const POINTS_ZOOMED = 8000;
const PENDING_TRIES = 5;
const PENDING_S = 2;

/** What was asked for, by its address and points: pressing Play asks before it is clicked. */
const asked = new Map<string, Promise<Wave | null>>();
const MOST = 8;

const pause = (seconds: number): Promise<void> => new Promise((done) => window.setTimeout(done, seconds * 1000));

/** null: there is none, or none that comes soon. */
async function fetched(address: string, points: number): Promise<Wave | null> {
	for (let i = 0; i <= PENDING_TRIES; i++) {
		try {
			return waveOf(await getWaveform(address, points));
		} catch (error) {
			if (!(error instanceof ApiError) || error.code !== 'waveform_pending') return null;
			await pause(error.retryAfterS || PENDING_S);
		}
	}
	return null;
}

function waveAt(address: string, points: number): Promise<Wave | null> {
	const key = `${address} ${points}`;
	const known = asked.get(key);
	if (known) return known;
	const coming = fetched(address, points);
	asked.set(key, coming);
	// what failed is asked for anew the next time
	void coming.then((found) => found ?? asked.delete(key));
	if (asked.size > MOST) asked.delete(asked.keys().next().value!);
	return coming;
}

/** Before it is played: what is there is here by then. */
export const askWave = (source: Source): void => void (isMade(source) && waveAt(source.waveform, POINTS));

let showing: string | null = null;

async function show(source: Source, points: number): Promise<void> {
	const found = await waveAt(source.waveform, points);
	if (found && showing === source.waveform) wave.set(found);
}

/** There is more to be seen than what is drawn. */
export function refine(): void {
	const { source } = sound.value;
	if (source && wave.value && wave.value.lanes[0]!.length < POINTS_ZOOMED) void show(source, POINTS_ZOOMED);
}

/** Of what is shown; a refusal is no reason to ask again. */
let isAsked = false;

/** What is not made yet is not asked for: an event tells when it is. */
const isMade = ({ isArriving, hasWaveform }: Source): boolean => !isArriving && hasWaveform !== false;

function follow({ source }: Pick<Sound, 'source'>): void {
	const address = source?.waveform ?? null;
	if (address !== showing) {
		showing = address;
		isAsked = false;
		wave.set(null);
	}
	if (!source || isAsked || !isMade(source)) return;
	isAsked = true;
	void show(source, POINTS);
}
follow(sound.value);
sound.listen(follow);
