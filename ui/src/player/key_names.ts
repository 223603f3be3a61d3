// What a key means: letters by what they write, else by where they lie, where the layout is not Latin (in Hebrew "/" and
// letters lie elsewhere).

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
