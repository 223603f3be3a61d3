// Is the window as narrow as a phone's?
import { store } from '../store';

const narrow = typeof matchMedia === 'undefined' ? null : matchMedia('(max-width: 719.98px)');

export const phone = store(narrow?.matches ?? false);

narrow?.addEventListener('change', () => phone.set(narrow.matches));
