export const player = {
	region: 'Player',
	play: 'Play',
	pause: 'Pause',
};
