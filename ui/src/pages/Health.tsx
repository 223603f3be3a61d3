// The page Health: does every call play, what waits, how full is the store, do the webhooks come.
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { serverNow } from '../api';
import { ltr } from '../isolate';
import { connection, progress } from '../live';
import { spanOf } from '../parts/ago';
import { errorWords } from '../parts/errors';
import { count, dateText, momentText, size } from '../parts/format';
import { Icon, type IconName } from '../parts/Icon';
import { may } from '../session';
import { useStore } from '../store';
import { go } from '../view';
import { useAllWords, type AllWords } from '../later_words';
import { CheckNow, Checks } from './Checks';
import { causesOf, health, healthError, toneOf, watchHealth, type Cause, type Complete, type Health as Told, type Refused, type Tone } from './condition';
import { fullIn, keptFor, SHARE_GOOD, shareFromStore } from './figures';
import { useTitle } from './title';

const EVERY_MS = 10_000;

const ICONS: Record<Tone, IconName> = { good: 'ok', warn: 'warn', bad: 'bad' };

const causeText = ({ name, text }: Cause, { pages }: AllWords): string => (name ? pages.causes[name] : text);

/** "All 48,210 of 48,210 recordings since 1 November are here." and what is missing. */
function completeText({ here, recordings, since, to_be_fetched: coming, given_up: given, expired }: Complete, { pages }: AllWords): string {
	const first = pages.complete(here === recordings, count(here), count(recordings), since ? dateText(since) : null);
	const rest = [coming > 0 && pages.toBeFetched(count(coming)), given > 0 && pages.givenUp(count(given)), expired > 0 && pages.expiredBefore(count(expired))].filter(Boolean);
	return rest.length > 0 ? `${first} ${rest.join(', ')}.` : first;
}

function Verdict({ told }: { told: Told }) {
	const words = useAllWords();
	const { pages } = words;
	const causes = causesOf(told);
	const tone = toneOf(told);
	const [worst] = causes;
	return (
		<div class={`verdict ${tone}`} role="status">
			<Icon name={ICONS[tone]} size={20} />
			<div>
				<h1>{worst ? causeText(worst, words) : told.degraded ? pages.degraded : pages.allPlays}</h1>
				<p>{completeText(told.complete, words)}</p>
				{!told.complete.listed && <p>{pages.notListed}</p>}
			</div>
			{told.checks !== undefined && may('admin') && <CheckNow />}
		</div>
	);
}

function Section({ title, note, children }: { title: string; note?: string | null; children: ComponentChildren }) {
	return (
		<section class="hsec" aria-label={title}>
			<header>
				<h2>{title}</h2>
				{note && <span class="note">{note}</span>}
			</header>
			{children}
		</section>
	);
}

/** Each thing that is wrong, in the words of the server, which name settings and accounts. */
function Causes({ told }: { told: Told }) {
	const words = useAllWords();
	const causes = causesOf(told);
	if (causes.length === 0) return null;
	return (
		<Section title={words.pages.wrongNow}>
			<ul class="checks">
				{causes.map((cause) => (
					<li key={cause.text} class={`chk ${cause.tone === 'bad' ? 'f' : 'w'}`}>
						<Icon name={ICONS[cause.tone]} />
						<b>{causeText(cause, words)}</b>
						<div>{cause.name && <p lang="en" dir="ltr">{cause.text}</p>}</div>
					</li>
				))}
			</ul>
		</Section>
	);
}

function Figure({ name, isBad = false, children }: { name: string; isBad?: boolean; children: ComponentChildren }) {
	return (
		<div>
			<dt>{name}</dt>
			<dd class={isBad ? 'w' : ''}>{children}</dd>
		</div>
	);
}

const Number = ({ of }: { of: number }) => <bdi class="n" dir="ltr">{of.toLocaleString('en')}</bdi>;

function Oldest({ since }: { since: string | null }) {
	const { pages } = useAllWords();
	if (!since) return <>–</>;
	const { value, unit } = spanOf((serverNow() - Date.parse(since)) / 1000);
	return <><Number of={value} /> <small>{pages.units[unit]}</small></>;
}

function Queue({ told }: { told: Told }) {
	const { pages } = useAllWords();
	const arriving = useStore(progress);
	const { isLive } = useStore(connection);
	const { recordings, fetching, oldest_queued_at: oldest } = told;
	const dead = recordings['dead'] ?? 0;
	const share = shareFromStore(told);
	const showFailed = (event: Event): void => {
		event.preventDefault();
		go({ page: 'calls', tab: 'all', q: '', from: '', to: '', state: 'failed' });
	};
	const note = fetching?.outage_since ? pages.outageSince(momentText(fetching.outage_since)) : fetching?.last_stored_at ? pages.lastStored(momentText(fetching.last_stored_at)) : null;
	return (
		<Section title={pages.queue} note={note}>
			<dl class="figs">
				{isLive && <Figure name={pages.arriving}><Number of={arriving.size} /></Figure>}
				<Figure name={pages.waiting}><Number of={(recordings['queued'] ?? 0) + (recordings['waiting'] ?? 0)} /></Figure>
				<Figure name={pages.oldest}><Oldest since={oldest} /></Figure>
				<Figure name={pages.given} isBad={dead > 0}>
					<Number of={dead} /> {dead > 0 && <small><a href="#all&state=failed" onClick={showFailed}>{pages.show}</a></small>}
				</Figure>
				<Figure name={pages.stored}><Number of={recordings['stored'] ?? 0} /></Figure>
				{share !== null && <Figure name={pages.fromStore} isBad={share < SHARE_GOOD}><bdi class="n" dir="ltr">{share} %</bdi></Figure>}
			</dl>
		</Section>
	);
}

