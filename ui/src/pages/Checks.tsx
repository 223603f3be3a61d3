// What the server found when it examined itself last, by the doctor's groups: what is wrong stands open, with the line to
// write.  Findings are in the server's words, which name files, lines and settings.
import { useState } from 'preact/hooks';
import { ask } from '../api';
import { announce, announceFailure } from '../parts/announce';
import { CopyButton } from '../parts/CopyButton';
import { errorWords } from '../parts/errors';
import { Icon } from '../parts/Icon';
import { useAllWords, type AllWords } from '../later_words';
import { groupsOf, type Check, type Group } from './checked';
import { lookAtHealth } from './condition';

const english = { lang: 'en', dir: 'ltr' } as const;

function Finding({ check }: { check: Check }) {
	const { pages } = useAllWords();
	const { says, consequence, looked_at: at, expected, write, remedy } = check;
	return (
		<div class="finding">
			<p {...english}>{says}</p>
			{consequence && <p class="note" {...english}>{consequence}</p>}
			{write ? (
				<div class="copy">
					<span class="lbl">{at ?? pages.toWrite}</span>
					<code>{write}</code>
					<CopyButton text={write} label={pages.copyLine} />
				</div>
			) : at && <p class="note mono" {...english}>{expected ? `${at} → ${expected}` : at}</p>}
			{!write && remedy && <p class="note" {...english}>{remedy}</p>}
		</div>
	);
}

const groupName = ({ name }: Group, { pages }: AllWords): string => (Object.hasOwn(pages.groups, name) ? pages.groups[name]! : name);

function GroupRow({ group }: { group: Group }) {
	const words = useAllWords();
	const { pages } = words;
	const { good, done, tone, findings, unchecked } = group;
	return (
		<li class={`chk ${{ good: 'ok', warn: 'w', bad: 'f', none: '' }[tone]}`}>
			<Icon name={({ good: 'ok', warn: 'warn', bad: 'bad', none: 'dash' } as const)[tone]} />
			<b>{groupName(group, words)}</b>
			<div>
				{findings.map((check) => <Finding key={check.check} check={check} />)}
				{findings.length === 0 && tone === 'good' && <p>{pages.groupGood}</p>}
				{unchecked.length > 0 && <p>{pages.notChecked(unchecked.length)}</p>}
				{unchecked.map(({ check, because }) => because && <p key={check} class="note" {...english}>{because}</p>)}
			</div>
			<span class="t"><bdi dir="ltr">{good} / {done}</bdi></span>
		</li>
	);
}

export function CheckNow() {
	const { pages } = useAllWords();
	const [isBusy, setBusy] = useState(false);
	const check = async (): Promise<void> => {
		setBusy(true);
		try {
			await ask('/api/health/check', { method: 'POST', body: {} });
			await lookAtHealth();
			announce(pages.checkedNow);
		} catch (error) {
			announceFailure(errorWords(error).text);
		} finally {
			setBusy(false);
		}
	};
	return <button type="button" class="btn" aria-disabled={isBusy} onClick={() => isBusy || void check()}>{isBusy ? pages.checking : pages.checkNow}</button>;
}

export function Checks({ checks }: { checks: Check[] }) {
	return <ul class="checks">{groupsOf(checks).map((group) => <GroupRow key={group.name} group={group} />)}</ul>;
}
