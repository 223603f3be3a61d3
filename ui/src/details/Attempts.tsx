// Each try to fetch a recording, newest first.
import { useState } from 'preact/hooks';
import { Icon, type IconName } from '../parts/Icon';
import { dayText, size, timeText } from '../parts/format';
import type { Attempt, Recording } from '../types';
import { useAllWords, type AllWords } from '../later_words';
import { attemptRows, toneOf, type AttemptRow, type Tone } from './tries';

const ICONS: Record<Tone, IconName> = { ok: 'ok', w: 'clock', f: 'bad', n: 'pulse' };
const BROKEN = ['cut', 'cut_audio', 'interrupted', 'unreachable'];

const iconOf = (attempt: Attempt): IconName => (BROKEN.includes(attempt.outcome ?? '') ? 'warn' : ICONS[toneOf(attempt)]);

function titleOf({ outcome }: Attempt, { duration_differs: differs }: Recording, { details }: AllWords): string {
	if (outcome === null) return details.underWay;
	if (outcome === 'stored' && differs) return `${details.outcomes['stored']} · ${details.differs}`;
	return details.outcomes[outcome] ?? outcome;
}

function bytesText({ outcome, bytes, began_at: began, ended_at: ended }: Attempt, recording: Recording, { details }: AllWords): string | null {
	if (!bytes) return null;
	const s = ended ? (Date.parse(ended) - Date.parse(began)) / 1000 : 0;
	if (outcome === 'stored') return details.bytesIn(size(bytes), s < 10 ? Math.max(s, 0.1).toFixed(1) : String(Math.round(s)));
	return details.afterBytes(size(bytes), recording.size && recording.size > bytes ? size(recording.size) : null);
}

/** Status, bytes, wait. */
function smallText(row: AttemptRow, recording: Recording, words: AllWords): string {
	const { attempt, waitedS } = row;
	const status = attempt.http_status >= 300 ? String(attempt.http_status) : null;
	return [status, bytesText(attempt, recording, words), waitedS === null ? null : words.details.waited(waitedS)].filter(Boolean).join(' · ');
}

function One({ row, recording }: { row: AttemptRow; recording: Recording }) {
	const words = useAllWords();
	const [isOpen, setOpen] = useState(false);
	const { attempt, alike } = row;
	const small = smallText(row, recording, words);
	return (
		<>
			<li>
				<span class={toneOf(attempt)}><Icon name={iconOf(attempt)} /></span>
				<p>{titleOf(attempt, recording, words)}</p>
				<time class="n" dir="ltr" dateTime={attempt.began_at} title={dayText(attempt.began_at)}>{timeText(attempt.ended_at ?? attempt.began_at)}</time>
				{small && alike.length === 0 && <small>{small}</small>}
				{alike.length > 0 && (
					<small>
						<button type="button" class="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
							{attempt.http_status >= 300 ? `${attempt.http_status} · ` : ''}{words.details.alike(alike.length)}
							<Icon name={isOpen ? 'shrink' : 'down'} size={12} />
						</button>
					</small>
				)}
				{attempt.text && attempt.outcome !== 'stored' && <small class="server" lang="en" dir="ltr">{attempt.text}</small>}
			</li>
			{isOpen && alike.map((earlier) => (
				<li key={earlier.attempt} class="earlier">
					<span class={toneOf(earlier)}><Icon name={iconOf(earlier)} /></span>
					<p>{titleOf(earlier, recording, words)}</p>
					<time class="n" dir="ltr" dateTime={earlier.began_at}>{timeText(earlier.ended_at ?? earlier.began_at)}</time>
				</li>
			))}
		</>
	);
}

export function Attempts({ recording, number, all }: { recording: Recording; number: number; all: number }) {
	const { details } = useAllWords();
	const rows = attemptRows(recording);
	return (
		<section aria-label={details.attempts}>
			<h3 class="sec">
				{details.attempts}
				{all > 1 && <span class="note">{details.attemptsOf(number, all)}</span>}
			</h3>
			{rows.length === 0 && <p class="note">{details.noAttempts}</p>}
			<ol class="tl" aria-label={details.attempts}>
				{rows.map((row) => <One key={`${row.attempt.generation}.${row.attempt.attempt}`} row={row} recording={recording} />)}
			</ol>
		</section>
	);
}
