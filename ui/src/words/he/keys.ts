import type { keys as English } from '../en/keys';

export const keys: typeof English = {
	keyboard: 'מקלדת',
	lettersAreKeys: 'אותיות בודדות פועלות כמקשים',
	keyGroups: { play: 'השמעה', closely: 'האזנה מדוקדקת', list: 'רשימה', page: 'עמוד' },
	keys: {
		play: {
			playOrPause: 'השמעה או השהיה', tenSeconds: '10 שנ׳ אחורה, קדימה', oneSecond: 'שנייה אחורה, קדימה', speed: 'לאט יותר, מהר יותר', skipSilence: 'דילוג על שקט', mute: 'השתקה',
			neighbours: 'שיחה קודמת, הבאה', allRecordings: 'כל ההקלטות של השיחה',
		},
		closely: {
			loop: 'לולאה מכאן, עד כאן', endLoop: 'סיום הלולאה', muteSide: 'השתקת נציג, לקוח', onlySide: 'רק נציג, רק לקוח', zoom: 'הגדלה, הקטנה', copyHere: 'העתקת קישור לרגע הזה',
		},
		list: { rows: 'למטה, למעלה', pages: 'עמוד למעלה, למטה', playRow: 'השמעת השיחה', details: 'פרטים', retry: 'ניסיון חוזר', download: 'הורדה', newest: 'השיחות החדשות' },
		page: { search: 'חיפוש', dates: 'תאריכים', close: 'סגירה', thisList: 'הרשימה הזאת' },
	},
};
