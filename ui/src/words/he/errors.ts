import { ltr } from '../../isolate';
import type { errors as English } from '../en/errors';

const seconds = (s: number | null): string => (s ? ` ניסיון נוסף בעוד ${ltr(s)} שנ׳.` : '');
const daysText = (days: number): string => (days === 1 ? 'יום אחד' : days === 2 ? 'יומיים' : `${ltr(days)} ימים`);

export const errors: typeof English = {
	limited: (s) => `Twilio מגבילה אותנו.${seconds(s)} תושמע מעצמה ברגע שתגיע.`,
	undelivered: (s) => `Twilio לא מסרה אותה.${seconds(s)}`,
	refused: 'Twilio דוחה את פרטי הגישה של callspool. נדרש מנהל מערכת.',
	locked: 'ההקלטה מוצפנת, והמפתח שפותח אותה אינו כאן. נדרש מנהל מערכת.',
	notYet: 'אין עדיין הקלטה לשיחה.',
	notRecorded: 'השיחה לא הוקלטה.',
	absent: 'Twilio לא שמרה הקלטה: קצרה מדי או שקטה.',
	expired: (days) => `ההקלטה ישנה ממשך השמירה${days ? ` (${daysText(days)})` : ''}.`,
	deleted: 'ההקלטה נמחקה.',
	unknown: 'השיחה אינה מוכרת כאן.',
	signedOut: 'נותקת מהמערכת.',
	forbidden: 'אין הרשאה לפעולה הזאת.',
	foreignOrigin: 'callspool אינו מזהה את הכתובת הזאת כשלו; ייתכן ש־public_url שונה. נדרש מנהל מערכת.',
	conflict: 'אי אפשר לעשות זאת להקלטה במצבה הנוכחי.',
	overloaded: (s) => `עומס רגעי. ניסיון נוסף בעוד ${ltr(s)} שנ׳.`,
	failed: (request) => (request ? `אירעה תקלה ב־callspool. בקשה ${ltr(request)}.` : 'אירעה תקלה ב־callspool.'),
	noAnswer: 'callspool אינו עונה.',
	undecodable: 'הדפדפן אינו יכול להשמיע את הקובץ.',
};
