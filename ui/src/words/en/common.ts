export const common = {
	callspool: 'callspool',
	otherLanguage: 'עברית',
	loading: 'Loading…',
	retry: 'Retry',
	tryNow: 'Try now',
	cancel: 'Cancel',
	close: 'Close',
	copied: 'Copied',
	messages: 'Messages',
	why: 'Why?',
};
