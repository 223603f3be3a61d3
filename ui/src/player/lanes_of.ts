// Which side is in which lane.

export type SideName = 'agent' | 'customer' | 'side1' | 'side2' | 'both';

export interface Lane {
	channel: number;
	name: SideName;
}

/** From above; who is who where the server knows, and the other way round where a person said so. */
export function lanesOf(channels: number, known: readonly string[] | null | undefined, isSwapped: boolean): Lane[] {
	if (channels < 2) return [{ channel: 0, name: 'both' }];
	const isTurned = (known?.[0] === 'customer') !== isSwapped;
	const [first, second] = isTurned ? [1, 0] : [0, 1];
	return [{ channel: first, name: known ? 'agent' : 'side1' }, { channel: second, name: known ? 'customer' : 'side2' }];
}
