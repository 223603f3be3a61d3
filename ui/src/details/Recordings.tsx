// The recordings of a call: what each is, playing it, and what can be done with it.
import { useState } from 'preact/hooks';
import { mediaOf } from '../api';
import { shownText } from '../list/say';
import { shownOf } from '../list/states';
import { Icon, PlayingBars } from '../parts/Icon';
import { MenuButton, MenuItem } from '../parts/Menu';
import { clock, dayText, size } from '../parts/format';
import { play, playing, prepare, toggle } from '../player/control';
import { CopyLink } from '../player/CopyLink';
import { mainOf } from '../player/recordings';
import { progress } from '../live';
import { may } from '../session';
import { useStore } from '../store';
import type { Arriving, Call, Recording } from '../types';
import { useAllWords, type AllWords } from '../later_words';
import { endHoldDeed } from './deeds';
import { DeleteDialog, HoldDialog, tried } from './dialogs';

const REMOVED = ['purged', 'deleted'];
const PLAYABLE = ['stored', 'queued', 'waiting'];

export const isPlayable = ({ state, expired, reason }: Recording): boolean => !expired && PLAYABLE.includes(state) && (state === 'stored' || reason?.code !== 'upstream_refused');

function keptText(recording: Recording, { details }: AllWords): string {
	const { hold, held, expires_at: until, expired } = recording;
	if (hold) return hold.by ? details.heldBy(hold.by, dayText(hold.since)) : details.heldSince(dayText(hold.since));
	if (held) return details.held;
	if (!until) return details.keptAlways;
	return expired ? details.expiredAt(dayText(until)) : details.keptUntil(dayText(until));
}

function stateText(call: Call, recording: Recording, arriving: Arriving | null): string {
	return shownText(shownOf(call, recording, arriving), null);
}

const lengthOf = ({ measured_duration: measured, duration }: Recording): number | null => measured ?? duration;

function titleText(call: Call, recording: Recording, arriving: Arriving | null, words: AllWords): string {
	const length = lengthOf(recording);
	if (recording.state !== 'stored' || recording.expired || length === null) return stateText(call, recording, arriving);
	return `${clock(length)} · ${words.details.channels(recording.channels)}`;
}

function smallText(recording: Recording, words: AllWords): string {
	const { details } = words;
	const { state, format, duration, attempts = [] } = recording;
	const isStored = state === 'stored';
	const parts = isStored
		? [format?.replace(/^audio\//, '').replace('mpeg', 'mp3').toUpperCase(), recording.size ? size(recording.size) : null, keptText(recording, words), recording.source === 'adopted' ? details.adopted : null,
			recording.duration_differs && duration !== null ? details.lengthDiffers(clock(duration)) : null]
		: [duration === null ? null : clock(duration), attempts.length > 0 ? details.triedTimes(attempts.length) : null, recording.held ? keptText(recording, words) : null];
	return parts.filter(Boolean).join(' · ');
}

interface Numbered {
	call: Call;
	recording: Recording;
	number: number;
	all: number;
}

function PlayButton({ call, recording, number, all }: Numbered) {
	const { details } = useAllWords();
	const now = useStore(playing);
	const isThis = now?.recordingSid === recording.recording_sid;
	const isOn = isThis && now.isPlaying;

	if (!isPlayable(recording)) return <span class="play none" />;
	const press = (): void => (isThis ? toggle() : play(call, { recordingSid: recording.recording_sid }));
	const get = (): void => prepare(call, recording.recording_sid);
	return (
		<button type="button" class={isThis ? 'play is' : 'play'} aria-label={isOn ? details.pauseRecording(number, all) : details.playRecording(number, all)} onPointerDown={get} onKeyDown={get} onClick={press}>
			{isOn ? <PlayingBars /> : <Icon name="play" size={14} />}
		</button>
	);
}

type Question = 'hold' | 'delete' | null;

/** The buttons of one recording: what a role may not do is absent. */
function Deeds({ call, recording, number, all, onRefused }: Numbered & { onRefused(text: string | null): void }) {
	const { details } = useAllWords();
	const [question, setQuestion] = useState<Question>(null);
	const { recording_sid: sid, state, held, expired } = recording;
	const isStored = state === 'stored' && !expired;
	const mayChange = may('change');
	const mayHold = mayChange && !REMOVED.includes(state);
	const mayDelete = mayHold && !held;
	const endHold = (): void => void tried(endHoldDeed(sid), onRefused);
	const close = (): void => setQuestion(null);

	return (
		<div class="acts">
			{isStored && (
				<a class="btn sm" href={`${mediaOf(sid)}?download=1`} download>
					<Icon name="download" />
					{details.download}
				</a>
			)}
			{isStored && <CopyLink class="btn sm" callSid={call.call_sid} recordingSid={sid} isMain={sid === mainOf(call)} all={all}>{details.copyLink}</CopyLink>}
			{mayHold && (
				<button type="button" class="btn sm" onClick={held ? endHold : () => setQuestion('hold')}>
					<Icon name="lock" />
					{held ? details.endHold : details.hold}
				</button>
			)}
			{mayDelete && (
				<MenuButton label={details.moreFor(number, all)} class="btn sm" button={<Icon name="more" />}>
					{() => <MenuItem icon="trash" isDangerous onSelect={() => setQuestion('delete')}>{details.delete}</MenuItem>}
				</MenuButton>
			)}
			{question === 'hold' && <HoldDialog recordingSid={sid} onClose={close} />}
			{question === 'delete' && <DeleteDialog recordingSid={sid} onClose={close} />}
		</div>
	);
}

function Item({ call, recording, number, all, isChosen, onChoose }: Numbered & { isChosen: boolean; onChoose(): void }) {
	const words = useAllWords();
	const arriving = useStore(progress).get(recording.recording_sid) ?? recording.arriving ?? null;
	const isArriving = recording.state !== 'stored' ? arriving : null;
	const inside = (
		<>
			{titleText(call, recording, isArriving, words)}
			<small>{smallText(recording, words)}</small>
			{recording.hold?.reason && <small>{words.details.heldBecause(recording.hold.reason)}</small>}
		</>
	);
	return (
		<li class={isChosen && all > 1 ? 'on' : ''}>
			<PlayButton call={call} recording={recording} number={number} all={all} />
			{all > 1 ? <button type="button" class="pick" aria-pressed={isChosen} onClick={onChoose}>{inside}</button> : <p class="grow">{inside}</p>}
			{isArriving?.total ? <progress class="prog" max={isArriving.total} value={isArriving.bytes} aria-hidden="true" /> : null}
			{recording.held && <Icon name="lock" />}
		</li>
	);
}

export function Recordings({ call, chosen, onChoose }: { call: Call; chosen: Recording; onChoose(recordingSid: string): void }) {
	const { details } = useAllWords();
	const [refused, setRefused] = useState<string | null>(null);
	const all = call.recordings.length;
	return (
		<section aria-label={details.recordings}>
			<h3 class="sec">{details.recordings}</h3>
			<ul class="recs">
				{call.recordings.map((recording, i) => (
					<Item key={recording.recording_sid} call={call} recording={recording} number={i + 1} all={all} isChosen={recording === chosen} onChoose={() => onChoose(recording.recording_sid)} />
				))}
			</ul>
			<Deeds key={chosen.recording_sid} call={call} recording={chosen} number={call.recordings.indexOf(chosen) + 1} all={all} onRefused={setRefused} />
			{refused && <p class="err"><Icon name="bad" /><span>{refused}</span></p>}
		</section>
	);
}

