// The head of a lane: who it is, mute, only.
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { useWords } from '../words';
import type { Lane } from './lanes_of';
import { sides, toggleOnly, toggleSide } from './sides';

export function SideButtons({ lane }: { lane: Lane }) {
	const { player } = useWords();
	const side = useStore(sides).channels[lane.channel === 0 ? 0 : 1];
	return (
		<>
			<button type="button" class="ib" aria-label={player.muteOf[lane.name]} title={player.muteOf[lane.name]} aria-pressed={side.isMuted} onClick={() => toggleSide(lane.channel)}>
				<Icon name={side.isMuted ? 'mute' : 'volume'} />
			</button>
			<button type="button" class="ib" aria-label={player.onlyOf[lane.name]} title={player.onlyOf[lane.name]} aria-pressed={side.isSolo} onClick={() => toggleOnly(lane.channel)}>
				<Icon name="solo" />
			</button>
		</>
	);
}

/** One lane has nobody to be told from: no buttons. */
export function SideHead({ lane, place, hasButtons }: { lane: Lane; place: number; hasButtons: boolean }) {
	const { player } = useWords();
	return (
		<div class="lh">
			<span class="lab"><i class={place ? 'customer' : 'agent'} />{player.names[lane.name]}</span>
			{hasButtons && lane.name !== 'both' && <SideButtons lane={lane} />}
		</div>
	);
}
