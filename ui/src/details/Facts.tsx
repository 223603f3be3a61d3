// What is known of a call.
import type { ComponentChildren } from 'preact';
import { CopyButton } from '../parts/CopyButton';
import { clock, dateText, timeText } from '../parts/format';
import type { Call } from '../types';
import { useWords, type Words } from '../words';

export const isInbound = ({ direction }: Call): boolean => direction === 'inbound';

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
	return (
		<>
			<dt>{name}</dt>
			<dd>{children}</dd>
		</>
	);
}

/** Its middle is left out to the eye, and there for who copies or listens. */
function Sid({ sid, copyLabel }: { sid: string; copyLabel?: string }) {
	return (
		<span class="sid">
			<bdi class="n mono" dir="ltr" title={sid}>
				{sid.slice(0, 6)}<span class="sr">{sid.slice(6, -6)}</span><span aria-hidden="true" class="cut" />{sid.slice(-6)}
			</bdi>
			{copyLabel && <CopyButton text={sid} label={copyLabel} class="tiny" />}
		</span>
	);
}

function Party({ number, words: { details } }: { number: string | null; words: Words }) {
	return number ? <bdi dir="ltr">{number}</bdi> : <span class="dim">{details.numberUnknown}</span>;
}

export function Facts({ call }: { call: Call }) {
	const words = useWords();
	const { details } = words;
	return (
		<dl class="facts">
			{call.direction && <Fact name={details.direction}>{isInbound(call) ? details.inbound : details.outbound}</Fact>}
			<Fact name={details.from}><Party number={call.from} words={words} /></Fact>
			<Fact name={details.to}><Party number={call.to} words={words} /></Fact>
			<Fact name={details.started}>
				{dateText(call.started_at)}, <bdi class="n" dir="ltr">{timeText(call.started_at)}</bdi>
			</Fact>
			{call.duration !== null && <Fact name={details.length}><bdi class="n" dir="ltr">{clock(call.duration)}</bdi></Fact>}
			<Fact name={details.call}>{call.status ? (details.statuses[call.status] ?? call.status) : details.notKnownYet}</Fact>
			<Fact name={details.callSid}><Sid sid={call.call_sid} copyLabel={details.copyCallSid} /></Fact>
			{call.parent_call_sid && <Fact name={details.parentCall}><Sid sid={call.parent_call_sid} /></Fact>}
		</dl>
	);
}
