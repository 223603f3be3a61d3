// The page of a link: one recording, and nothing else of callspool.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { lazy } from '../frame/lazy';
import { ltr } from '../isolate';
import { grouped } from '../list/numbers';
import { clock, dateText, momentText } from '../parts/format';
import { Brand } from '../parts/Icon';
import { useAllWords, type AllWords } from '../later_words';
import { LanguageButton } from './Card';
import { NO_SUCH_LINK, isShut, openLink, shutBy, type Opened, type Shut } from './opened';
import { markStarted } from './start';
import { useTitle } from './title';

/** Neither for whom there is nothing to hear. */
const LinkParts = lazy(() => import('./LinkParts').then((module) => module.LinkParts));
const LinkPlayer = lazy(() => import('../player/LinkPlayer').then((module) => module.LinkPlayer));

export interface LinkProps {
	name: string;
	secret: string;
	/** Where it begins, in seconds. */
	fromS: number;
	/** And with which of several; '': the first. */
	recordingSid: string;
}

function factsText({ direction, started_at: started, duration: ofOne, recordings = [] }: Opened, { pages }: AllWords): string {
	const duration = recordings.length > 1 ? recordings.reduce((sum, part) => sum + (part.duration ?? 0), 0) : ofOne;
	const way = direction === 'inbound' ? pages.inbound : direction?.startsWith('outbound') ? pages.outbound : null;
	return [way, started ? `${dateText(started)}, ${ltr(new Date(started).toTimeString().slice(0, 5))}` : null, duration ? ltr(clock(duration)) : null].filter(Boolean).join(' · ');
}

function Sound({ name, fromS, recordingSid, opened, onShut }: Omit<LinkProps, 'secret'> & { opened: Opened; onShut(shut: Shut): void }) {
	const media = `/l/${name}/media`;
	const parts = opened.recordings ?? [];
	const refused = (error: ApiError): void => {
		const shut = shutBy(error, parts.length > 1);
		if (shut) onShut(shut);
	};
	if (parts.length > 0) { // of several, one may be left, which need not be the link's own
		const first = Math.max(0, parts.findIndex(({ recording_sid: sid }) => sid === recordingSid));
		return <LinkParts name={name} parts={parts} first={first} fromS={fromS} onRefused={refused} />;
	}
	return (
		<LinkPlayer id={name} media={media} waveform={`/l/${name}/waveform`} heard={`/l/${name}/heard`} durationS={opened.duration ?? null} at={fromS} download={`${media}?download=1`} onRefused={refused} />
	);
}

function Top() {
	return (
		<div class="top">
			<Brand />
			<LanguageButton class="btn quiet" />
		</div>
	);
}

/** There is nothing to be heard: nothing of the call is told. */
function Closed({ title, how }: { title: string; how: string }) {
	return (
		<main class="center">
			<section id="over" class="linkcard" aria-labelledby="over-title">
				<Top />
				<div class="box">
					<h1 id="over-title">{title}</h1>
					<p class="sub">{how}</p>
				</div>
			</section>
		</main>
	);
}

function Open({ opened, ...rest }: Omit<LinkProps, 'secret'> & { opened: Opened; onShut(shut: Shut): void }) {
	const words = useAllWords();
	const { pages } = words;
	const { from, to, expires_at: until, recordings = [] } = opened;
	const isWhole = recordings.length > 1;
	return (
		<main class="center">
			<section id="link" class="linkcard" aria-labelledby="link-title">
				<Top />
				<div class="box">
					<h1 id="link-title">{from && to ? pages.linkFromTo(grouped(from), grouped(to)) : isWhole ? pages.linkRecordings : pages.linkRecording}</h1>
					<p id="facts" class="sub">{factsText(opened, words)}</p>
					<Sound {...rest} opened={opened} />
				</div>
				<p id="until" class="foot2">{until ? (isWhole ? pages.linkWholeUntil : pages.linkUntil)(momentText(until)) : isWhole ? pages.linkWhole : pages.linkAlone}</p>
			</section>
		</main>
	);
}

export function LinkPage({ name, secret, fromS, recordingSid }: LinkProps) {
	const words = useAllWords();
	const [found, setFound] = useState<Opened | Shut | null>(secret ? null : NO_SUCH_LINK);
	const asked = useRef(false);
	useTitle(words.pages.linkTitle);

	useEffect(() => {
		if (!secret || asked.current) return;
		asked.current = true;
		void openLink(name, secret).then(setFound);
	}, []);
	useEffect(() => {
		if (found) markStarted();
	}, [found]);

	if (!found) return <p class="sr" role="status">{words.common.loading}</p>;
	if (isShut(found)) return <Closed title={found.title(words)} how={found.how(words)} />;
	return <Open name={name} fromS={fromS} recordingSid={recordingSid} opened={found} onShut={setFound} />;
}
