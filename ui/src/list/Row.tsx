// One call.  What is pressed in it is told by data-do, and the list hears it: rows have no listeners of their own.
import { Component } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { serverNow } from '../api';
import { ltr } from '../isolate';
import { connection, progress, type Connection } from '../live';
import { clock } from '../parts/format';
import { Icon, PlayingBars, type IconName } from '../parts/Icon';
import { may } from '../session';
import { useStore, type Store } from '../store';
import type { Arriving, Call } from '../types';
import { words } from '../words';
import { second } from './clock';
import { dayOf, minuteOf, secondOf, shifted } from './dates';
import { grouped, parts } from './numbers';
import { callName, expiredText, isInbound, keptOf, otherNumber, rowName, shownText, statusText, unknownNumber, type Kept } from './say';
import { isOver, mainOf, shownOf, type Shown } from './states';

export type Sound = 'none' | 'paused' | 'playing' | 'busy';

export interface RowProps {
	call: Call;
	/** aria-rowindex. */
	place: number;
	top: number;
	isCurrent: boolean;
	isSelected: boolean;
	isFresh: boolean;
	isPhone: boolean;
	sound: Sound;
	/** The day it is. */
	today: string;
	language: string;
}

const NOTHING: Store<number> = { value: 0, set: () => {}, listen: () => () => {} };
const LIVE: Store<Connection> = { value: { isLive: true, offlineSince: null }, set: () => {}, listen: () => () => {} };

/** The server's time, each second; null: nothing is counted, or it cannot be known what became of it. */
function useNow(isCounting: boolean): number | null {
	const now = useStore(isCounting ? second : NOTHING);
	const { offlineSince } = useStore(isCounting ? connection : LIVE);
	return isCounting && offlineSince === null ? now : null;
}

/** Drawn anew only when this recording's bytes change. */
function useArriving(recordingSid: string | undefined): Arriving | null {
	const [arriving, setArriving] = useState<Arriving | null>(null);
	useEffect(() => {
		const look = (map: ReadonlyMap<string, Arriving>): void => setArriving((recordingSid && map.get(recordingSid)) || null);
		look(progress.value);
		return progress.listen(look);
	}, [recordingSid]);
	return arriving;
}

const ICONS: Partial<Record<Shown['kind'], IconName>> = {
	recording: 'recording', paused: 'recording', announced: 'clock', queued: 'clock', limited: 'clock', slow: 'clock', broke: 'clock', early: 'clock', undelivered: 'clock', ours: 'clock', refused: 'bad', forbidden: 'bad', full: 'bad',
	gone: 'bad', dead: 'bad',
};
const TONES: Record<Shown['tone'], string> = { usual: 'ok', plain: '', live: 'live', warn: 'warn', bad: 'bad', off: 'off' };

function Bar({ arriving }: { arriving: Arriving }) {
	const part = arriving.total ? Math.min(1, arriving.bytes / arriving.total) : 0;
	return (
		<span class={arriving.total ? 'prog' : 'prog unknown'}>
			<i ref={(element) => element?.style.setProperty('inline-size', `${part * 100}%`)} />
		</span>
	);
}

function RecordingState({ call, isCurrent, role }: { call: Call; isCurrent: boolean; role?: 'gridcell' }) {
	const { list, common } = words();
	const recording = mainOf(call);
	const shown = shownOf(call, recording, useArriving(recording?.recording_sid));
	const text = shownText(shown, useNow(shown.nextTryAt !== null));
	const title = shown.kind === 'expired' ? expiredText(recording!, serverNow()) : text.length > 24 ? text : undefined;
	const icon = ICONS[shown.kind];
	return (
		<span class={`rec ${TONES[shown.tone]}`} role={role}>
			{icon && <Icon name={icon} />}
			{shown.arriving && <Bar arriving={shown.arriving} />}
			<span title={title}>{text}</span>
			{call.recording_count > 1 && <span class="pill">{list.recordings(call.recording_count)}</span>}
			{shown.slot === 'retry' && may('change') && (
				<button type="button" class="btn sm danger" data-do="retry" tabIndex={isCurrent ? 0 : -1} aria-label={list.retry(callName(call))}>
					{common.retry}
				</button>
			)}
		</span>
	);
}

function Number({ call, of, isOther }: { call: Call; of: string | null; isOther: boolean }) {
	if (!of) return <span class="num dim"><span class="a">{unknownNumber(call, serverNow())}</span></span>;
	const [start, end] = parts(grouped(of));
	return (
		<bdi class={isOther ? 'num them' : 'num'} dir="ltr" title={end ? of : undefined}>
			{end ? <span class="a">{start}</span> : start}
			{end && <span class="z">{end}</span>}
		</bdi>
	);
}

