import type { pages as English } from '../en/pages';

export const pages: typeof English = {
};
