// Where there is no waveform: a flat track a side, played, here, and what is still to come.
import { useStore } from '../store';
import { size } from '../parts/format';
import { useWords } from '../words';
import { arriving as arrivingNow, sound } from './engine';
import type { Lane } from './lanes_of';

interface TracksProps {
	lanes: Lane[];
	shown: number[];
	heightPx: number;
	hasNote: boolean;
}

/** From there on the words have no room behind what is here. */
const LATE = 0.6;

export function Tracks({ lanes, shown, heightPx, hasNote }: TracksProps) {
	const { player } = useWords();
	const { source } = useStore(sound);
	const arriving = useStore(arrivingNow);
	const isArriving = source?.isArriving ?? false;
	const part = !isArriving ? 1 : arriving?.total ? arriving.bytes / arriving.total : 0;
	const here = `${Math.min(1, part) * 100}%`;
	const text = arriving?.total ? player.arriving(`${Math.floor(part * 100)} %`) : arriving && player.arrivingSoFar(size(arriving.bytes));
	return (
		<div class="tracks">
			{shown.map((place) => (
				<div key={lanes[place]?.channel} class={`track ${place ? 'customer' : 'agent'}`} style={{ height: `${heightPx}px`, '--here': here }}>
					<i class="rest" />
					<i class="played" />
				</div>
			))}
			{isArriving && hasNote && text && <div class={part > LATE ? 'notyet late' : 'notyet'} style={{ left: here }}><span>{text}</span></div>}
		</div>
	);
}
