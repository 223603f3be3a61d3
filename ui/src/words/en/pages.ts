import { first } from './first';
import { health } from './health';
import { keys } from './keys';
import { ltr } from '../../isolate';

const tries = (n: number): string => (n === 1 ? '1 try is left' : `${n} tries are left`);

export const pages = {
	...health,
	...first,
	...keys,

	// signing in
	signIn: 'Sign in',
	name: 'Name',
	password: 'Password',
	showPassword: 'Show the password',
	wrong: (left: number | null) => `Name or password is wrong.${left ? ` ${tries(left)} before a wait.` : ''}`,
	throttled: (s: number) => `Too many tries. Again in ${s} s.`,
	accountLocked: 'This account is locked after too many tries. Sign in from a browser that you used before, or have an administrator reset the password.',
	tryAgainNow: 'You can try again now.',
	noCookie: 'This browser keeps no cookie for this page, and without it nobody stays signed in. Allow it, then sign in again.',
	httpsRequired: 'Signing in needs HTTPS. Open this page by its https:// address.',
	overloaded: 'Too much at once. Try again in a few seconds.',
	fillIn: 'Fill in name and password.',
	proxySignsIn: 'Your organisation signs you in.',
	proxyHow: 'The proxy in front of callspool did not say who you are. Sign in there, then reload.',
	reload: 'Reload',

	// an invitation
	joinTitle: 'Invitation · callspool',
	join: 'Choose your password',
	joinFirst: 'The first administrator',
	joinName: 'Name: letters, digits and . _ @ + -',
	joinNameWrong: (max: number) => `Choose a name of letters, digits and . _ @ + -, of at most ${max} characters.`,
	joinRule: (min: number) => `Long rather than clever: ${min} characters or more, any characters. A few words that only you would put together are good.`,
	joinAgain: 'Password once more',
	joinDiffers: 'The two passwords differ.',
	joinSave: 'Save',
	joinDone: 'Your password is set.',
	joinSpent: 'This invitation is no longer valid',
	joinSpentHow: 'It was used, or its time is over. Ask an administrator for a new one.',
	joinEmpty: 'The invitation is missing',
	joinEmptyHow: 'Open the whole link, with what stands behind the #. After a reload it must be opened anew.',
	nameTaken: 'The name is taken.',
	passwordRefused: {
		too_short: (min: number) => `The password is too short: at least ${min} characters.`,
		too_long: () => 'The password is too long: at most 256 characters.',
		not_text: () => 'The password is not valid text.',
		name: () => 'The password is made of a name that others would guess.',
		common: () => 'The password is one of those that are tried first.',
		sequence: () => 'The password is one character or a sequence.',
		breached: () => 'The password is known from a breach of another service.',
	} as Record<'too_short' | 'too_long' | 'not_text' | 'name' | 'common' | 'sequence' | 'breached', (min: number) => string>,

	// a link
	linkTitle: 'Recording · callspool',
	linkRecording: 'Recording of a call',
	linkFromTo: (from: string, to: string) => `Call from ${ltr(from)} to ${ltr(to)}`,
	linkUntil: (until: string) => `This link opens this recording alone, until ${until}. Plays are counted.`,
	linkAlone: 'This link opens this recording alone. Plays are counted.',
	linkRecordings: 'Recordings of a call',
	linkParts: 'Recordings',
	linkPart: (n: number, all: number) => `Recording ${n} of ${all}`,
	linkPlayPart: (n: number) => `Play recording ${n}`,
	linkPausePart: (n: number) => `Pause recording ${n}`,
	linkWholeUntil: (until: string) => `This link opens the recordings of this call alone, until ${until}. Plays are counted.`,
	linkWhole: 'This link opens the recordings of this call alone. Plays are counted.',
	linkExpired: 'This link has expired',
	linkUsedUp: 'This link has been played as often as it may be',
	linkNew: 'Ask the person who gave it to you for a new one.',
	linkNotFound: 'There is no such link',
	linkNotFoundHow: 'It was revoked, or a part of the address is missing. Open the whole link, with what stands behind the #.',
	linkGone: 'The recording is no longer here',
	linkFailed: 'The recording cannot be opened now',
	outbound: 'Outbound',
	inbound: 'Inbound',
};
