// Does the next call play by itself when one is over?  Chosen in the menu of the account.
import { keep, kept } from '../chosen';
import { store } from '../store';

export const playsOn = store(kept('plays-on') === 'on');

export function setPlaysOn(isOn: boolean): void {
	keep('plays-on', isOn ? 'on' : 'off');
	playsOn.set(isOn);
}
