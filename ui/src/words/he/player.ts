import type { player as English } from '../en/player';

export const player: typeof English = {
	region: 'נגן',
	play: 'השמעה',
	pause: 'השהיה',
};
