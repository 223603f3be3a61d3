// The keys of the page, and the switch for those that are single letters.
import { Dialog } from '../parts/Dialog';
import { lettersAct, setLettersAct } from '../parts/letters';
import { Switch } from '../parts/Switch';
import { useStore } from '../store';
import { useAllWords, type AllWords } from '../later_words';

type Group = keyof AllWords['pages']['keys'];
type Row<G extends Group> = [keyof AllWords['pages']['keys'][G] & string, string];

/** The keys of each line, with a blank between them. */
const GROUPS: { [G in Group]: Row<G>[] } = {
	play: [['playOrPause', 'Space'], ['tenSeconds', '← →'], ['oneSecond', '⇧← ⇧→'], ['speed', '[ ]'], ['skipSilence', 'S'], ['mute', 'M'], ['neighbours', 'P N'], ['allRecordings', 'L']],
	closely: [['loop', 'A B'], ['endLoop', 'X'], ['muteSide', '1 2'], ['onlySide', '⇧1 ⇧2'], ['zoom', '+ −'], ['copyHere', 'C']],
	list: [['rows', '↓ ↑'], ['pages', 'PgUp PgDn'], ['playRow', '↵'], ['details', 'I'], ['retry', 'R'], ['download', 'D'], ['newest', 'Home']],
	page: [['search', '/'], ['dates', 'T'], ['close', 'Esc'], ['thisList', '?']],
};

function Section({ title, rows, names }: { title: string; rows: readonly (readonly [string, string])[]; names: Record<string, string> }) {
	return (
		<section>
			<h3>{title}</h3>
			<ul>
				{rows.map(([name, keys]) => (
					<li key={name}>
						<span>{names[name]}</span>
						<bdi class="kbds" dir="ltr">{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</bdi>
					</li>
				))}
			</ul>
		</section>
	);
}

export function KeysDialog({ onClose }: { onClose(): void }) {
	const { pages } = useAllWords();
	const areKeys = useStore(lettersAct);
	const footer = (
		<>
			<span class="grow">{pages.lettersAreKeys}</span>
			<Switch label={pages.lettersAreKeys} isOn={areKeys} onChange={setLettersAct} />
		</>
	);
	return (
		<Dialog title={pages.keyboard} onClose={onClose} footer={footer}>
			<div class="keys">
				{(Object.keys(GROUPS) as Group[]).map((group) => <Section key={group} title={pages.keyGroups[group]} rows={GROUPS[group]} names={pages.keys[group]} />)}
			</div>
		</Dialog>
	);
}
