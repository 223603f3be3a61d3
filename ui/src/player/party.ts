// Who a call was with, and when, as the player says it.
import { momentText } from '../parts/format';
import type { Call } from '../types';
import { words } from '../words';

export interface Parties {
	isInbound: boolean;
	/** The one that is not ours; null: not known yet. */
	other: string | null;
	ours: string | null;
}

export function partiesOf({ direction, from, to }: Pick<Call, 'direction' | 'from' | 'to'>): Parties {
	const isInbound = direction === 'inbound';
	return { isInbound, other: isInbound ? from : to, ours: isInbound ? to : from };
}

const dayOf = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** "today 14:32", "Sat 21 Nov, 14:32" */
export function whenText(iso: string, now = new Date()): string {
	const { player } = words();
	const date = new Date(iso);
	const days = Math.round((dayOf(now) - dayOf(date)) / 86_400_000);
	if (days !== 0 && days !== 1) return momentText(iso);
	const time = date.toLocaleString('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
	return `${days === 0 ? player.today : player.yesterday} ${time}`;
}
