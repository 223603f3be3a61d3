// What lies above the page: pop-ups and dialogs.  While there is one, single keys mean nothing to what is below.

let count = 0;

export const isCovered = (): boolean => count > 0;

/** Returns what uncovers. */
export function cover(): () => void {
	let isOver = false;
	count += 1;
	return () => {
		if (!isOver) count -= 1;
		isOver = true;
	};
}
