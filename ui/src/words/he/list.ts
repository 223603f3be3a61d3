import type { list as English } from '../en/list';

export const list: typeof English = {
};
