import type { player as English } from '../en/player';

export const player: typeof English = {
};
