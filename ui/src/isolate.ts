// What stands between two isolates is written in its own direction, whatever is around it.

/** A name, or a text of which the language is not known. */
export const isolated = (text: string | number): string => `\u2068${text}\u2069`;

/** A number, a time, an address, code: from left to right. */
export const ltr = (text: string | number): string => `\u2066${text}\u2069`;
