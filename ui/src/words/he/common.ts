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
};
