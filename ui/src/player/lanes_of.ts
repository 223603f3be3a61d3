// Which side is in which lane.
import type { Said } from './who';

export type SideName = 'agent' | 'customer' | 'side1' | 'side2' | 'both';

export interface Lane {
	channel: number;
	name: SideName;
}

const NOTHING: Said = { isSwapped: false, agent: null };

/** The agent's channel; null: not known. */
function agentOf(known: readonly string[] | null | undefined, { isSwapped, agent }: Said): number | null {
	if (!known) return agent;
	return (known[0] === 'customer') === isSwapped ? 0 : 1;
}

/** From above: the agent where that is known, from the server or from a person. */
export function lanesOf(channels: number, known: readonly string[] | null | undefined, said: Said = NOTHING): Lane[] {
	if (channels < 2) return [{ channel: 0, name: 'both' }];
	const agent = agentOf(known, said);
	if (agent === null) return [{ channel: 0, name: 'side1' }, { channel: 1, name: 'side2' }];
	return [{ channel: agent, name: 'agent' }, { channel: 1 - agent, name: 'customer' }];
}
