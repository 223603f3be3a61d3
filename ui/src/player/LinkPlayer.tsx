// The player of the page of a link: one recording, by the addresses of the link.
import { useEffect } from 'preact/hooks';
import type { ApiError } from '../api';
import { useStore } from '../store';
import { audio } from './audio';
import { load, sound, toggleSound, type Source } from './engine';
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
