export const keys = {
	keyboard: 'Keyboard',
	lettersAreKeys: 'Single letters act as keys',
	keyGroups: { play: 'Play', closely: 'Listen closely', list: 'List', page: 'Page' },
	keys: {
		play: {
			playOrPause: 'Play or pause', tenSeconds: 'Back, forward 10 s', oneSecond: 'Back, forward 1 s', speed: 'Slower, faster', skipSilence: 'Skip silence', mute: 'Mute',
			neighbours: 'Previous, next call', allRecordings: 'All recordings of the call',
		},
		closely: {
			loop: 'Loop from here, to here', endLoop: 'End the loop', muteSide: 'Mute agent, customer', onlySide: 'Only agent, customer', zoom: 'Zoom in, out', copyHere: 'Copy link to this moment',
		},
		list: { rows: 'Down, up', pages: 'A page up, down', playRow: 'Play this call', details: 'Details', retry: 'Retry', download: 'Download', newest: 'Newest calls' },
		page: { search: 'Search', dates: 'Dates', close: 'Close', thisList: 'This list' },
	},
};
