// Numbers of things.
const rules = { en: new Intl.PluralRules('en'), he: new Intl.PluralRules('he') };

export interface Forms {
	one: string;
	two?: string;
	/** With the number in it. */
	other: string;
}

export function plural(language: 'en' | 'he', count: number, { one, two, other }: Forms): string {
	const form = rules[language].select(count);
	if (form === 'one') return one;
	return form === 'two' && two ? two : other;
}
