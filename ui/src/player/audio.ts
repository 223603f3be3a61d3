// The one <audio> of the page: made once, never removed, so that no redrawing ends a sound.

export const audio: HTMLAudioElement = document.createElement('audio');
audio.preload = 'metadata';
audio.hidden = true;
document.body.append(audio);

/** The same, never sent to a bucket: a script may not read what comes from elsewhere, and Web Audio hears nothing of it. */
export const fromHere = (address: string): string => `${address}${address.includes('?') ? '&' : '?'}redirect=0`;

let staysHere = false;
/** What is read from now on is. */
export function stayHere(): void {
	staysHere = true;
}

/** Where it is. */
let at: string | null = null;

export const isFromHere = (): boolean => at !== null && audio.getAttribute('src') === fromHere(at);

/** Is it at this address already, and has it not failed there? */
export const isAt = (address: string): boolean => audio.getAttribute('src') !== null && at === address && !audio.error;

/** Where it is to be once it knows how long it is: Safari forgets what is set before. */
let waitingS: number | null = null;

/** Begins to read another file; the same address again reads it anew. */
export function setAddress(address: string, atS: number): void {
	at = address;
	audio.src = staysHere ? fromHere(address) : address;
	waitingS = null;
	if (atS > 0) moveTo(atS);
}

/** Reads nothing any more; the element stays. */
export function clearAddress(): void {
	waitingS = null;
	audio.removeAttribute('src');
	audio.load();
}

export function moveTo(timeS: number): void {
	waitingS = audio.readyState >= HTMLMediaElement.HAVE_METADATA ? null : timeS;
	audio.currentTime = timeS;
}

export const timeNow = (): number => waitingS ?? audio.currentTime;

/** What play() became: 'refused' by the browser, which wants a press first, or 'over', when something else came between. */
export async function startSound(): Promise<'sounds' | 'refused' | 'over'> {
	try {
		await audio.play();
		return 'sounds';
	} catch (error) {
		return error instanceof DOMException && error.name === 'NotAllowedError' ? 'refused' : 'over';
	}
}

/** Up to where it can play on from that time without reading more. */
export function readUntil(timeS: number): number {
	const { buffered } = audio;
	for (let i = 0; i < buffered.length; i++) {
		if (buffered.start(i) <= timeS + 0.25 && buffered.end(i) >= timeS) return buffered.end(i);
	}
	return timeS;
}

audio.addEventListener('loadedmetadata', () => {
	if (waitingS !== null && Math.abs(audio.currentTime - waitingS) > 0.05) audio.currentTime = waitingS;
	waitingS = null;
});
