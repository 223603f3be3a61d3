// Telephone numbers, grouped for the eye.

// The digits of each group after the country's code, for the usual length of a number there.
const GROUPS: Record<string, string> = {
	1: '334', 7: '3322', 20: '244', 27: '234', 30: '334', 31: '234', 32: '3222', 33: '12222', 34: '333', 36: '234', 39: '334', 40: '333', 41: '2322',
	43: '334', 44: '244', 45: '2222', 46: '2322', 47: '323', 48: '333', 49: '344', 51: '333', 52: '244', 54: '244', 55: '254', 56: '144', 57: '334',
	60: '234', 61: '144', 62: '344', 63: '334', 64: '234', 65: '44', 66: '234', 81: '244', 82: '244', 84: '234', 86: '344', 90: '334', 91: '55', 92: '334',
	351: '333', 353: '234', 358: '234', 380: '234', 420: '333', 421: '333', 852: '44', 886: '333', 961: '233', 962: '144', 966: '234', 971: '234', 972: '234', 974: '44',
};
// Where numbers of other lengths are usual too: the groups by that length.
const OTHERS: Record<string, string> = { '44.10': '244', '44.9': '333', '972.8': '134', '49.11': '344', '49.10': '334', '55.10': '244', '353.8': '134' };
const LONG_CODES = /^(?:2[1-689]|3[578]|42|5[09]|6[789]|8[0578]|9[679])/;
const IS_NUMBER = /^\+[1-9]\d{6,14}$/;

const codeOf = (digits: string): string => digits.slice(0, /^[17]/.test(digits) ? 1 : LONG_CODES.test(digits) ? 3 : 2);
const sum = (groups: string): number => [...groups].reduce((all, group) => all + Number(group), 0);

function groupsOf(code: string, length: number): string | undefined {
	const usual = GROUPS[code];
	return OTHERS[`${code}.${length}`] ?? (usual && sum(usual) === length ? usual : undefined);
}

function cut(digits: string, groups: string): string {
	let at = 0;
	return [...groups].map((group) => digits.slice(at, (at += Number(group)))).join(' ');
}

const inThrees = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, ' ');

/** "+1 312 555 0184"; what is no number of the telephone stays as it is. */
export function grouped(number: string): string {
	if (!IS_NUMBER.test(number)) return number;
	const digits = number.slice(1);
	const code = codeOf(digits);
	const rest = digits.slice(code.length);
	const groups = groupsOf(code, rest.length);
	return `+${code} ${groups ? cut(rest, groups) : inThrees(rest)}`;
}

/** For what was copied: the blanks that were put into numbers are taken out again. */
export const ungrouped = (text: string): string => text.replace(/\+\d[\d \u00a0]*\d/g, (number) => number.replace(/[ \u00a0]/g, ''));

const LONG = 22;
const TAIL = 12;

/** A long name in two parts, of which the first may be cut for the eye; '' where it is not long. */
export const parts = (text: string): [string, string] => (text.length > LONG ? [text.slice(0, -TAIL), text.slice(-TAIL)] : [text, '']);
