// No call ever: what is to be set at Twilio, and a line that says what came of it.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { CopyButton } from '../parts/CopyButton';
import { count } from '../parts/format';
import { Icon } from '../parts/Icon';
import { may } from '../session';
import { useStore } from '../store';
import { useAllWords, type AllWords } from '../later_words';
import { health, watchHealth, type Health, type Refused } from './condition';

const EVERY_MS = 2000;
const ENDING = '#rc=5&rp=all';
const EVENTS = 'in-progress completed absent failed';

type State = 'done' | 'wrong' | 'open';

/** Was Twilio reached, by the list of recordings that is read at every start? */
export function reachedTwilio({ complete, fetching }: Pick<Health, 'complete' | 'fetching'>): State {
	if ((fetching?.accounts_refused ?? 0) > 0 || complete.failing_since) return 'wrong';
	return complete.listed_at ? 'done' : 'open';
}

/** The refusal that most of those who came met; null: none. */
export function mainRefusal(refused: Refused | undefined): { reason: keyof Refused; times: number } | null {
	const all = Object.entries(refused ?? {}) as [keyof Refused, number][];
	const [reason, times] = all.reduce((most, one) => (one[1] > most[1] ? one : most), ['unsigned', 0]);
	return times > 0 ? { reason, times } : null;
}

function Copy({ label, text, copyLabel, isCode = true }: { label: string; text: string; copyLabel: string; isCode?: boolean }) {
	return (
		<div class="copy">
			<span class={isCode ? 'lbl' : 'lbl said'}>{label}</span>
			<code>{text}</code>
			<CopyButton text={text} label={copyLabel} />
		</div>
	);
}

function Step({ state, title, note, children }: { state: State; title: string; note?: string; children?: ComponentChildren }) {
	const { pages } = useAllWords();
	return (
		<li class={state}>
			<h2>
				{title} {note && <span class="note">{note}</span>}
				{state !== 'open' && <span class="sr">{state === 'done' ? pages.stepDone : pages.stepWrong}</span>}
			</h2>
			{children}
		</li>
	);
}

function Reached({ told }: { told: Health | null }) {
	const { pages } = useAllWords();
	const state = told ? reachedTwilio(told) : 'open';
	const failure = told?.complete.failure;
	return (
		<Step state={state} title={pages.reachesTwilio}>
			<p>{state === 'done' ? pages.reachesTwilioDone : state === 'wrong' ? pages.reachesTwilioWrong : pages.reachesTwilioOpen}</p>
			{state === 'wrong' && failure && <p lang="en" dir="ltr">{failure}</p>}
		</Step>
	);
}

/** With both addresses, where they are known. */
function howToMend(reason: keyof Refused, webhooks: Health['webhooks'], pages: AllWords['pages']): string {
	const { last_refused_to: to, public_url: expected } = webhooks ?? {};
	if (reason !== 'wrong_signature' || !to || !expected) return pages.cameRefusedHow[reason];
	return to === expected ? pages.sameAddress(to) : pages.otherAddress(to, expected);
}

function liveText({ webhooks }: Health, { pages }: AllWords): { isWrong: boolean; title: string; how: string } {
	const refusal = mainRefusal(webhooks?.refused);
	if (refusal) return { isWrong: true, title: pages.cameRefused[refusal.reason](refusal.times), how: howToMend(refusal.reason, webhooks, pages) };
	if ((webhooks?.taken ?? 0) > 0) return { isWrong: false, title: pages.cameGood(count(webhooks!.taken!)), how: pages.cameGoodHow };
	return { isWrong: false, title: pages.listening, how: pages.listeningHow };
}

/** Changes by itself when Twilio calls, right or wrong. */
function LiveLine({ told }: { told: Health | null }) {
	const words = useAllWords();
	const { isWrong, title, how } = told?.webhooks ? liveText(told, words) : { isWrong: false, title: words.pages.listeningPlain, how: words.pages.listeningPlainHow };
	return (
		<div class={isWrong ? 'wait w' : 'wait'} role="status">
			<Icon name={isWrong ? 'warn' : 'pulse'} />
			<span class="grow">
				<b>{title}</b>
				<small>{how}</small>
			</span>
		</div>
	);
}

function Steps({ told }: { told: Health | null }) {
	const { pages } = useAllWords();
	const origin = told?.webhooks?.public_url ?? location.origin;
	const address = (path: string): string => `${origin}/webhook/${path}${ENDING}`;
	return (
		<ol class="steps">
			<Reached told={told} />
			<Step state={(told?.webhooks?.taken ?? 0) > 0 ? 'done' : 'open'} title={pages.reportRecordings}>
				<p>{pages.reportRecordingsHow}</p>
				<Copy label="recordingStatusCallback" text={address('recording-status')} copyLabel={pages.copyAddress} />
				<Copy label="recordingStatusCallbackEvent" text={EVENTS} copyLabel={pages.copyEvents} />
			</Step>
			<Step state="open" title={pages.reportCalls} note={pages.recommended}>
				<p>{pages.reportCallsHow}</p>
				<Copy label="statusCallback" text={address('call-status')} copyLabel={pages.copyAddress} />
			</Step>
			<Step state="open" title={pages.makeCall}>
				<LiveLine told={told} />
			</Step>
		</ol>
	);
}

function Import() {
	const { pages } = useAllWords();
	const since = `${new Date().getFullYear()}-01-01`;
	return (
		<section class="hsec">
			<header><h2>{pages.haveRecordings}</h2></header>
			<Copy label={pages.fromTwilio} text={`callspool import --since ${since}`} copyLabel={pages.copyCommand} isCode={false} />
			<Copy label={pages.fromFolder} text="callspool import --from server/recordings" copyLabel={pages.copyCommand} isCode={false} />
		</section>
	);
}

/** In the list's place.  Whoever only listens is not told how Twilio is set up. */
export function FirstRun() {
	const { pages } = useAllWords();
	const told = useStore(health);
	const isAdmin = may('status');
	useEffect(() => watchHealth(EVERY_MS), []);

	return (
		<div class="page first-run">
			<div class="first">
				<h1>{pages.noCallsYet}</h1>
				<p class="lead">{isAdmin ? pages.noCallsYetHow : pages.noCallsYetListener}</p>
				{isAdmin ? <Steps told={told} /> : <LiveLine told={null} />}
				{isAdmin && <Import />}
			</div>
		</div>
	);
}
