/*
 * All words of the pages, English and Hebrew, and which of the two is shown: the one that was chosen
 * here last, else the first of the browser's that we have.
 *
 * In the HTML stands English, which stays when this does not run.
 */
const KEPT_AS = 'callspool.language';
const LANGUAGES = ['en', 'he'];
const RIGHT_TO_LEFT = ['he'];

const WORDS = {
	calls: ['Calls', 'שיחות'],
	calls_title: ['Calls · callspool', 'שיחות · callspool'],
	when: ['When', 'מתי'],
	direction: ['Direction', 'כיוון'],
	from: ['From', 'מאת'],
	to: ['To', 'אל'],
	length: ['Length', 'משך'],
	call: ['Call', 'שיחה'],
	recording: ['Recording', 'הקלטה'],
	older: ['Older calls', 'שיחות ישנות יותר'],
	loading: ['Loading…', 'בטעינה…'],
	no_calls: ['No calls yet.', 'אין עדיין שיחות.'],
	inbound: ['Inbound', 'נכנסת'],
	outbound: ['Outbound', 'יוצאת'],
	expired: ['expired', 'פג תוקפה'],
	being_recorded: ['being recorded', 'בהקלטה'],
	none: ['none', 'אין'],
	not_played: ['It could not be played.', 'אי אפשר להשמיע אותה.'],
	try_again: ['Try again', 'ניסיון חוזר'],
	server_silent: ['The server does not answer.', 'השרת אינו עונה.'],
	list_failed: ['The server does not answer: {why}', 'השרת אינו עונה: {why}'],
	unknown: ['unknown', 'לא ידוע'],
	recording_of: ['Recording of the call from {from} to {to}', 'הקלטת השיחה מאת {from} אל {to}'],

	other_language: ['עברית', 'English'],
	sign_in: ['Sign in', 'כניסה'],
	sign_in_title: ['Sign in · callspool', 'כניסה · callspool'],
	sign_out: ['Sign out', 'יציאה'],
	signed_in_as: ['Signed in as {name}', 'מחובר כ־{name}'],
	name: ['Name', 'שם'],
	password: ['Password', 'סיסמה'],
	show_password: ['Show the password', 'הצגת הסיסמה'],
	signed_out: ['You were signed out.', 'נותקת מהמערכת.'],
	nobody_signs_in: ['Nobody signs in here: callspool runs with auth = none, and answers this machine alone.',
		'אין כאן כניסה: callspool פועל עם auth = none, ועונה למחשב הזה בלבד.'],
	proxy_signs_in: ['Your organisation signs you in.', 'הכניסה נעשית דרך הארגון שלך.'],
	proxy_how: ['The proxy in front of callspool did not say who you are. Sign in there, then reload.',
		'השרת שלפני callspool לא מסר מי נכנס. יש להיכנס דרכו, ואז לטעון מחדש.'],
	reload: ['Reload', 'טעינה מחדש'],

	wrong: ['Name or password is wrong.', 'השם או הסיסמה שגויים.'],
	throttled: ['Too many tries. Again in {n} s.', 'יותר מדי ניסיונות. אפשר שוב בעוד {n} שנ׳.'],
	try_now: ['You can try again now.', 'אפשר לנסות שוב עכשיו.'],
	https_required: ['Signing in needs HTTPS. Open this page by its https:// address.',
		'הכניסה דורשת HTTPS. יש לפתוח את הדף בכתובת https://.'],
	overloaded: ['Too much at once. Try again in a few seconds.', 'עומס רגעי. אפשר לנסות שוב בעוד כמה שניות.'],
	foreign_origin: ['callspool does not know this address as its own; its public_url may differ. An administrator must mend this.',
		'callspool אינו מזהה את הכתובת הזאת כשלו; ייתכן ש־public_url שונה. נדרש מנהל מערכת.'],
	forbidden: ['You may not do this.', 'אין הרשאה לפעולה הזאת.'],
	no_answer: ['callspool does not answer.', 'callspool אינו עונה.'],
	failed: ['callspool failed. Request {id}.', 'אירעה תקלה ב־callspool. בקשה {id}.'],
	fill_in: ['Fill in name and password.', 'יש למלא שם וסיסמה.'],

	join_title: ['Invitation · callspool', 'הזמנה · callspool'],
	join: ['Choose your password', 'בחירת סיסמה'],
	join_first: ['The first administrator', 'מנהל המערכת הראשון'],
	join_name: ['Name: letters, digits and . _ @ + -', 'שם: אותיות לטיניות, ספרות ו־\u2066. _ @ + -\u2069'],
	join_name_wrong: ['Choose a name of letters, digits and . _ @ + -, of at most {n} characters.',
		'יש לבחור שם מאותיות לטיניות, ספרות ו־\u2066. _ @ + -\u2069, עד {n} תווים.'],
	join_rule: ['Long rather than clever: {min} characters or more, any characters. A few words that only you would put together are good.',
		'ארוכה עדיפה על מסובכת: {min} תווים או יותר, מכל סוג. כמה מילים שרק אתם הייתם מחברים הן סיסמה טובה.'],
	join_again: ['Password once more', 'הסיסמה שוב'],
	join_differs: ['The two passwords differ.', 'שתי הסיסמאות שונות זו מזו.'],
	join_save: ['Save', 'שמירה'],
	join_done: ['Your password is set.', 'הסיסמה נקבעה.'],
	join_spent: ['This invitation is no longer valid', 'ההזמנה אינה תקפה עוד'],
	join_spent_how: ['It was used, or its time is over. Ask an administrator for a new one.',
		'ההזמנה נוצלה או שזמנה עבר. אפשר לבקש הזמנה חדשה ממנהל המערכת.'],
	join_empty: ['The invitation is missing', 'ההזמנה חסרה'],
	join_empty_how: ['Open the whole link, with what stands behind the #. After a reload it must be opened anew.',
		'יש לפתוח את הקישור המלא, כולל מה שאחרי ה־#. לאחר טעינה מחדש יש לפתוח אותו שוב.'],
	name_taken: ['The name is taken.', 'השם תפוס.'],
	refused_too_short: ['The password is too short: at least {min} characters.', 'הסיסמה קצרה מדי: לפחות {min} תווים.'],
	refused_too_long: ['The password is too long: at most 256 characters.', 'הסיסמה ארוכה מדי: לכל היותר 256 תווים.'],
	refused_not_text: ['The password is not valid text.', 'הסיסמה אינה טקסט תקין.'],
	refused_name: ['The password is made of a name that others would guess.', 'הסיסמה מורכבת משם שאחרים ינחשו.'],
	refused_common: ['The password is one of those that are tried first.', 'הסיסמה היא מאלה שמנסים ראשונות.'],
	refused_sequence: ['The password is one character or a sequence.', 'הסיסמה היא תו אחד או רצף.'],
	refused_breached: ['The password is known from a breach of another service.', 'הסיסמה ידועה מפריצה לשירות אחר.'],

	link: ['Link', 'קישור'],
	link_address: ['Address of the link', 'כתובת הקישור'],
	link_copied: ['Link copied. It opens this recording until {until}.', 'הקישור הועתק. הוא פותח את ההקלטה הזאת, עד {until}.'],
	link_made: ['Copy this link. It opens this recording until {until}.', 'יש להעתיק את הקישור. הוא פותח את ההקלטה הזאת, עד {until}.'],
	link_title: ['Recording · callspool', 'הקלטה · callspool'],
	link_recording: ['Recording of a call', 'הקלטה של שיחה'],
	link_from_to: ['Call from {from} to {to}', 'שיחה מאת {from} אל {to}'],
	link_until: ['This link opens this recording alone, until {until}. Plays are counted.',
		'הקישור פותח את ההקלטה הזאת בלבד, עד {until}. ההשמעות נספרות.'],
	link_alone: ['This link opens this recording alone. Plays are counted.', 'הקישור פותח את ההקלטה הזאת בלבד. ההשמעות נספרות.'],
	link_expired: ['This link has expired', 'תוקפו של הקישור פג'],
	link_used_up: ['This link has been played as often as it may be', 'הקישור הושמע כמספר הפעמים המותר'],
	link_new: ['Ask the person who gave it to you for a new one.', 'אפשר לבקש קישור חדש ממי שמסר אותו.'],
	link_not_found: ['There is no such link', 'אין קישור כזה'],
	link_not_found_how: ['It was revoked, or a part of the address is missing. Open the whole link, with what stands behind the #.',
		'הקישור בוטל, או שחלק מהכתובת חסר. יש לפתוח את הקישור המלא, כולל מה שאחרי ה־#.'],
	link_gone: ['The recording is no longer here', 'ההקלטה אינה כאן עוד'],
	link_failed: ['The recording cannot be opened now', 'אי אפשר לפתוח את ההקלטה כעת'],
};

