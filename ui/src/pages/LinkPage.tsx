// The page of a link: one recording, and nothing else of callspool.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { lazy } from '../frame/lazy';
import { ltr } from '../isolate';
import { grouped } from '../list/numbers';
import { clock, dateText, momentText } from '../parts/format';
import { Brand } from '../parts/Icon';
import { useAllWords, type AllWords } from '../later_words';
import { LanguageButton, Over } from './Card';
import { NO_SUCH_LINK, isShut, openLink, shutBy, type Opened, type Shut } from './opened';
import { markStarted } from './start';
import { useTitle } from './title';

/** Not for whom there is nothing to hear. */
const LinkPlayer = lazy(() => import('../player/LinkPlayer').then((module) => module.LinkPlayer));

export interface LinkProps {
	name: string;
	secret: string;
	/** Where it begins, in seconds. */
	fromS: number;
}

function factsText({ direction, started_at: started, duration }: Opened, { pages }: AllWords): string {
	const way = direction === 'inbound' ? pages.inbound : direction?.startsWith('outbound') ? pages.outbound : null;
	return [way, started ? `${dateText(started)}, ${ltr(new Date(started).toTimeString().slice(0, 5))}` : null, duration ? ltr(clock(duration)) : null].filter(Boolean).join(' · ');
}

function Sound({ name, fromS, opened, onShut }: Omit<LinkProps, 'secret'> & { opened: Opened; onShut(shut: Shut): void }) {
	const media = `/l/${name}/media`;
	const refused = (error: ApiError): void => {
		const shut = shutBy(error);
		if (shut) onShut(shut);
	};
	return (
		<LinkPlayer id={name} media={media} waveform={`/l/${name}/waveform`} heard={`/l/${name}/heard`} durationS={opened.duration ?? null} at={fromS} download={`${media}?download=1`} onRefused={refused} />
	);
}

function Open({ opened, ...rest }: Omit<LinkProps, 'secret'> & { opened: Opened; onShut(shut: Shut): void }) {
	const words = useAllWords();
	const { pages } = words;
	const { from, to, expires_at: until } = opened;
	return (
		<main class="center">
			<section id="link" class="linkcard" aria-labelledby="link-title">
				<div class="top">
					<Brand />
					<LanguageButton class="btn quiet" />
				</div>
				<div class="box">
					<h1 id="link-title">{from && to ? pages.linkFromTo(grouped(from), grouped(to)) : pages.linkRecording}</h1>
					<p id="facts" class="sub">{factsText(opened, words)}</p>
					<Sound {...rest} opened={opened} />
				</div>
				<p id="until" class="foot2">{until ? pages.linkUntil(momentText(until)) : pages.linkAlone}</p>
			</section>
		</main>
	);
}

export function LinkPage({ name, secret, fromS }: LinkProps) {
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
	if (isShut(found)) return <Over title={found.title(words)} how={found.how(words)} />;
	return <Open name={name} fromS={fromS} opened={found} onShut={setFound} />;
}
