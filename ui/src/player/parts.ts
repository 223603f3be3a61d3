// What the first Play needs beyond the sound itself.
import { announce } from '../parts/announce';
import { words } from '../words';
import { sound, type Sound } from './engine';
import { CALL_KEYS } from './call_keys';
import { track } from './control';
import { startKeys } from './keys';
import { startLockScreen } from './lockscreen';
import { watchLock } from './sides';

export { Dock } from './Dock';
export { Phone } from './Phone';

/** Once for each recording: who cannot see hears that the press did something. */
function sayWhatPlays(): void {
	let said: string | null = null;
	const told = ({ source, isPlaying }: Sound): void => {
		if (!isPlaying || !source || source.id === said) return;
		said = source.id;
		announce(words().player.playing);
	};
	told(sound.value);
	sound.listen(told);
}

/** Once. */
export function begin(): void {
	startKeys(CALL_KEYS, () => track.value !== null);
	startLockScreen();
	watchLock();
	sayWhatPlays();
}
