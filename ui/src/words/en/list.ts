// The frame and the list.
import { plural } from '../plural';

const count = (n: number): string => n.toLocaleString('en');
const next = (seconds: number | null): string => (seconds === null ? '' : seconds > 0 ? `, next try in ${span(seconds)}` : ', trying now…');

/** A wait: "12 s", "4 min", "2 h". */
function span(seconds: number): string {
	if (seconds < 100) return `${seconds} s`;
	return seconds < 6000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const things = (n: number, one: string): string => plural('en', n, { one: `1 ${one}`, other: `${count(n)} ${one}s` });

export const list = {
	calls: 'Calls',
	pages: 'Pages',
	title: 'Calls · callspool',
	direction: 'Direction',
	tabs: { all: 'All', in: 'Inbound', out: 'Outbound' },
	skips: 'To parts of the page',
	toList: 'To the list',
	toPlayer: 'To the player',
	menu: 'Menu',

	search: 'Number or call SID',
	searchName: 'Search by number or call SID',
	searchWhat: 'Numbers and call SIDs only',
	searchShort: 'Type 3 digits at least',
	clearSearch: 'Clear the search',

	health: 'Health',
	healthIs: { bad: 'something does not play', warn: 'a warning' },
	theme: 'Theme',
	themes: { system: 'Theme: as the system', light: 'Theme: light', dark: 'Theme: dark' },
	keyboard: 'Keyboard',

	filters: 'Filters',
	dates: 'Dates',
	chooseDates: 'Choose dates',
	spans: { today: 'Today', yesterday: 'Yesterday', '7d': 'Last 7 days', '30d': 'Last 30 days' },
	anyTime: 'Any time',
	since: (day: string) => `Since ${day}`,
	until: (day: string) => `Until ${day}`,
	fromTo: (from: string, to: string) => `${from} – ${to}`,
	fromDay: 'From',
	toDay: 'To',
	noDay: 'Not a date',
	previousMonth: 'Previous month',
	nextMonth: 'Next month',
	recording: 'Recording',
	anyRecording: 'Any recording',
	stateFilters: { '': 'Any', stored: 'Ready', on_the_way: 'On the way', failed: 'Failed', none: 'None', held: 'Held', expired: 'Expired', deleted: 'Deleted' },
	clearFilters: 'Clear filters',
	zone: (zone: string) => `Times in ${zone}`,
	live: 'Live',
	offline: 'Offline',
	offlineSince: (time: string) => `Not connected since ${time}. The list stays as it was; new calls are added, without a gap, when the connection is back.`,
	connectedAgain: 'Connected again',

	columns: { play: 'Play', time: 'Time', direction: 'Direction', from: 'From', to: 'To', with: 'With', length: 'Length', call: 'Call', recording: 'Recording', kept: 'Kept until', more: 'More' },
	today: 'Today',
	yesterday: 'Yesterday',
	inbound: 'Inbound',
	outbound: 'Outbound',
	status: {
		queued: 'Queued', initiated: 'Dialling', ringing: 'Ringing', 'in-progress': 'On now', completed: 'Completed', busy: 'Busy', 'no-answer': 'No answer', failed: 'Failed',
		canceled: 'Canceled',
	} as Record<string, string>,
	statusUnknown: 'Not known yet',
	numberUnknownYet: 'Number not known yet',
	numberUnknown: (tail: string) => `Number unknown, ${tail}`,

	state: {
		none: () => '',
		recording: () => 'Recording now',
		paused: () => 'Recording paused',
		announced: () => 'Twilio is preparing it',
		queued: () => 'Waiting its turn',
		limited: (seconds: number | null) => `Twilio is limiting us${next(seconds)}`,
		slow: (seconds: number | null) => `Twilio did not answer${next(seconds)}`,
		broke: (seconds: number | null) => `The connection broke${next(seconds)}`,
		early: (seconds: number | null) => `Not ready at Twilio yet${next(seconds)}`,
		undelivered: (seconds: number | null) => `Twilio did not deliver it${next(seconds)}`,
		refused: () => 'Twilio refuses our credentials',
		forbidden: (seconds: number | null) => `Twilio refuses us this recording${next(seconds)}`,
		full: () => 'No room to store it; waiting',
		ours: (seconds: number | null) => `callspool could not keep it${next(seconds)}`,
		gone: () => 'Deleted at Twilio',
		ready: () => 'Ready',
		differs: () => 'Ready, length differs',
		unrecorded: () => 'Not recorded',
		expired: () => 'Expired',
		deleted: () => 'Deleted',
		purged: () => 'Removed after its time',
	},
	arrivingPercent: (percent: number) => `Arriving ${percent} %`,
	arrivingBytes: (size: string) => `Arriving, ${size} so far`,
	dead: (why: string) => `Given up after 24 h${why && `: ${why}`}`,
	/** Trying would change nothing. */
	deadAtOnce: (why: string) => `Given up: ${why}`,
	absent: (why: string) => `None kept${why && `: ${why}`}`,
	why: {
		limited: 'Twilio limits us', slow: 'no answer from Twilio', broke: 'the connection broke', early: 'not found at Twilio', refused: 'Twilio refuses our credentials', full: 'no room to store it',
		forbidden: 'Twilio refuses us this recording', unusable: 'no sound came', elsewhere: 'its address is none that is fetched from', ours: 'callspool could not keep it', lost: 'its file was lost here',
		short: 'too short', silent: 'silent', key: 'no key to encrypt it with', failed: 'Twilio could not keep it', locked: 'the key that opens it is not here',
	},
	recordings: (n: number) => things(n, 'recording'),
	held: 'Held',
	always: 'Always',
	inHours: (hours: number) => `in ${things(hours, 'hour')}`,
	inMinutes: (minutes: number) => `in ${things(minutes, 'minute')}`,
	backUntil: (day: string) => `It is removed on ${day}; until then a hold brings it back.`,
	keptUntil: (day: string) => `kept until ${day}`,

	/** A length, as it is read out. */
	lengthName(seconds: number): string {
		const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
		return [h && things(h, 'hour'), m && things(m, 'minute'), (s || !(h || m)) && things(s, 'second')].filter(Boolean).join(' ');
	},
	callFrom: (number: string) => `call from ${number} (inbound)`,
	callTo: (number: string) => `call to ${number} (outbound)`,
	callOf: (sid: string) => `call ${sid}`,
	rowFrom: (number: string) => `Inbound from ${number}`,
	rowTo: (number: string) => `Outbound to ${number}`,
	rowOf: (sid: string) => `Call ${sid}`,
	play: (call: string) => `Play ${call}`,
	pause: (call: string) => `Pause ${call}`,
	retry: (call: string) => `Retry ${call}`,
	more: (call: string) => `More for ${call}`,

	newCalls: (n: number) => things(n, 'new call'),
	newestCalls: 'Newest calls',

	menuPlay: 'Play',
	menuDetails: 'Details',
	menuCopyNumber: 'Copy number',
	menuCopySid: 'Copy call SID',
	menuCopyLink: 'Copy link',
	menuDownload: 'Download',
	menuHold: 'Hold',
	menuEndHold: 'End hold',
	menuDelete: 'Delete…',
	menuRetry: 'Retry',
	copiedNumber: 'Number copied.',
	copiedSid: 'Call SID copied.',
	copiedLink: 'Link copied. Who opens it signs in here.',
	notCopied: 'The browser does not let this page copy.',
	nothingToRetry: 'There is nothing to fetch again.',

	failedTitle: 'The list could not be loaded',
	failedBusy: 'Too much at once.',
	failedAgain: (seconds: number) => `Trying again in ${seconds} s. What you are listening to goes on.`,
	failedRequest: 'Request',
	olderFailed: 'Older calls could not be loaded.',
	noMatch: 'No call matches',
	searched: {
		all: 'No call',
		in: 'No inbound call',
		out: 'No outbound call',
		state: { stored: 'with a recording that is ready', on_the_way: 'with a recording on the way', failed: 'with a recording that failed', none: 'without a recording', held: 'with a held recording', expired: 'with an expired recording', deleted: 'with a deleted recording' },
		span: { today: 'today', yesterday: 'yesterday', '7d': 'in the last 7 days', '30d': 'in the last 30 days' },
		since: (day: string) => `since ${day}`,
		until: (day: string) => `until ${day}`,
		fromTo: (from: string, to: string) => `from ${from} to ${to}`,
		number: (digits: string) => `with ${digits} in a number`,
		call: 'with this SID',
	},
	without: (n: number | 'many') => (n === 'many' ? 'Many calls match without the filters.' : n === 1 ? '1 call matches without the filters.' : `${count(n)} calls match without the filters.`),
	searchAll: 'Search all calls',
	these: {
		all: 'These are all calls.',
		match: 'These are all calls that match.',
		span: { today: 'These are all calls of today.', yesterday: 'These are all calls of yesterday.', '7d': 'These are all calls of the last 7 days.', '30d': 'These are all calls of the last 30 days.' },
	},
};
