// The lanes of a phone: each with its head above it, and the times below both.
import type { ComponentChildren } from 'preact';
import { useStore } from '../store';
import { sound } from './engine';
import { Lanes } from './Lanes';
import { second } from './listening';
import { useNote } from './Refused';
import { SideHead } from './SideHead';
import type { Lane } from './lanes_of';
import { leftText, timeText } from './time';
import { useMedia } from './use';

const BAR_PX = 3;

/** Of those that ui/build.mjs names. */
function useHeight(): number {
	const isHigh = useMedia('(min-height: 800px)');
	const isLow = useMedia('(max-height: 699.98px)');
	return isHigh ? 120 : isLow ? 72 : 96;
}

function Times() {
	const nowS = useStore(second);
	const { durationS } = useStore(sound);
	return (
		<div class="times" dir="ltr">
			<span>{timeText(nowS)}</span>
			<span>{leftText(nowS, durationS)}</span>
		</div>
	);
}

export function TallLanes({ lanes, hasButtons, more }: { lanes: Lane[]; hasButtons: boolean; more?: ComponentChildren }) {
	const heightPx = useHeight();
	const said = useNote();
	return (
		<>
			{lanes.map((lane, place) => (
				<div class="lane" key={lane.name}>
					<SideHead lane={lane} place={place} hasButtons={hasButtons} />
					<Lanes lanes={lanes} shown={[place]} heightPx={heightPx} barPx={BAR_PX} hasLoop={place === 0} isSlider={place === 0} note={place === 0 ? said : null} more={place === 0 && more} />
				</div>
			))}
			<Times />
		</>
	);
}
