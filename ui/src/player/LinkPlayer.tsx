// The player of the page of a link: one recording, by the addresses of the link.
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { useStore } from '../store';
import { audio } from './audio';
import { ended, load, sound, start, toggleSound, type Source } from './engine';
import { VolumeSlider } from './Levels';
import { Refused } from './Refused';
import { startKeys } from './keys';
import { lanesOf } from './lanes_of';
import { shownLanes } from './sides';
import { DownloadLink, Stage } from './Stage';
import { TallLanes } from './TallLanes';
import { LoopButton, Middle, SkipButton, SpeedButton, TimeButton } from './Transport';
import { isInTheWay } from './trouble';
import { useMedia } from './use';
import { wave } from './waves';

export interface LinkPlayerProps {
	/** The link's name. */
	id: string;
	media: string;
	waveform: string;
	/** Where heard ranges are told. */
	heard: string;
	/** null: the link does not say. */
	durationS: number | null;
	channels?: number;
	/** Seconds to begin at. */
	at?: number;
	/** Left out: nobody may keep it. */
	download?: string;
	/** What the server answers to a play: a link may be over. */
	onRefused?(error: ApiError): void;
}

/** Where one presses Play first is where a play is counted: until then nothing of the sound is asked for. */
function useSource({ id, media, waveform, heard, durationS, at = 0 }: LinkPlayerProps): void {
	useEffect(() => {
		const source: Source = { id, media, waveform, heard, durationS };
		if (sound.value.source?.id === id) return; // another part of the call: it plays already
		audio.preload = 'none';
		load(source, at);
	}, [id, media, waveform]);
}

export function LinkPlayer(props: LinkPlayerProps) {
	const { download, channels = 1, onRefused } = props;
	const isPhone = useMedia('(max-width: 719.98px)');
	const now = useStore(wave);
	const { trouble } = useStore(sound);
	const lanes = lanesOf(now?.lanes.length ?? channels, now?.sides);
	const refused = <Refused download={download ?? null} />;
	useSource(props);
	useEffect(() => shownLanes.set(lanes));
	useEffect(startKeys, []);
	useEffect(() => {
		if (trouble?.kind === 'refused') onRefused?.(trouble.error);
	}, [trouble]);

	if (isPhone) {
		return (
			<>
				{isInTheWay(trouble) ? <div class="lane">{refused}</div> : <TallLanes lanes={lanes} hasButtons={false} />}
				<div class="tr" dir="ltr"><Middle onPress={toggleSound} size={28} tenSize={34} /></div>
				<div class="opts">
					<SpeedButton class="" isTall />
					<SkipButton class="" />
					<LoopButton class="" isTall />
				</div>
			</>
		);
	}
	return (
		<div class="linkplayer">
			<Stage lanes={lanes} hasButtons={false} laneHeight={48} refused={refused} />
			<div class="trans">
				<div><TimeButton /><span class="sep" /><SpeedButton /><SkipButton /></div>
				<div class="c" dir="ltr"><Middle onPress={toggleSound} /></div>
				<div class="e"><LoopButton /><span class="sep" /><VolumeSlider />{download && <DownloadLink href={download} />}</div>
			</div>
		</div>
	);
}

/** What a list of parts shows of the sound, and does to it. */
export interface PartsSound {
	isPlaying: boolean;
	toggle(): void;
	play(index: number): void;
}

export interface PartsPlayerProps {
	sources: Pick<LinkPlayerProps, 'id' | 'media' | 'waveform' | 'heard' | 'durationS' | 'download'>[];
	/** Which one it begins with, and where. */
	first: number;
	fromS: number;
	/** Which one is in the player. */
	onAt(index: number): void;
	onSound(sound: PartsSound): void;
	onRefused(error: ApiError): void;
}

/** Several sources of which one plays after the other. */
export function PartsPlayer({ sources, first, fromS, onAt, onSound, onRefused }: PartsPlayerProps) {
	const [at, setAt] = useState(first);
	const { isWanted } = useStore(sound);
	const source = sources[at]!;
	const go = (index: number): void => {
		const { id, media, waveform, heard, durationS } = sources[index]!;
		load({ id, media, waveform, heard, durationS });
		start();
		setAt(index);
	};

	useEffect(() => onAt(at), [at]);
	useEffect(() => onSound({ isPlaying: isWanted, toggle: toggleSound, play: go }), [isWanted]);
	useEffect(() => {
		const over = ({ id }: Source): void => {
			const next = sources.findIndex((one) => one.id === id) + 1;
			if (next > 0 && next < sources.length) go(next);
		};
		ended.add(over);
		return () => void ended.delete(over);
	}, []);
	return <LinkPlayer {...source} at={at === first ? fromS : 0} onRefused={onRefused} />;
}
