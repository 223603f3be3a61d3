// Are single letters keys?  Whoever dictates, or hits keys by chance, switches them off (WCAG 2.1.4).
import { keep, kept } from '../chosen';
import { store } from '../store';

export const lettersAct = store(kept('letter-keys') !== 'off');

export function setLettersAct(act: boolean): void {
	lettersAct.set(act);
	keep('letter-keys', act ? 'on' : 'off');
}
