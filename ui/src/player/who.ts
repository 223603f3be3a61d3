// Which side of a call is whose, as a person says it: kept on this device, for each direction.
import { keep, kept } from '../chosen';
import { store } from '../store';

export type Way = 'inbound' | 'outbound';

/** Twilio tells outbound calls apart ("outbound-api", "outbound-dial"); who listens does not. */
export const wayOf = (direction: string | null): Way => (direction === 'inbound' ? 'inbound' : 'outbound');

export interface Said {
	/** Where the server knows who is who: it is the other way round. */
	isSwapped: boolean;
	/** Where it does not: the channel that the agent speaks in; null: nobody has said so. */
	agent: number | null;
}

const CHANNELS: Record<string, number> = { 0: 0, 1: 1 };

/** As it was said before the page was opened. */
export const saidBefore = (way: Way): Said => ({ isSwapped: kept(`swapped-${way}`) === 'on', agent: CHANNELS[kept(`agent-${way}`) ?? ''] ?? null });

export const who = store<Record<Way, Said>>({ inbound: saidBefore('inbound'), outbound: saidBefore('outbound') });

export function swap(way: Way): void {
	const said = who.value[way];
	keep(`swapped-${way}`, said.isSwapped ? 'off' : 'on');
	who.set({ ...who.value, [way]: { ...said, isSwapped: !said.isSwapped } });
}

/** The same channel once more: it is not known again. */
export function nameAgent(way: Way, channel: number): void {
	const said = who.value[way];
	const agent = said.agent === channel ? null : channel;
	keep(`agent-${way}`, agent === null ? '' : String(agent));
	who.set({ ...who.value, [way]: { ...said, agent } });
}