/** "kept for 7 days, and removed 23 days later" */
function keptText({ inbound, outbound, grace, accounts }: NonNullable<Told['retention']>, { pages }: AllWords): string {
	const span = (s: number | null): string | null => {
		const kept = keptFor(s);
		return kept && pages.span(kept.value, kept.unit);
	};
	const kept = inbound === outbound ? pages.keptFor(span(inbound)) : pages.keptByWay(span(inbound), span(outbound));
	const isForEver = inbound === null && outbound === null;
	return [kept, !isForEver && grace !== null && pages.removedAfter(grace === 0 ? null : span(grace)), accounts > 0 && pages.keptOtherwise(accounts)].filter(Boolean).join(', ');
}

function Store({ told }: { told: Told }) {
	const words = useAllWords();
	const { pages } = words;
	const { bytes_stored: stored, free_bytes: free, min_free_bytes: least } = told;
	const all = Math.max(stored + free, 1);
	const full = fullIn(told, serverNow());
	const share = (bytes: number): string => `${Math.min(100, (bytes / all) * 100)}%`;
	return (
		<Section title={pages.store}>
			<div class="store" aria-hidden="true">
				<i style={{ width: share(stored) }} />
				{least !== undefined && <u style={{ marginInlineEnd: share(least) }} />}
			</div>
			<p class="legend">
				<span><b>{ltr(size(stored))}</b> {pages.ofRecordings}</span>
				<span><b>{ltr(size(free))}</b> {pages.free}</span>
				{least !== undefined && <span>{pages.pausesBelow(ltr(size(least)))}</span>}
				{told.retention && <span>{keptText(told.retention, words)}</span>}
				{full !== null && <span class={full.isSoon ? 'w' : ''}>{pages.fullIn(full.value, full.unit)}</span>}
			</p>
		</Section>
	);
}

const REASONS: (keyof Refused)[] = ['wrong_signature', 'no_public_url', 'unknown_account', 'unsigned'];

function Webhooks({ webhooks }: { webhooks: NonNullable<Told['webhooks']> }) {
	const { pages } = useAllWords();
	const { taken = 0, refused, last_taken_at: at, last_refused_at: refusedAt, last_refused_from: by } = webhooks;
	const wrong = refused ? REASONS.filter((reason) => refused[reason] > 0) : [];
	return (
		<Section title={pages.webhooks} note={at ? pages.lastWebhook(momentText(at)) : pages.noWebhookYet}>
			<ul class="checks">
				<li class={taken > 0 ? 'chk ok' : 'chk'}>
					<Icon name={taken > 0 ? 'ok' : 'dash'} />
					<b>{pages.taken}</b>
					<div><p>{pages.takenSinceStart(count(taken))}</p></div>
				</li>
				{refused && wrong.map((reason) => (
					<li key={reason} class="chk f">
						<Icon name="bad" />
						<b>{pages.refused}</b>
						<div>
							<p>{pages.refusedBecause[reason](count(refused[reason]))}</p>
							{reason === wrong[0] && refusedAt && <p class="note">{pages.lastRefused(momentText(refusedAt), by ? ltr(by) : null)}</p>}
						</div>
					</li>
				))}
			</ul>
		</Section>
	);
}

function Examination({ told }: { told: Told }) {
	const { pages } = useAllWords();
	const { checks } = told;
	if (checks === undefined) return null; // an older server
	return (
		<Section title={pages.checks} note={checks && `${pages.checkedAt(momentText(checks.checked_at))} · ${pages.results(checks.good, checks.findings, checks.unchecked)}`}>
			{checks ? <Checks checks={checks.checks} /> : <p class="legend">{pages.neverChecked}</p>}
		</Section>
	);
}

function NoAnswer({ error }: { error: unknown }) {
	return (
		<div class="verdict bad" role="status">
			<Icon name="bad" size={20} />
			<div><h1>{errorWords(error).text}</h1></div>
		</div>
	);
}

export function Health() {
	const { pages, common } = useAllWords();
	const told = useStore(health);
	const error = useStore(healthError);
	useTitle(pages.healthTitle);
	useEffect(() => watchHealth(EVERY_MS), []);

	return (
		<main class="page" aria-label={pages.health}>
			<div class="col">
				{error !== null && <NoAnswer error={error} />}
				{!told && error === null && <p class="note" role="status">{common.loading}</p>}
				{told && (
					<div class={error === null ? '' : 'stale'}>
						{error === null && <Verdict told={told} />}
						<Causes told={told} />
						<Queue told={told} />
						<Store told={told} />
						<Examination told={told} />
						{told.webhooks && <Webhooks webhooks={told.webhooks} />}
						<p class="note version"><bdi dir="ltr">callspool {told.version}</bdi>{told.started_at && <> · {pages.runsSince(momentText(told.started_at))}</>}</p>
					</div>
				)}
			</div>
		</main>
	);
}