function PlayButton({ call, shown, sound, isCurrent, isPhone }: RowProps & { shown: Shown }) {
	const { list } = words();
	const shared = { type: 'button', tabIndex: isCurrent ? 0 : -1 } as const;
	const size = isPhone ? 16 : 14;
	if (sound !== 'none') {
		const isOn = sound !== 'paused';
		return (
			<button {...shared} class={sound === 'busy' ? 'play is busy' : 'play is'} data-do="play" aria-label={(isOn ? list.pause : list.play)(callName(call))}>
				{sound === 'playing' ? <PlayingBars /> : <Icon name="play" size={size} />}
			</button>
		);
	}
	if (shown.slot === 'play' && may('play')) {
		return <button {...shared} class="play" data-do="play" aria-label={list.play(callName(call))}><Icon name="play" size={size} /></button>;
	}
	if (isPhone && shown.slot === 'retry' && may('change')) {
		return <button {...shared} class="play again" data-do="retry" aria-label={list.retry(callName(call))}><Icon name="retry" /></button>;
	}
	return null;
}

function KeptCell({ kept }: { kept: Kept | null }) {
	return (
		<span class={`c-keep keep ${kept?.tone ?? ''}`} role="gridcell">
			{kept?.tone === 'held' && <Icon name="lock" />}
			{kept?.text}
		</span>
	);
}

const QUIET = ['completed', 'queued', 'initiated'];
const statusClass = (status: string | null): string => (status === null || QUIET.includes(status) ? 'c-status dim' : 'c-status');

function Direction({ call }: { call: Call }) {
	const { list } = words();
	if (!call.direction) return null;
	return <span class="arrow" title={isInbound(call) ? list.inbound : list.outbound}><Icon name={isInbound(call) ? 'in' : 'out'} /></span>;
}

function MoreButton({ call, isCurrent }: RowProps) {
	return (
		<button type="button" class="ib more" data-do="more" tabIndex={isCurrent ? 0 : -1} aria-haspopup="menu" aria-label={words().list.more(callName(call))}>
			<Icon name="more" />
		</button>
	);
}

interface InsideProps extends RowProps {
	shown: Shown;
	kept: Kept | null;
}

function Wide(props: InsideProps) {
	const { call, kept } = props;
	const date = new Date(call.started_at);
	const isFrom = isInbound(call) || !call.direction;
	return (
		<>
			<span role="gridcell"><PlayButton {...props} /></span>
			<span class="when n" role="gridcell">{minuteOf(date)}<small>{secondOf(date)}</small></span>
			<span class="dir" role="gridcell"><Direction call={call} /></span>
			<span class={isFrom ? 'party' : 'party c-own'} role="gridcell"><Number call={call} of={call.from} isOther={isFrom} /></span>
			<span class={isFrom ? 'party c-own' : 'party'} role="gridcell"><Number call={call} of={call.to} isOther={!isFrom} /></span>
			<span class="r n" role="gridcell">{call.duration === null ? '' : clock(call.duration)}</span>
			<span class={statusClass(call.status)} role="gridcell">{statusText(call.status)}</span>
			<RecordingState call={call} isCurrent={props.isCurrent} role="gridcell" />
			<KeptCell kept={kept} />
			<span role="gridcell"><MoreButton {...props} /></span>
		</>
	);
}

/** The second line: our number where all is as usual, else what is not. */
function Second({ call, shown, isCurrent }: InsideProps) {
	const own = isInbound(call) ? call.to : call.from;
	if (shown.kind === 'ready' && call.recording_count < 2 && own) return <span class="l2"><Number call={call} of={own} isOther={false} /></span>;
	return <span class="l2"><RecordingState call={call} isCurrent={isCurrent} /></span>;
}

function Narrow(props: InsideProps) {
	const { call } = props;
	const date = new Date(call.started_at);
	return (
		<>
			<span class="start" role="gridcell"><PlayButton {...props} /></span>
			<span class="lines" role="gridcell">
				<span class="l1"><Direction call={call} /><Number call={call} of={otherNumber(call)} isOther /></span>
				<Second {...props} />
			</span>
			<span class="rt" role="gridcell">
				<span class="n">{minuteOf(date)}</span>
				<small>{call.duration === null ? (isOver(call) || call.status ? statusText(call.status) : '') : ltr(clock(call.duration))}</small>
			</span>
		</>
	);
}

function classOf({ isFresh, sound, isPhone }: RowProps): string {
	return [isPhone ? 'row prow' : 'row', sound === 'none' ? '' : 'playing', isFresh ? 'new' : ''].filter(Boolean).join(' ');
}

const daysOf = (today: string, call: Call): { today: string; yesterday: string; day: string } => ({ today, yesterday: shifted(today, -1), day: dayOf(new Date(call.started_at)) });

/** Drawn anew only when something of it has changed. */
export class Row extends Component<RowProps> {
	override shouldComponentUpdate(next: RowProps): boolean {
		return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
	}

	override render(props: RowProps) {
		const { call, place, top, isCurrent, isSelected, isPhone, today } = props;
		const recording = mainOf(call);
		const shown = shownOf(call, recording);
		const kept = keptOf(recording, shown, serverNow());
		const Inside = isPhone ? Narrow : Wide;
		return (
			<div class={classOf(props)} role="row" aria-rowindex={place} aria-selected={isSelected} tabIndex={isCurrent ? 0 : -1} data-sid={call.call_sid}
				aria-label={rowName(call, shown, kept, daysOf(today, call))} ref={(element) => element?.style.setProperty('top', `${top}px`)}>
				<Inside {...props} shown={shown} kept={kept} />
			</div>
		);
	}
}
