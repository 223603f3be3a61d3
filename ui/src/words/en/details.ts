import { ltr } from '../../isolate';

const times = (n: number): string => (n === 1 ? 'once' : `${n} times`);

export const details = {
	details: 'Details',
	close: 'Close details',
	above: 'Call above',
	below: 'Call below',
	unknownCall: 'Call',
	notLoaded: 'The details could not be loaded',

	// what stands in the box
	cannotPlay: 'This call cannot be played.',
	noRecording: 'There is no recording.',
	notHereYet: 'It is not here yet.',
	goneWhy: 'Twilio says that this recording was deleted there, before callspool could fetch it. If that is wrong, ask again.',
	deadWhy: (hours: number | null, why: string) => `callspool gave up${hours ? ` after ${hours} h` : ''}. ${why}`,
	noReason: 'Twilio did not deliver it.',
	lastReason: (why: string) => `The last reason: ${why}.`,

	// facts
	direction: 'Direction',
	inbound: 'Inbound',
	outbound: 'Outbound',
	from: 'From',
	to: 'To',
	started: 'Started',
	length: 'Length',
	call: 'Call',
	callSid: 'Call SID',
	parentCall: 'Parent call',
	copyCallSid: 'Copy call SID',

	// recordings
	recordings: 'Recordings',
	recordingOf: (n: number, all: number) => `Recording ${n} of ${all}`,
	channels: (n: number): string => (n > 1 ? 'both sides apart' : 'one channel'),
	keptUntil: (when: string) => `kept until ${when}`,
	keptAlways: 'kept always',
	expiredAt: (when: string) => `expired ${when}`,
	heldBy: (who: string, when: string) => `held by ${ltr(who)} since ${when}`,
	heldSince: (when: string) => `held since ${when}`,
	held: 'held',
	heldBecause: (why: string) => `“${why}”`,
	adopted: 'taken over from another system',
	lengthDiffers: (told: string) => `Twilio said ${ltr(told)}`,
	triedTimes: (n: number) => `asked for ${times(n)}`,
	playRecording: (n: number, all: number) => (all > 1 ? `Play recording ${n}` : 'Play recording'),
	pauseRecording: (n: number, all: number) => (all > 1 ? `Pause recording ${n}` : 'Pause recording'),
	moreFor: (n: number, all: number) => (all > 1 ? `More for recording ${n}` : 'More for the recording'),

	// what can be done
	download: 'Download',
	copyLink: 'Copy link',
	hold: 'Hold',
	endHold: 'End hold',
	delete: 'Delete…',
	holdTitle: 'Hold recording',
	holdSaid: 'A held recording is not removed when its time is over, and cannot be deleted, until the hold is ended.',
	holdReason: 'Reason, for those who may want to end the hold',
	holdReasonLong: 'The reason is too long.',
	deleteTitle: 'Delete recording',
	deleteSaid: 'Delete this recording here? It cannot be brought back.',
	deleteDo: 'Delete',

	// attempts
	attempts: 'Attempts',
	attemptsOf: (n: number, all: number) => `Recording ${n} of ${all}`,
	noAttempts: 'None yet.',
	underWay: 'Under way',
	outcomes: {
		stored: 'Stored', cut: 'Connection broke', limited: 'Twilio is limiting us', not_ready: 'Not there yet', not_found: 'Not there yet', gone: 'Deleted at Twilio', refused: 'Refused', forbidden: 'Refused',
		error_page: 'Answered with a page instead of sound', not_audio: 'Answered with something else than sound', encoded: 'Answered with a page instead of sound',
		timeout: 'Twilio did not answer in time', unreachable: 'Twilio could not be reached', server_error: 'Twilio answered with an error', unexpected_status: 'Twilio answered with an error',
		refused_elsewhere: 'Refused by the host that Twilio sent us to', blocked_address: 'An address that is not fetched from', other_bytes: 'Other bytes than before', cut_audio: 'The sound was cut short',
		absent: 'Twilio kept none', no_dual: 'No two channels there', disk_full: 'No room to store it', disk_failed: 'Our disk could not be written', no_descriptor: 'Too many files are open here',
		key_missing: 'Encrypted, and its key is not here', key_wrong: 'Encrypted with another key', forged: 'Not what Twilio encrypted', encryption_untold: 'Encrypted, and Twilio does not say how', encryption_unclear: 'Not clear how it is encrypted', encryption_unreadable: 'How it is encrypted cannot be read', details_learned: 'Encrypted otherwise than was told', closed: 'Encrypted, not opened yet',
		interrupted: 'Interrupted by a restart', deleted: 'Deleted here meanwhile', dead: 'Given up',
	} as Record<string, string>,
	differs: 'Length differs',
	alike: (n: number) => (n === 1 ? '1 earlier try alike' : `${n} earlier tries alike`),
	bytesIn: (size: string, seconds: string) => `${ltr(size)} in ${ltr(`${seconds} s`)}`,
	afterBytes: (size: string, of: string | null) => `after ${ltr(size)}${of ? ` of ${ltr(of)}` : ''}`,
	waited: (s: number) => `waited ${ltr(`${s} s`)}`,
};
