// Lanes with their heads, or why there is no sound; and what every player has beside them.
import type { ComponentChildren, VNode } from 'preact';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { useWords } from '../words';
import { sound } from './engine';
import { Lanes } from './Lanes';
import { useNote } from './Refused';
import { SideHead } from './SideHead';
import type { Lane } from './lanes_of';
import { isInTheWay } from './trouble';

export function DownloadLink({ href }: { href: string }) {
	const { player } = useWords();
	return (
		<a class="ib" href={href} download aria-label={player.download} title={player.download}>
			<Icon name="download" />
		</a>
	);
}

export function Stage({ lanes, hasButtons, laneHeight, refused, more }: { lanes: Lane[]; hasButtons: boolean; laneHeight: number; refused: VNode; more?: ComponentChildren }) {
	const { trouble } = useStore(sound);
	const note = useNote();
	if (isInTheWay(trouble)) return <div class="lanes failed">{refused}</div>;
	return (
		<div class="lanes">
			{lanes.map((lane, place) => <SideHead key={lane.name} lane={lane} place={place} hasButtons={hasButtons} />)}
			<Lanes lanes={lanes} heightPx={lanes.length > 1 ? laneHeight : laneHeight * 2} hasRuler hasLoop note={note} more={more} />
		</div>
	);
}

