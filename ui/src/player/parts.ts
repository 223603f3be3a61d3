// What the first Play needs beyond the sound itself.
import { startKeys } from './keys';
import { startLockScreen } from './lockscreen';
import { watchLock } from './sides';

export { Dock } from './Dock';
export { Phone } from './Phone';

/** Once. */
export function begin(): void {
	startKeys();
	startLockScreen();
	watchLock();
}
