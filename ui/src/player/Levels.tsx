// How loud each side is; and what has no room elsewhere.
import { useState } from 'preact/hooks';
import { Icon } from '../parts/Icon';
import { Popover } from '../parts/Popover';
import { Slider } from '../parts/Slider';
import { Switch } from '../parts/Switch';
import { useStore } from '../store';
import { useWords } from '../words';
import { LEVEL_DB } from './gains';
import { listening, setVolume } from './listening';
import type { Lane } from './lanes_of';
import { setEven, setLevel, sides } from './sides';
import { SideButtons } from './SideHead';
import { wave } from './waves';
import { nameAgent, swap, who, type Way } from './who';

const dbText = (db: number): string => (db > 0 ? `+${db}` : db < 0 ? `−${-db}` : '0');

function Level({ lane }: { lane: Lane }) {
	const { player } = useWords();
	const { db } = useStore(sides).channels[lane.channel === 0 ? 0 : 1];
	const text = player.db(dbText(db));
	return (
		<div class="level">
			<span>{player.names[lane.name]}</span>
			<Slider class="centred" label={player.levelOf[lane.name]} value={db} min={-LEVEL_DB} max={LEVEL_DB} step={1} bigStep={3} text={text} onInput={(to) => setLevel(lane.channel, to)} />
			<bdi class="n" dir="ltr">{text}</bdi>
			{lane.name !== 'both' && <span class="narrow"><SideButtons lane={lane} /></span>}
		</div>
	);
}

export function VolumeSlider() {
	const { player } = useWords();
	const { volume, isMuted } = useStore(listening);
	const percent = Math.round((isMuted ? 0 : volume) * 100);
	return <Slider class="vol" label={player.volume} value={percent} min={0} max={100} step={5} bigStep={20} text={isMuted ? player.muted : `${percent} %`} onInput={(to) => setVolume(to / 100)} />;
}

/** Who speaks on which side: the server knows, and may be wrong; or it does not. */
function Who({ way }: { way: Way }) {
	const { player } = useWords();
	const isKnown = Boolean(useStore(wave)?.sides);
	const { agent } = useStore(who)[way];
	if (isKnown) return <button type="button" class="btn sm" onClick={() => swap(way)}>{player.swap}</button>;
	return (
		<div class="agentis" role="group" aria-label={player.agentIs}>
			<span class="grow" aria-hidden="true">{player.agentIs}</span>
			{[0, 1].map((channel) => (
				<button key={channel} type="button" class="btn sm" aria-pressed={agent === channel} onClick={() => nameAgent(way, channel)}>{player.names[channel ? 'side2' : 'side1']}</button>
			))}
		</div>
	);
}

export function LevelsBox({ lanes, way }: { lanes: Lane[]; way: Way }) {
	const { player } = useWords();
	const { isEven } = useStore(sides);
	return (
		<>
			<h3>{player.levels}</h3>
			{lanes.map((lane) => <Level key={lane.channel} lane={lane} />)}
			<div class="level medium"><span>{player.volume}</span><VolumeSlider /><span /></div>
			{lanes.length > 1 && (
				<footer>
					<span class="grow">{player.even}</span>
					<Switch label={player.even} isOn={isEven} onChange={setEven} />
				</footer>
			)}
			{lanes.length > 1 && <Who way={way} />}
		</>
	);
}

export function LevelsButton({ lanes, way }: { lanes: Lane[]; way: Way }) {
	const { player } = useWords();
	const [anchor, setAnchor] = useState<HTMLElement | null>(null);
	return (
		<>
			<button type="button" class="ib" aria-label={player.levels} title={player.levels} aria-haspopup="dialog" aria-expanded={anchor !== null}
				onClick={(event) => setAnchor(anchor ? null : event.currentTarget)}>
				<Icon name="sliders" />
			</button>
			{anchor && (
				<Popover class="levels" anchor={anchor} label={player.levels} side="above" align="end" onClose={() => setAnchor(null)}>
					<LevelsBox lanes={lanes} way={way} />
				</Popover>
			)}
		</>
	);
}
