// The one <audio> of the page: made once, never removed, so that no redrawing ends a sound.

export const audio: HTMLAudioElement = document.createElement('audio');
audio.preload = 'metadata';
audio.hidden = true;

/** iOS plays an element that is in no document, but shows it on the lock screen only when it is. */
document.body.append(audio);

/** Is it at this address already? */
export const isAt = (address: string): boolean => audio.getAttribute('src') === address;

/** Begins to read another file; the same address again reads it anew. */
export function setAddress(address: string): void {
	audio.src = address;
	audio.load();
}

/** Where it will be: an element without metadata takes a position as where to begin. */
export function moveTo(timeS: number): void {
	audio.currentTime = Math.max(0, timeS);
}

/** false: the browser wants a press first, or another play came between. */
export async function startSound(): Promise<boolean> {
	try {
		await audio.play();
		return true;
	} catch {
		return false;
	}
}

/** The last second that has been read on from `timeS`. */
export function readUntil(timeS: number): number {
	const { buffered } = audio;
	for (let i = 0; i < buffered.length; i++) {
		if (buffered.start(i) <= timeS + 0.25 && buffered.end(i) >= timeS) return buffered.end(i);
	}
	return timeS;
}
