// What is known of a call.
import type { ComponentChildren } from 'preact';
import { serverNow } from '../api';
import { grouped } from '../list/numbers';
import { isInbound, statusText, unknownNumber } from '../list/say';
import { CopyButton } from '../parts/CopyButton';
import { clock, dateText, timeText } from '../parts/format';
import type { Call } from '../types';
import { useAllWords } from '../later_words';

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

function Party({ call, number }: { call: Call; number: string | null }) {
	return number ? <bdi dir="ltr">{grouped(number)}</bdi> : <span class="dim">{unknownNumber(call, serverNow())}</span>;
}

export function Facts({ call }: { call: Call }) {
	const { details } = useAllWords();
	return (
		<dl class="facts">
			{call.direction && <Fact name={details.direction}>{isInbound(call) ? details.inbound : details.outbound}</Fact>}
			<Fact name={details.from}><Party call={call} number={call.from} /></Fact>
			<Fact name={details.to}><Party call={call} number={call.to} /></Fact>
			<Fact name={details.started}>
				{dateText(call.started_at)}, <bdi class="n" dir="ltr">{timeText(call.started_at)}</bdi>
			</Fact>
			{call.duration !== null && <Fact name={details.length}><bdi class="n" dir="ltr">{clock(call.duration)}</bdi></Fact>}
			<Fact name={details.call}>{statusText(call.status)}</Fact>
			<Fact name={details.callSid}><Sid sid={call.call_sid} copyLabel={details.copyCallSid} /></Fact>
			{call.parent_call_sid && <Fact name={details.parentCall}><Sid sid={call.parent_call_sid} /></Fact>}
		</dl>
	);
}
