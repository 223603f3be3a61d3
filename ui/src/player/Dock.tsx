// The docked player, full and small.
import { useEffect } from 'preact/hooks';
import { keep, kept } from '../chosen';
import { keptDays } from '../list/say';
import { Icon } from '../parts/Icon';
import { session } from '../session';
import { store, useStore } from '../store';
import { useWords } from '../words';
import { go } from '../view';
import { goOn, neighbour, offer, playNeighbour, recordingOf, toggle, track, type Track } from './control';
import { CopyLink } from './CopyLink';
import { sound } from './engine';
import { Chapters, Ident, Other } from './Ident';
import { Lanes } from './Lanes';
import { LevelsButton, VolumeSlider } from './Levels';
import { linkedOf } from './links';
import { Refused, useNote } from './Refused';
import { lanesOf, type Lane } from './lanes_of';
import { shownLanes } from './sides';
import { DownloadLink, Stage } from './Stage';
import { timeText } from './time';
import { LoopButton, Middle, SkipButton, SpeedButton, TimeButton } from './Transport';
import { isInTheWay } from './trouble';
import { wave } from './waves';
import { wayOf, who } from './who';

export interface PlayerProps {
	onWhy(callSid: string): void;
}

const LOW_PX = 640;
const LANE_PX = 36;
const SMALL_LANE_PX = 24;

const isSmall = store(kept('small-player') === null ? innerHeight < LOW_PX : kept('small-player') === 'on');

function setSmall(small: boolean): void {
	keep('small-player', small ? 'on' : 'off');
	isSmall.set(small);
}

/** Who is heard where, from above. */
export function useLanes(held: Track): Lane[] {
	const now = useStore(wave);
	const said = useStore(who)[wayOf(held.call.direction)];
	const channels = now?.lanes.length ?? recordingOf(held)?.channels ?? 1;
	const lanes = lanesOf(channels, now?.sides, said);
	useEffect(() => shownLanes.set(lanes));
	return lanes;
}

export const mediaAddress = (held: Track): string => `/api/recordings/${held.recordingSid}/media?download=1`;

export function GoOn() {
	const { player } = useWords();
	const timeS = useStore(offer);
	if (timeS === null) return null;
	return <button type="button" class="btn sm goon" onClick={goOn}>{player.goOn(timeText(timeS))}</button>;
}

export function NeighbourButton({ way, size = 16 }: { way: 'next' | 'previous'; size?: number }) {
	const { player } = useWords();
	return (
		<button type="button" class="ib" aria-label={player[way]} title={player[way]} disabled={!neighbour(way)} onClick={() => playNeighbour(way)}>
			<Icon name={way} size={size} />
		</button>
	);
}

function SmallButton() {
	const { player } = useWords();
	const small = useStore(isSmall);
	return (
		<button type="button" class="ib small" aria-label={player.small} title={small ? player.full : player.small} aria-pressed={small} onClick={() => setSmall(!small)}>
			<Icon name={small ? 'grow' : 'shrink'} />
		</button>
	);
}

function Controls({ held, lanes }: { held: Track; lanes: Lane[] }) {
	return (
		<div class="trans">
			<div>
				<TimeButton />
				<span class="sep" />
				<SpeedButton />
				<SkipButton />
			</div>
			<div class="c" dir="ltr">
				<Middle onPress={toggle} before={<NeighbourButton way="previous" />} after={<NeighbourButton way="next" />} />
			</div>
			<div class="e">
				<LoopButton />
				<LevelsButton lanes={lanes} way={wayOf(held.call.direction)} />
				<span class="sep wide" />
				<VolumeSlider />
				<span class="sep" />
				<CopyLink {...linkedOf(held)} />
				<DownloadLink href={mediaAddress(held)} />
				<SmallButton />
			</div>
		</div>
	);
}

export function useRefused(held: Track, onWhy: PlayerProps['onWhy']) {
	const isAdmin = useStore(session)?.user?.role === 'admin';
	const recording = recordingOf(held);
	return <Refused onWhy={() => onWhy(held.call.call_sid)} onHealth={isAdmin ? () => go({ page: 'health' }) : undefined} download={mediaAddress(held)} days={recording ? keptDays(recording) : null} />;
}

function Full({ held, onWhy }: { held: Track } & PlayerProps) {
	const lanes = useLanes(held);
	return (
		<div class="pgrid">
			<Ident track={held} />
			<div>
				<Stage lanes={lanes} hasButtons laneHeight={LANE_PX} refused={useRefused(held, onWhy)} more={<GoOn />} />
				<Controls held={held} lanes={lanes} />
			</div>
		</div>
	);
}

/** One line: what plays, one lane, the most needed. */
function Small({ held, onWhy }: { held: Track } & PlayerProps) {
	const lanes = useLanes(held);
	const { trouble } = useStore(sound);
	const note = useNote();
	const refused = useRefused(held, onWhy);
	return (
		<div class="psmall">
			<div class="c" dir="ltr">
				<Middle onPress={toggle} before={<NeighbourButton way="previous" />} after={<NeighbourButton way="next" />} />
			</div>
			<h2><Other track={held} /></h2>
			<TimeButton />
			<div class="grow">{isInTheWay(trouble) ? refused : <Lanes lanes={lanes} shown={[0]} isMixed heightPx={SMALL_LANE_PX} note={note} more={<GoOn />} />}</div>
			<Chapters track={held} />
			<SpeedButton />
			<SkipButton />
			<SmallButton />
		</div>
	);
}

export function Dock({ onWhy }: PlayerProps) {
	const { player } = useWords();
	const held = useStore(track);
	const small = useStore(isSmall);
	useEffect(() => {
		const fit = (): void => {
			if (kept('small-player') === null) isSmall.set(innerHeight < LOW_PX);
		};
		addEventListener('resize', fit);
		return () => removeEventListener('resize', fit);
	}, []);
	if (!held) return null;
	return (
		<section class={small ? 'player small' : 'player'} id="player" aria-label={player.region} tabIndex={-1}>
			{small ? <Small held={held} onWhy={onWhy} /> : <Full held={held} onWhy={onWhy} />}
		</section>
	);
}
