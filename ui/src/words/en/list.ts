// The frame and the list.
export const list = {
	calls: 'Calls',
	direction: 'Direction',
	tabs: { all: 'All', in: 'Inbound', out: 'Outbound' },
};
