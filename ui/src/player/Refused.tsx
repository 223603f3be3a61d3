// Why it does not sound, in the place of the lanes, and the way on; and what is said over the lanes while they stay.
import { useEffect } from 'preact/hooks';
import { ApiError } from '../api';
import { announceFailure } from '../parts/announce';
import { Icon } from '../parts/Icon';
import { errorWords, undecodable, type WayOn } from '../parts/errors';
import { mustSignIn } from '../session';
import { useStore } from '../store';
import { useWords } from '../words';
import { retry, sound } from './engine';
import { timeText } from './time';
import { againInS, type Trouble } from './trouble';
import { useTick } from './use';

interface Told {
	text: string;
	/** A second line. */
	more: string | null;
	way: WayOn | null;
	/** It may come by itself. */
	isPatient: boolean;
}

/** The same error with what is left of its wait, so that its words count down. */
function counted(error: ApiError, againAtMs: number | null): ApiError {
	if (againAtMs === null) return error;
	const leftS = Math.max(1, Math.ceil((againAtMs - performance.now()) / 1000));
	return new ApiError(error.code, error.message, error.status, leftS, error.requestId, error.body);
}

function useTold(trouble: Trouble | null, days: number | null): Told | null {
	const { player } = useWords();
	useTick(trouble?.kind === 'refused' && trouble.againAtMs !== null);
	if (trouble?.kind === 'broke') return { text: player.broke(timeText(trouble.atS)), more: null, way: 'retry', isPatient: false };
	if (trouble?.kind === 'no_output') return { text: player.noOutput, more: null, way: 'retry', isPatient: false };
	if (trouble?.kind === 'undecodable') return { text: errorWords(undecodable).text, more: null, way: 'download', isPatient: false };
	if (trouble?.kind !== 'refused') return null;
	const { error, againAtMs } = trouble;
	const isNow = againAtMs !== null && againAtMs <= performance.now();
	const { text, way } = errorWords(counted(error, againAtMs), { days });
	const isPatient = againInS(error) !== null;
	return { text, more: isNow ? player.tryingNow : error.code === 'upstream_unavailable' ? player.meanwhile : null, way, isPatient };
}

export interface RefusedProps {
	onWhy?: () => void;
	onHealth?: (() => void) | undefined;
	/** null: nobody may keep it. */
	download: string | null;
	/** For how many days recordings are kept. */
	days?: number | null;
}

function Way({ way, onHealth, download }: { way: WayOn | null } & Omit<RefusedProps, 'onWhy' | 'days'>) {
	const { common, player } = useWords();
	const press = (text: string, onClick: () => void) => <button type="button" class="btn" onClick={onClick}>{text}</button>;
	if (way === 'retry') return press(common.retry, retry);
	if (way === 'try_now') return press(common.tryNow, retry);
	if (way === 'health' && onHealth) return press(player.health, onHealth);
	if (way === 'sign_in') return press(player.signIn, () => mustSignIn.set(true));
	return way === 'download' && download ? <a class="btn" href={download} download>{player.download}</a> : null;
}

/** For where there is no room for more than the sentence; isTold: it is read out here.  null: nothing is in the way. */
export function useRefusal(days: number | null, isTold: boolean): Told | null {
	const { trouble } = useStore(sound);
	const told = useTold(trouble, days);
	// once, without the seconds that count down
	useEffect(() => {
		if (told && isTold) announceFailure(told.text);
	}, [trouble]);
	return told;
}

export function Refused({ onWhy, onHealth, download, days = null }: RefusedProps) {
	const { common } = useWords();
	const told = useRefusal(days, true);
	if (!told) return null;
	return (
		<div class={told.isPatient ? 'perr w' : 'perr'}>
			<Icon name={told.isPatient ? 'clock' : 'bad'} />
			<p class="grow">{told.text}{told.more && <small>{told.more}</small>}</p>
			{onWhy && <button type="button" class="btn quiet" onClick={onWhy}>{common.why}</button>}
			<Way way={told.way} onHealth={onHealth} download={download} />
		</div>
	);
}

/** null: nothing is to be said. */
export function useNote(): string | null {
	const { player } = useWords();
	const { trouble } = useStore(sound);
	if (trouble?.kind === 'slow') return player.slow;
	if (trouble?.kind === 'loading') return player.loading(timeText(trouble.atS));
	return trouble?.kind === 'offline' ? player.offline(timeText(trouble.atS)) : null;
}
