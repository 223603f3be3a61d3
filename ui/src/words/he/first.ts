import { ltr } from '../../isolate';
import type { first as English } from '../en/first';

const came = (n: number): string => (n === 1 ? 'הגיעה פניית webhook אחת' : `הגיעו ${ltr(n)} פניות webhook`);

export const first: typeof English = {
	noCallsYet: 'אין עדיין שיחות',
	noCallsYetHow: 'יש לומר ל־Twilio לדווח לכאן על הקלטות. מכאן ואילך כל שיחה מוקלטת מופיעה מעצמה ונשמרת עוד לפני שמבקשים אותה.',
	noCallsYetListener: 'השיחה המוקלטת הראשונה תופיע כאן מעצמה.',
	stepDone: 'בוצע',
	stepWrong: 'משהו אינו תקין',
	reachesTwilio: 'callspool מגיע אל Twilio',
	reachesTwilioDone: 'Twilio מקבלת את פרטי הגישה.',
	reachesTwilioWrong: `Twilio אינה מקבלת את פרטי הגישה, או שאי אפשר להגיע אליה: יש לבדוק את ${ltr('twilio.account_sid')} ואת ${ltr('twilio.auth_token')}.`,
	reachesTwilioOpen: 'עוד לא ידוע.',
	reportRecordings: 'דיווח על הקלטות',
	reportRecordingsHow: 'היכן שהיישום מתחיל את השיחה או את ההקלטה, יש לקבוע את שני אלה. כל ארבעת האירועים; הסיומת גורמת ל־Twilio לנסות שוב.',
	reportCalls: 'דיווח על שיחות',
	recommended: 'מומלץ',
	reportCallsHow: 'כדי שגם שיחות ללא מענה יופיעו, והמספרים ייוודעו מייד.',
	makeCall: 'ביצוע שיחה',
	copyAddress: 'העתקת הכתובת',
	copyEvents: 'העתקת האירועים',
	copyCommand: 'העתקת הפקודה',
	listening: 'בהאזנה. עוד לא הגיע webhook.',
	listeningHow: 'השורה הזאת משתנה מעצמה כש־Twilio פונה, נכון או שגוי.',
	listeningPlain: 'בהאזנה.',
	listeningPlainHow: 'השיחה הראשונה תופיע כאן מעצמה.',
	cameGood: (n) => `פניות webhook מגיעות: ${n} מאז ההפעלה.`,
	cameGoodHow: 'השיחה הראשונה תופיע כאן בעוד רגע.',
	cameRefused: {
		wrong_signature: (n) => `${came(n)}, חתומות לכתובת אחרת.`,
		no_public_url: (n) => `${came(n)}, ו־${ltr('public_url')} לא נקבע.`,
		unknown_account: (n) => `${came(n)}, מחשבון שאינו מוגדר.`,
		unsigned: (n) => `${came(n)}, ללא חתימה.`,
	},
	cameRefusedHow: {
		wrong_signature: `יש לקבוע ב־${ltr('public_url')} את הכתובת ש־Twilio פונה אליה, ולבדוק את אסימון החשבון.`,
		no_public_url: `יש לקבוע ב־${ltr('public_url')} את הכתובת ש־Twilio פונה אליה: החתימה נבדקת מולה.`,
		unknown_account: `יש לקבוע ב־${ltr('twilio.account_sid')} את החשבון שמבצע את השיחות.`,
		unsigned: `על הפרוקסי שלפני callspool להעביר את ${ltr('X-Twilio-Signature')}.`,
	},
	otherAddress: (to, expected) => `האחרונה נשלחה אל ${ltr(to)}, ו־callspool מצפה לחתימות עבור ${ltr(expected)}. יש לקבוע ב־${ltr('public_url')} את הכתובת ש־Twilio פונה אליה.`,
	sameAddress: (to) => `הן נשלחות אל ${ltr(to)}, כמו ב־${ltr('public_url')}: יש לבדוק את אסימון החשבון.`,
	haveRecordings: 'יש כבר הקלטות?',
	fromTwilio: 'מ־Twilio',
	fromFolder: 'מתיקייה',
};
