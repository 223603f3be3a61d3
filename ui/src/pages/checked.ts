// The checks of the doctor, as the server tells of them, by group.

export interface Check {
	group: string;
	check: string;
	result: 'good' | 'finding' | 'unchecked' | 'left_out';
	/** Of a finding. */
	severity?: 'breaks' | 'weakens';
	says?: string;
	/** FILE:LINE, or an address. */
	looked_at?: string | null;
	expected?: string | null;
	consequence?: string;
	/** The line to write. */
	write?: string | null;
	remedy?: string;
	/** Of one that could not be checked. */
	because?: string | null;
}

export interface Checked {
	checked_at: string;
	verdict: 'good' | 'findings' | 'unchecked';
	good: number;
	findings: number;
	unchecked: number;
	checks: Check[];
}

export interface Group {
	name: string;
	good: number;
	/** Those that do not apply here are not counted. */
	done: number;
	tone: 'good' | 'warn' | 'bad' | 'none';
	/** What breaks first. */
	findings: Check[];
	unchecked: Check[];
}

function toneOf(findings: Check[], unchecked: Check[], good: number): Group['tone'] {
	if (findings.some(({ severity }) => severity === 'breaks')) return 'bad';
	if (findings.length || unchecked.length) return 'warn';
	return good ? 'good' : 'none';
}

/** In the order in which the server tells of them. */
export function groupsOf(checks: Check[]): Group[] {
	const names = [...new Set(checks.map(({ group }) => group))];
	return names.map((name) => {
		const of = (result: Check['result']): Check[] => checks.filter((check) => check.group === name && check.result === result);
		const [good, unchecked] = [of('good').length, of('unchecked')];
		const findings = of('finding').sort((a, b) => Number(b.severity === 'breaks') - Number(a.severity === 'breaks'));
		return { name, good, done: good + findings.length + unchecked.length, tone: toneOf(findings, unchecked, good), findings, unchecked };
	});
}
