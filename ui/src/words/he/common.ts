import type { common as English } from '../en/common';

export const common: typeof English = {
	callspool: 'callspool',
	otherLanguage: 'English',
	loading: 'בטעינה…',
	retry: 'ניסיון חוזר',
	cancel: 'ביטול',
	close: 'סגירה',
};
