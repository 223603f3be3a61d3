// What a key means: letters by what they write, else by where they lie, where the layout is not Latin (in Hebrew "/" and
// letters lie elsewhere); and which keys are none of the page's.
import { isCovered } from '../parts/overlays';

const BY_PLACE: Record<string, string> = {
	BracketLeft: '[', BracketRight: ']', Slash: '/', Equal: '+', NumpadAdd: '+', Minus: '-', NumpadSubtract: '-', Digit1: '1', Digit2: '2',
};

const isLatin = (key: string): boolean => /^[\x20-\x7e]$/.test(key);

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey'>;

/** What a key means: "s", "Shift+1", "Space", "ArrowLeft", "Shift+ArrowLeft". */
export function keyOf({ key, code, shiftKey }: Pressed): string {
	if (key === ' ') return 'Space';
	if (/^Digit[0-9]$/.test(code)) return `${shiftKey ? 'Shift+' : ''}${code.slice(5)}`;
	if (key.startsWith('Arrow')) return shiftKey ? `Shift+${key}` : key;
	if (key.length > 1) return key;
	if (code === 'Equal' || code === 'NumpadAdd') return '+';
	if (isLatin(key)) return key.toLowerCase();
	const letter = /^Key([A-Z])$/.exec(code)?.[1];
	return letter ? letter.toLowerCase() : (BY_PLACE[code] ?? key);
}

/** Is somebody writing, or is the key for what is focused? */
export function isTaken(event: KeyboardEvent): boolean {
	if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isCovered()) return true;
	const at = event.target instanceof Element ? event.target : null;
	if (at?.closest('input:not([type="checkbox"]), textarea, select, [contenteditable="true"]')) return true;
	if (event.key === ' ' || event.key === 'Enter') return at?.closest('button, a[href], summary, [role="button"], [role="tab"], [role="switch"], input') !== null && at !== null;
	return event.key.startsWith('Arrow') && at?.closest('[role="slider"], [role="tablist"]') !== null && at !== null;
}
