// The recordings of a call whose link opens all of them: one plays after the other, like chapters.
import { useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { lazy } from '../frame/lazy';
import { ltr } from '../isolate';
import { clock } from '../parts/format';
import { Icon, PlayingBars } from '../parts/Icon';
import { useAllWords } from '../later_words';
import type { PartsSound } from '../player/LinkPlayer';
import { partAddresses, type Part } from './opened';

const PartsPlayer = lazy(() => import('../player/LinkPlayer').then((module) => module.PartsPlayer));

interface Props {
	name: string;
	parts: Part[];
	/** Which one it begins with, and where, in seconds. */
	first: number;
	fromS: number;
	onRefused(error: ApiError): void;
}

const timeOf = (startedAt: string | null): string => (startedAt ? ltr(new Date(startedAt).toTimeString().slice(0, 5)) : '');

function PartItem({ part, index, all, isOn, isPlaying, onPress }: { part: Part; index: number; all: number; isOn: boolean; isPlaying: boolean; onPress(): void }) {
	const { pages } = useAllWords();
	return (
		<li class={isOn ? 'on' : ''} aria-current={isOn ? 'true' : undefined}>
			<button type="button" class={isOn ? 'play is' : 'play'} aria-label={isPlaying ? pages.linkPausePart(index + 1) : pages.linkPlayPart(index + 1)} onClick={onPress}>
				{isPlaying ? <PlayingBars /> : <Icon name="play" size={14} />}
			</button>
			<p class="grow">
				{pages.linkPart(index + 1, all)}
				<small>{[timeOf(part.started_at), part.duration ? ltr(clock(part.duration)) : ''].filter(Boolean).join(' · ')}</small>
			</p>
		</li>
	);
}

export function LinkParts({ name, parts, first, fromS, onRefused }: Props) {
	const { pages } = useAllWords();
	const [at, setAt] = useState(first);
	const [sound, setSound] = useState<PartsSound | null>(null);
	const pressed = useRef<number | null>(null); // before the player was here

	const take = (told: PartsSound): void => {
		setSound(told);
		if (pressed.current !== null) told.play(pressed.current);
		pressed.current = null;
	};
	const press = (index: number): void => {
		if (!sound) pressed.current = index;
		else if (index === at) sound.toggle();
		else sound.play(index);
	};
	const startS = fromS < (parts[first]!.duration ?? Infinity) ? fromS : 0;
	return (
		<>
			<PartsPlayer sources={parts.map((part) => partAddresses(name, part))} first={first} fromS={startS} onAt={setAt} onSound={take} onRefused={onRefused} />
			{parts.length > 1 && <ul class="recs parts" aria-label={pages.linkParts}>
				{parts.map((part, i) => <PartItem key={part.recording_sid} part={part} index={i} all={parts.length} isOn={i === at} isPlaying={i === at && (sound?.isPlaying ?? false)} onPress={() => press(i)} />)}
			</ul>}
		</>
	);
}
