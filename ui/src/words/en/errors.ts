import { ltr } from '../../isolate';

export const errors = {
	limited: (s: number | null) => `Twilio is limiting us.${s ? ` Next try in ${s} s.` : ''} It plays by itself as soon as it is here.`,
	undelivered: (s: number | null) => `Twilio did not deliver it.${s ? ` Next try in ${s} s.` : ''}`,
	refused: 'Twilio refuses callspool’s credentials. An administrator must mend this.',
	locked: 'It is encrypted, and the key that opens it is not here. An administrator must add it.',
	notYet: 'The call has no recording yet.',
	notRecorded: 'The call was not recorded.',
	absent: 'Twilio kept no recording: it was too short or silent.',
	expired: (days: number | null) => `It is older than recordings are kept${days ? ` (${days === 1 ? '1 day' : `${days} days`})` : ''}.`,
	deleted: 'This recording was deleted.',
	unknown: 'This call is not known here.',
	signedOut: 'You were signed out.',
	forbidden: 'You may not do this.',
	foreignOrigin: 'callspool does not know this address as its own; its public_url may differ. An administrator must mend this.',
	conflict: 'That cannot be done to the recording as it is now.',
	overloaded: (s: number) => `Too much at once. Again in ${s} s.`,
	failed: (request: string | null) => (request ? `callspool failed. Request ${ltr(request)}.` : 'callspool failed.'),
	noAnswer: 'callspool does not answer.',
	undecodable: 'This browser cannot play the file.',
};
