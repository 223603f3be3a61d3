export const common = {
	callspool: 'callspool',
	otherLanguage: 'עברית',
	loading: 'Loading…',
	retry: 'Retry',
	cancel: 'Cancel',
	close: 'Close',
};
