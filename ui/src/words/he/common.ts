import type { common as English } from '../en/common';

export const common: typeof English = {
	callspool: 'callspool',
	otherLanguage: 'English',
	loading: 'בטעינה…',
	retry: 'ניסיון חוזר',
	tryNow: 'ניסיון עכשיו',
	cancel: 'ביטול',
	close: 'סגירה',
	copied: 'הועתק',
	messages: 'הודעות',
	why: 'למה?',

	signOut: 'יציאה',
	account: 'חשבון',
	signedInAs: (name) => `הכניסה נעשתה בשם ${name}`,
	admin: 'ניהול',
	listener: 'האזנה',
	playNextByItself: 'השמעת השיחה הבאה מעצמה',
	nobodySignsIn: 'אין כאן כניסה: callspool פועל עם auth = none, ועונה למחשב הזה בלבד.',

	done: {
		held: 'ההקלטה שמורה, ולא תוסר עד לסיום השמירה.',
		holdEnded: 'השמירה הסתיימה.',
		deleted: 'ההקלטה נמחקה.',
		asked: 'Twilio מתבקשת שוב.',
	},
};