function kept() {
	try {
		return localStorage.getItem(KEPT_AS);
	} catch {
		return null; // the browser keeps nothing for us
	}
}

/* "iw" is what Java programs of old call Hebrew. */
const known = (tag) => LANGUAGES.find((language) => language === String(tag).toLowerCase().split('-')[0].replace(/^iw$/, 'he'));

export let language = known(kept()) ?? (navigator.languages ?? []).map(known).find(Boolean) ?? 'en';
const told = new Map(); // element -> { key, values }
const hearers = [];

/* What stands between two isolates is written in its own direction, whatever is around it. */
const isolated = (value) => `\u2068${value}\u2069`;

export function say(key, values = {}) {
	return WORDS[key][LANGUAGES.indexOf(language)].replace(/\{(\w+)\}/g, (_, name) => isolated(values[name] ?? ''));
}

/* The element says this from now on, in whichever language; no key: nothing. */
export function tell(element, key, values) {
	if (key) told.set(element, { key, values });
	else told.delete(element);
	element.textContent = key ? say(key, values) : '';
}

export function tellLabel(element, key) {
	element.dataset.sayLabel = key;
	element.setAttribute('aria-label', say(key));
}

/* Dates as people of that language write them. */
export const dateText = (iso, timeStyle = 'short') => new Date(iso).toLocaleString(language, { dateStyle: 'medium', timeStyle });

/* Called when the language is another one. */
export function whenTold(hearer) {
	hearers.push(hearer);
}

function tellAll() {
	const root = document.documentElement;

	root.lang = language;
	root.dir = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr';
	for (const element of document.querySelectorAll('[data-say]')) element.textContent = say(element.dataset.say);
	for (const element of document.querySelectorAll('[data-say-label]')) element.setAttribute('aria-label', say(element.dataset.sayLabel));
	for (const [element, { key, values }] of told) {
		if (element.isConnected) element.textContent = say(key, values);
		else told.delete(element);
	}
	for (const button of document.querySelectorAll('.language')) button.lang = language === 'en' ? 'he' : 'en';
	for (const hearer of hearers) hearer();
}

for (const button of document.querySelectorAll('.language')) {
	button.addEventListener('click', () => {
		language = LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];
		try {
			localStorage.setItem(KEPT_AS, language);
		} catch {
			// then it holds until the page is left
		}
		tellAll();
	});
}
tellAll();
