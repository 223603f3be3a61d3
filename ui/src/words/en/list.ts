export const list: Record<string, string> = {
};
