// Whose call it is, and which of its recordings.
import { grouped } from '../list/numbers';
import { unknownNumber } from '../list/say';
import { MenuButton, MenuItem } from '../parts/Menu';
import { Icon } from '../parts/Icon';
import type { Recording } from '../types';
import { useWords } from '../words';
import { playRecording, type Track } from './control';
import { partiesOf, whenText } from './party';
import { durationOf, isPlayable } from './recordings';
import { lengthText } from './time';

export const Num = ({ of }: { of: string }) => <bdi class="n" dir="ltr" title={of}>{grouped(of)}</bdi>;

export function Other({ track }: { track: Track }) {
	useWords();
	const { other } = partiesOf(track.call);
	return other ? <Num of={other} /> : <>{unknownNumber(track.call, Date.now())}</>;
}

/** "Outbound · today 14:32" */
export function When({ track }: { track: Track }) {
	const { player } = useWords();
	const { isInbound } = partiesOf(track.call);
	return <>{isInbound ? player.inbound : player.outbound} · {whenText(track.call.started_at)}</>;
}

/** "from +1 415 555 0132": our end of it. */
export function Ours({ track }: { track: Track }) {
	const { player } = useWords();
	const { isInbound, ours } = partiesOf(track.call);
	if (!ours) return null;
	const [before, after] = (isInbound ? player.to : player.from)('\n').split('\n');
	return <>{before}<Num of={ours} />{after}</>;
}

function Chapter({ recording, isOn }: { recording: Recording; isOn: boolean }) {
	const { player } = useWords();
	const state = recording.state === 'stored' && !recording.expired ? player.states.stored : isPlayable(recording) ? player.states.waits : player.states.none;
	return (
		<MenuItem isChecked={isOn} onSelect={() => playRecording(recording.recording_sid)}>
			<bdi class="n" dir="ltr">{lengthText(durationOf(recording))}</bdi> · {player.channels(recording.channels)} · {state}
		</MenuItem>
	);
}

/** Which recording of how many; nothing where there is one. */
export function Chapters({ track }: { track: Track }) {
	const { player } = useWords();
	const { recordings, recordingSid } = track;
	if (recordings.length < 2) return null;
	const at = recordings.findIndex((recording) => recording.recording_sid === recordingSid);
	const text = player.recordingOf(at + 1, recordings.length);
	return (
		<MenuButton class="tg sel" label={text} menuLabel={player.recordings} side="above" button={<>{text}<Icon name="down" /></>}>
			{() => recordings.map((recording, i) => <Chapter key={recording.recording_sid} recording={recording} isOn={i === at} />)}
		</MenuButton>
	);
}

export function Ident({ track }: { track: Track }) {
	return (
		<div class="ident">
			<h2><Other track={track} /></h2>
			<p><When track={track} /></p>
			<p><Ours track={track} /></p>
			<Chapters track={track} />
		</div>
	);
}
