import { plural, type Forms } from '../plural';
import type { list as English } from '../en/list';

const count = (n: number): string => n.toLocaleString('en');
const forms = (n: number, words: Forms): string => plural('he', n, words);
const next = (seconds: number | null): string => (seconds === null ? '' : seconds > 0 ? `, ניסיון נוסף בעוד ${span(seconds)}` : ', מנסה עכשיו…');

function span(seconds: number): string {
	if (seconds < 100) return `${seconds} שנ׳`;
	return seconds < 6000 ? `${Math.round(seconds / 60)} דק׳` : `${Math.round(seconds / 3600)} שע׳`;
}

const hours = (n: number): string => forms(n, { one: 'שעה', two: 'שעתיים', other: `${count(n)} שעות` });
const minutes = (n: number): string => forms(n, { one: 'דקה', two: '2 דקות', other: `${count(n)} דקות` });
const seconds = (n: number): string => forms(n, { one: 'שנייה', two: '2 שניות', other: `${count(n)} שניות` });

export const list: typeof English = {
	calls: 'שיחות',
	pages: 'עמודים',
	title: 'שיחות · callspool',
	direction: 'כיוון',
	tabs: { all: 'הכול', in: 'נכנסות', out: 'יוצאות' },
	skips: 'אל חלקי העמוד',
	toList: 'אל הרשימה',
	toPlayer: 'אל הנגן',
	menu: 'תפריט',

	search: 'מספר או מזהה שיחה',
	searchName: 'חיפוש לפי מספר או מזהה שיחה',
	searchWhat: 'מספרים ומזהי שיחה בלבד',
	searchShort: 'יש להקליד לפחות 3 ספרות',
	clearSearch: 'ניקוי החיפוש',

	health: 'תקינות',
	healthIs: { bad: 'משהו אינו מושמע', warn: 'אזהרה' },
	theme: 'ערכת צבעים',
	themes: { system: 'ערכת צבעים: כמו במערכת', light: 'ערכת צבעים: בהירה', dark: 'ערכת צבעים: כהה' },
	keyboard: 'מקלדת',

	filters: 'מסננים',
	dates: 'תאריכים',
	chooseDates: 'בחירת תאריכים',
	spans: { today: 'היום', yesterday: 'אתמול', '7d': '7 הימים האחרונים', '30d': '30 הימים האחרונים' },
	anyTime: 'כל הזמנים',
	since: (day) => `מ־${day}`,
	until: (day) => `עד ${day}`,
	fromTo: (from, to) => `${from} – ${to}`,
	fromDay: 'מתאריך',
	toDay: 'עד תאריך',
	noDay: 'לא תאריך',
	previousMonth: 'החודש הקודם',
	nextMonth: 'החודש הבא',
	recording: 'הקלטה',
	anyRecording: 'כל ההקלטות',
	stateFilters: { '': 'הכול', stored: 'מוכנות', on_the_way: 'בדרך', failed: 'נכשלו', none: 'ללא הקלטה', held: 'שמורות', expired: 'פג תוקפן', deleted: 'נמחקו' },
	clearFilters: 'ניקוי המסננים',
	zone: (zone) => `השעות לפי ${zone}`,
	live: 'עדכון חי',
	offline: 'לא מקוון',
	offlineSince: (time) => `אין חיבור מאז ${time}. הרשימה נשארת כפי שהייתה; שיחות חדשות יתווספו, בלי חסר, כשהחיבור יחזור.`,
	connectedAgain: 'החיבור חזר',

	columns: { play: 'השמעה', time: 'שעה', direction: 'כיוון', from: 'מאת', to: 'אל', with: 'עם', length: 'משך', call: 'שיחה', recording: 'הקלטה', kept: 'נשמרת עד', more: 'עוד' },
	today: 'היום',
	yesterday: 'אתמול',
	inbound: 'נכנסת',
	outbound: 'יוצאת',
	status: {
		queued: 'בתור', initiated: 'בחיוג', ringing: 'מצלצלת', 'in-progress': 'מתנהלת כעת', completed: 'הסתיימה', busy: 'תפוס', 'no-answer': 'אין מענה', failed: 'נכשלה',
		canceled: 'בוטלה',
	},
	statusUnknown: 'עוד לא ידוע',
	numberUnknownYet: 'המספר עוד לא ידוע',
	numberUnknown: (tail) => `מספר לא ידוע, ${tail}`,

	state: {
		none: () => '',
		recording: () => 'בהקלטה',
		paused: () => 'ההקלטה מושהית',
		announced: () => 'בהכנה אצל Twilio',
		queued: () => 'ממתינה בתור',
		limited: (wait) => `Twilio מגבילה אותנו${next(wait)}`,
		slow: (wait) => `Twilio לא ענתה${next(wait)}`,
		broke: (wait) => `החיבור נקטע${next(wait)}`,
		early: (wait) => `עוד לא מוכנה ב־Twilio${next(wait)}`,
		undelivered: (wait) => `Twilio לא מסרה אותה${next(wait)}`,
		refused: () => 'Twilio דוחה את פרטי הגישה שלנו',
		forbidden: (seconds) => `Twilio מסרבת למסור את ההקלטה הזאת${next(seconds)}`,
		full: () => 'אין מקום לאחסון; ממתינה',
		ours: (seconds) => `callspool לא הצליח לשמור אותה${next(seconds)}`,
		gone: () => 'נמחקה ב־Twilio',
		ready: () => 'מוכנה',
		differs: () => 'מוכנה, המשך שונה',
		unrecorded: () => 'לא הוקלטה',
		expired: () => 'פג תוקפה',
		deleted: () => 'נמחקה',
		purged: () => 'הוסרה בתום הזמן',
	},
	arrivingPercent: (percent) => `מגיעה, ${percent}%`,
	arrivingBytes: (size) => `מגיעה, ${size} עד כה`,
	dead: (why) => `הניסיונות הופסקו אחרי 24 שע׳${why && `: ${why}`}`,
	deadAtOnce: (why) => `הניסיונות הופסקו: ${why}`,
	absent: (why) => `לא נשמרה${why && `: ${why}`}`,
	why: {
		limited: 'Twilio מגבילה אותנו', slow: 'אין תשובה מ־Twilio', broke: 'החיבור נקטע', early: 'לא נמצאה ב־Twilio', refused: 'Twilio דוחה את פרטי הגישה שלנו', full: 'אין מקום לאחסון',
		forbidden: 'Twilio מסרבת למסור את ההקלטה הזאת', unusable: 'לא התקבל קול', elsewhere: 'הכתובת שלה אינה מותרת', ours: 'callspool לא הצליח לשמור אותה', lost: 'הקובץ שלה אבד כאן',
		short: 'קצרה מדי', silent: 'שקטה', key: 'לא היה מפתח להצפנתה', failed: 'Twilio לא הצליחה לשמור אותה', locked: 'המפתח שפותח אותה אינו כאן',
	},
	recordings: (n) => forms(n, { one: 'הקלטה אחת', two: '2 הקלטות', other: `${count(n)} הקלטות` }),
	held: 'שמורה',
	always: 'תמיד',
	inHours: (n) => `בעוד ${hours(n)}`,
	inMinutes: (n) => `בעוד ${minutes(n)}`,
	backUntil: (day) => `היא תוסר ב־${day}; עד אז שמירה מפני מחיקה מחזירה אותה.`,
	keptUntil: (day) => `נשמרת עד ${day}`,

	lengthName(length) {
		const [h, m, s] = [Math.floor(length / 3600), Math.floor(length / 60) % 60, Math.floor(length) % 60];
		return [h && hours(h), m && minutes(m), (s || !(h || m)) && seconds(s)].filter(Boolean).join(' ו־');
	},
	callFrom: (number) => `שיחה מ־${number} (נכנסת)`,
	callTo: (number) => `שיחה אל ${number} (יוצאת)`,
	callOf: (sid) => `שיחה ${sid}`,
	rowFrom: (number) => `נכנסת מ־${number}`,
	rowTo: (number) => `יוצאת אל ${number}`,
	rowOf: (sid) => `שיחה ${sid}`,
	play: (call) => `השמעת ${call}`,
	pause: (call) => `השהיית ${call}`,
	retry: (call) => `ניסיון חוזר, ${call}`,
	more: (call) => `עוד, ${call}`,

	newCalls: (n) => forms(n, { one: 'שיחה חדשה', two: '2 שיחות חדשות', other: `${count(n)} שיחות חדשות` }),
	newestCalls: 'לשיחות החדשות',

	menuPlay: 'השמעה',
	menuDetails: 'פרטים',
	menuCopyNumber: 'העתקת המספר',
	menuCopySid: 'העתקת מזהה השיחה',
	menuCopyLink: 'העתקת קישור',
	menuDownload: 'הורדה',
	menuHold: 'שמירה מפני מחיקה',
	menuEndHold: 'סיום השמירה',
	menuDelete: 'מחיקה…',
	menuRetry: 'ניסיון חוזר',
	copiedNumber: 'המספר הועתק.',
	copiedSid: 'מזהה השיחה הועתק.',
	copiedLink: 'הקישור הועתק. מי שפותח אותו נכנס כאן בשמו.',
	notCopied: 'הדפדפן אינו מאפשר לעמוד הזה להעתיק.',
	nothingToRetry: 'אין מה להביא שוב.',

	failedTitle: 'לא ניתן לטעון את הרשימה',
	failedBusy: 'עומס רגעי.',
	failedAgain: (wait) => `ניסיון נוסף בעוד ${wait} שנ׳. ההאזנה נמשכת.`,
	failedRequest: 'בקשה',
	olderFailed: 'לא ניתן לטעון שיחות ישנות יותר.',
	noMatch: 'אין שיחה מתאימה',
	searched: {
		all: 'אין שיחה',
		in: 'אין שיחה נכנסת',
		out: 'אין שיחה יוצאת',
		state: { stored: 'שהקלטתה מוכנה', on_the_way: 'שהקלטתה בדרך', failed: 'שהקלטתה נכשלה', none: 'ללא הקלטה', held: 'שהקלטתה שמורה', expired: 'שפג תוקף הקלטתה', deleted: 'שהקלטתה נמחקה' },
		span: { today: 'היום', yesterday: 'אתמול', '7d': 'ב־7 הימים האחרונים', '30d': 'ב־30 הימים האחרונים' },
		since: (day) => `מ־${day}`,
		until: (day) => `עד ${day}`,
		fromTo: (from, to) => `מ־${from} עד ${to}`,
		number: (digits) => `שבאחד ממספריה ${digits}`,
		call: 'עם המזהה הזה',
	},
	without: (n) => (n === 'many' ? 'שיחות רבות מתאימות ללא המסננים.' : forms(n, { one: 'שיחה אחת מתאימה ללא המסננים.', two: '2 שיחות מתאימות ללא המסננים.', other: `${count(n)} שיחות מתאימות ללא המסננים.` })),
	searchAll: 'חיפוש בכל השיחות',
	these: {
		all: 'אלה כל השיחות.',
		match: 'אלה כל השיחות המתאימות.',
		span: { today: 'אלה כל השיחות של היום.', yesterday: 'אלה כל השיחות של אתמול.', '7d': 'אלה כל השיחות של 7 הימים האחרונים.', '30d': 'אלה כל השיחות של 30 הימים האחרונים.' },
	},
};
