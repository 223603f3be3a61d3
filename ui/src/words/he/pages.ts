import { first } from './first';
import { health } from './health';
import { keys } from './keys';
import { ltr } from '../../isolate';
import type { pages as English } from '../en/pages';

const tries = (n: number): string => (n === 1 ? 'נותר ניסיון אחד' : `נותרו ${ltr(n)} ניסיונות`);

export const pages: typeof English = {
	...health,
	...first,
	...keys,

	signIn: 'כניסה',
	name: 'שם',
	password: 'סיסמה',
	showPassword: 'הצגת הסיסמה',
	wrong: (left) => `השם או הסיסמה שגויים.${left ? ` ${tries(left)} לפני המתנה.` : ''}`,
	throttled: (s) => `יותר מדי ניסיונות. אפשר שוב בעוד ${ltr(s)} שנ׳.`,
	accountLocked: 'החשבון ננעל אחרי יותר מדי ניסיונות. אפשר להיכנס מדפדפן שכבר שימש לכניסה, או לבקש ממנהל המערכת לאפס את הסיסמה.',
	tryAgainNow: 'אפשר לנסות שוב עכשיו.',
	noCookie: 'הדפדפן אינו שומר עוגייה לדף הזה, ובלעדיה הכניסה אינה נשמרת. יש לאפשר אותה ולהיכנס שוב.',
	httpsRequired: 'הכניסה דורשת HTTPS. יש לפתוח את הדף בכתובת https://.',
	overloaded: 'עומס רגעי. אפשר לנסות שוב בעוד כמה שניות.',
	fillIn: 'יש למלא שם וסיסמה.',
	proxySignsIn: 'הכניסה נעשית דרך הארגון שלך.',
	proxyHow: 'השרת שלפני callspool לא מסר מי נכנס. יש להיכנס דרכו, ואז לטעון מחדש.',
	reload: 'טעינה מחדש',


	joinTitle: 'הזמנה · callspool',
	join: 'בחירת סיסמה',
	joinFirst: 'מנהל המערכת הראשון',
	joinName: 'שם: אותיות לטיניות, ספרות ו־\u2066. _ @ + -\u2069',
	joinNameWrong: (max) => `יש לבחור שם מאותיות לטיניות, ספרות ו־\u2066. _ @ + -\u2069, עד ${max} תווים.`,
	joinRule: (min) => `ארוכה עדיפה על מסובכת: ${min} תווים או יותר, מכל סוג. כמה מילים שרק אתם הייתם מחברים הן סיסמה טובה.`,
	joinAgain: 'הסיסמה שוב',
	joinDiffers: 'שתי הסיסמאות שונות זו מזו.',
	joinSave: 'שמירה',
	joinDone: 'הסיסמה נקבעה.',
	joinSpent: 'ההזמנה אינה תקפה עוד',
	joinSpentHow: 'ההזמנה נוצלה או שזמנה עבר. אפשר לבקש הזמנה חדשה ממנהל המערכת.',
	joinEmpty: 'ההזמנה חסרה',
	joinEmptyHow: 'יש לפתוח את הקישור המלא, כולל מה שאחרי ה־#. לאחר טעינה מחדש יש לפתוח אותו שוב.',
	nameTaken: 'השם תפוס.',
	passwordRefused: {
		too_short: (min) => `הסיסמה קצרה מדי: לפחות ${min} תווים.`,
		too_long: () => 'הסיסמה ארוכה מדי: לכל היותר 256 תווים.',
		not_text: () => 'הסיסמה אינה טקסט תקין.',
		name: () => 'הסיסמה מורכבת משם שאחרים ינחשו.',
		common: () => 'הסיסמה היא מאלה שמנסים ראשונות.',
		sequence: () => 'הסיסמה היא תו אחד או רצף.',
		breached: () => 'הסיסמה ידועה מפריצה לשירות אחר.',
	},

	linkTitle: 'הקלטה · callspool',
	linkRecording: 'הקלטה של שיחה',
	linkFromTo: (from, to) => `שיחה מאת ${ltr(from)} אל ${ltr(to)}`,
	linkUntil: (until) => `הקישור פותח את ההקלטה הזאת בלבד, עד ${until}. ההשמעות נספרות.`,
	linkAlone: 'הקישור פותח את ההקלטה הזאת בלבד. ההשמעות נספרות.',
	linkRecordings: 'הקלטות של שיחה',
	linkParts: 'הקלטות',
	linkPart: (n, all) => `הקלטה ${ltr(n)} מתוך ${ltr(all)}`,
	linkPlayPart: (n) => `השמעת הקלטה ${n}`,
	linkPausePart: (n) => `השהיית הקלטה ${n}`,
	linkWholeUntil: (until) => `הקישור פותח את הקלטות השיחה הזאת בלבד, עד ${until}. ההשמעות נספרות.`,
	linkWhole: 'הקישור פותח את הקלטות השיחה הזאת בלבד. ההשמעות נספרות.',
	linkExpired: 'תוקפו של הקישור פג',
	linkUsedUp: 'הקישור הושמע כמספר הפעמים המותר',
	linkNew: 'אפשר לבקש קישור חדש ממי שמסר אותו.',
	linkNotFound: 'אין קישור כזה',
	linkNotFoundHow: 'הקישור בוטל, או שחלק מהכתובת חסר. יש לפתוח את הקישור המלא, כולל מה שאחרי ה־#.',
	linkGone: 'ההקלטה אינה כאן עוד',
	linkFailed: 'אי אפשר לפתוח את ההקלטה כעת',
	outbound: 'יוצאת',
	inbound: 'נכנסת',
};
