import type { list as English } from '../en/list';

export const list: typeof English = {
	calls: 'שיחות',
	direction: 'כיוון',
	tabs: { all: 'הכול', in: 'נכנסות', out: 'יוצאות' },
};
