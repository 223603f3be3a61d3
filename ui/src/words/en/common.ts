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

	// the account
	signOut: 'Sign out',
	account: 'Account',
	signedInAs: (name: string) => `Signed in as ${name}`,
	admin: 'Administrator',
	listener: 'Listener',
	playNextByItself: 'Play the next call by itself',
	nobodySignsIn: 'Nobody signs in here: callspool runs with auth = none, and answers this machine alone.',

	// what was done to a recording
	done: {
		held: 'Held. It is not removed until the hold is ended.',
		holdEnded: 'The hold is ended.',
		deleted: 'The recording is deleted.',
		asked: 'Twilio is asked again.',
	},
};
