export const details: Record<string, string> = {
};
