// The details of a call: why it does not play, what is known of it, its recordings, and each try to get them.
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { second } from '../list/clock';
import { grouped, ungrouped } from '../list/numbers';
import { otherNumber } from '../list/say';
import { errorWords } from '../parts/errors';
import { Icon } from '../parts/Icon';
import { useModal } from '../parts/modal';
import { neighbours, playing } from '../player/control';
import { may } from '../session';
import { useStore } from '../store';
import type { Call, Recording } from '../types';
import { go } from '../view';
import { useAllWords } from '../later_words';
import { Attempts } from './Attempts';
import { retryDeed } from './deeds';
import { tried } from './dialogs';
import { Facts } from './Facts';
import { useCall, type Loaded } from './load';
import { Recordings } from './Recordings';
import { verdictOf } from './verdict';

export interface DetailsProps {
	callSid: string;
	onClose(): void;
	/** Over the whole window (phone). */
	isSheet?: boolean;
}

function WhyNot({ call, recording }: { call: Call; recording: Recording | undefined }) {
	const words = useAllWords();
	const [refused, setRefused] = useState<string | null>(null);
	const now = useStore(second);
	const verdict = verdictOf(call, recording, now, words);
	if (!verdict) return null;

	const retry = recording && verdict.way && may('change') ? (): void => void tried(retryDeed(recording.recording_sid), setRefused) : null;
	return (
		<div class={`call ${verdict.tone === 'n' ? 'usual' : verdict.tone}`}>
			<Icon name={verdict.tone === 'f' ? 'bad' : verdict.tone === 'w' ? 'clock' : 'dash'} />
			<div>
				<p>{verdict.title}</p>
				<small>{verdict.why}</small>
				{refused && <small class="refused">{refused}</small>}
				{retry && <button type="button" class="btn sm" onClick={retry}>{verdict.way === 'retry' ? words.common.retry : words.common.tryNow}</button>}
			</div>
		</div>
	);
}

/** The one that was picked, else the one that plays, else the main one. */
function chosenOf(call: Call, picked: string | null, played: string | null): Recording | undefined {
	const find = (sid: string | null): Recording | undefined => call.recordings.find(({ recording_sid: one }) => one === sid);
	return find(picked) ?? find(played) ?? find(call.main_recording_sid) ?? call.recordings[0];
}

function Body({ call }: { call: Call }) {
	const [picked, setPicked] = useState<string | null>(null);
	const now = useStore(playing);
	const chosen = chosenOf(call, picked, now?.recordingSid ?? null);
	return (
		<>
			<WhyNot call={call} recording={chosen} />
			<Facts call={call} />
			{chosen && <Recordings call={call} chosen={chosen} onChoose={setPicked} />}
			{chosen && <Attempts recording={chosen} number={call.recordings.indexOf(chosen) + 1} all={call.recordings.length} />}
		</>
	);
}

function NotLoaded({ error, again }: Loaded) {
	const { common, details } = useAllWords();
	const { text, way } = errorWords(error);
	return (
		<div class="call f" role="alert">
			<Icon name="bad" />
			<div>
				<p>{details.notLoaded}</p>
				<small>{text}</small>
				{way && <button type="button" class="btn sm" onClick={again}>{common.retry}</button>}
			</div>
		</div>
	);
}

function Skeleton() {
	return (
		<div class="facts" aria-hidden="true">
			{[72, 96, 120, 88, 40, 64].map((width) => (
				<>
					<span class="sk half" />
					<span class="sk" style={{ width: `${width}px` }} />
				</>
			))}
		</div>
	);
}

const toCall = (call: Call | null): void => call ? go({ call: call.call_sid }, 'replace') : undefined;

function Neighbours({ callSid }: { callSid: string }) {
	const { details } = useAllWords();
	const [above, below] = [neighbours.previous(callSid), neighbours.next(callSid)];
	return (
		<>
			<button type="button" class="ib" aria-label={details.above} aria-disabled={!above} onClick={() => toCall(above)}><Icon name="upward" /></button>
			<button type="button" class="ib" aria-label={details.below} aria-disabled={!below} onClick={() => toCall(below)}><Icon name="down" /></button>
		</>
	);
}

function Head({ id, call, callSid, onClose }: { id: string; call: Call | null; callSid: string; onClose(): void }) {
	const { details } = useAllWords();
	const other = call && otherNumber(call);
	return (
		<div class="dh">
			<h2 id={id} tabIndex={-1}>{other ? <bdi dir="ltr">{grouped(other)}</bdi> : <>{details.unknownCall} <bdi dir="ltr">…{callSid.slice(-6)}</bdi></>}</h2>
			<Neighbours callSid={callSid} />
			<button type="button" class="ib" aria-label={details.close} onClick={onClose}><Icon name="close" /></button>
		</div>
	);
}

/** Without the blanks that the eye wants. */
function copyNumbers(event: ClipboardEvent): void {
	const text = getSelection()?.toString();
	if (!text) return;
	event.preventDefault();
	event.clipboardData?.setData('text/plain', ungrouped(text));
}

function Inside({ callSid, onClose, id }: DetailsProps & { id: string }) {
	const loaded = useCall(callSid);
	const { call, error } = loaded;
	return (
		<div class="din" onCopy={copyNumbers}>
			<Head id={id} call={call} callSid={callSid} onClose={onClose} />
			<div class="db" aria-busy={!call && !error}>
				{error !== null && <NotLoaded {...loaded} />}
				{call ? <Body key={callSid} call={call} /> : error === null && <Skeleton />}
			</div>
		</div>
	);
}

function Sheet(props: DetailsProps) {
	const element = useRef<HTMLDialogElement>(null);
	const heading = useId();
	const { onCancel, onKeyDown } = useModal(element, props.onClose);
	return (
		<dialog ref={element} class="dsheet" aria-labelledby={heading} onCancel={onCancel} onKeyDown={onKeyDown}>
			<Inside {...props} id={heading} />
		</dialog>
	);
}

/** Up and down are the neighbouring calls here too, and the focus stays. */
function actOf({ key, ctrlKey, altKey, metaKey, shiftKey }: KeyboardEvent, { callSid, onClose }: DetailsProps): (() => void) | null {
	if (ctrlKey || altKey || metaKey || shiftKey) return null;
	if (key === 'Escape') return onClose;
	if (key === 'ArrowUp') return () => toCall(neighbours.previous(callSid));
	return key === 'ArrowDown' ? () => toCall(neighbours.next(callSid)) : null;
}

function Drawer(props: DetailsProps) {
	const { details } = useAllWords();
	const heading = useId();

	// Opened by hand: the focus comes along.  An address that names the call takes it from nobody.
	useLayoutEffect(() => {
		if (document.activeElement && document.activeElement !== document.body) document.getElementById(heading)?.focus({ preventScroll: true });
	}, []);

	const key = (event: KeyboardEvent): void => {
		const act = actOf(event, props);
		if (!act || event.defaultPrevented) return;
		event.preventDefault();
		event.stopPropagation();
		act();
	};
	return (
		<aside class="drawer" aria-label={details.details} onKeyDown={key}>
			<Inside {...props} id={heading} />
		</aside>
	);
}

export function Details(props: DetailsProps) {
	return props.isSheet ? <Sheet {...props} /> : <Drawer {...props} />;
}
