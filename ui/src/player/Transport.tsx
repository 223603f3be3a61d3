// The controls below the lanes.  Their order is that of time, in every language.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon, TenIcon } from '../parts/Icon';
import { MenuButton, MenuItem } from '../parts/Menu';
import { useStore } from '../store';
import { useWords } from '../words';
import { timeNow } from './audio';
import { seek, sound } from './engine';
import { listening, loop, pressLoop, second, setSpeed, SPEEDS, toggleSkip } from './listening';
import { savedS } from './silence';
import { leftText, lengthText, timeText } from './time';
import { isInTheWay } from './trouble';
import { wave } from './waves';

export const TEN_S = 10;
export const seekBy = (seconds: number): void => seek(timeNow() + seconds);

export function TimeButton() {
	const { player } = useWords();
	const [isLeft, setLeft] = useState(false);
	const nowS = useStore(second);
	const { durationS } = useStore(sound);
	return (
		<button type="button" class="time" title={player.timeShown} onClick={() => setLeft(!isLeft)}>
			<b>{isLeft ? leftText(nowS, durationS) : timeText(nowS)}</b> <span>/ {lengthText(durationS)}</span>
		</button>
	);
}

const times = (speed: number): string => `${speed}×`;

export function SpeedButton({ class: more = 'tg', isTall = false }: { class?: string; isTall?: boolean }) {
	const { player } = useWords();
	const { speed } = useStore(listening);
	const text = <bdi class="n" dir="ltr">{times(speed)}</bdi>;
	return (
		<MenuButton class={more} label={isTall ? `${times(speed)} ${player.speed}` : player.speedIs(String(speed))} menuLabel={player.speed} side="above"
			button={isTall ? <><b>{text}</b> {player.speed}</> : <>{text}<Icon name="down" /></>}>
			{() => SPEEDS.map((one) => (
				<MenuItem key={one} isChecked={one === speed} onSelect={() => setSpeed(one)}><bdi class="n" dir="ltr">{times(one)}</bdi></MenuItem>
			))}
		</MenuButton>
	);
}

/** Off where nobody knows yet where the silence is. */
export function SkipButton({ class: more = 'tg' }: { class?: string }) {
	const { player } = useWords();
	const { skipsSilence } = useStore(listening);
	const silence = useStore(wave)?.silence;
	const title = silence ? player.saves(timeText(savedS(silence))) : player.skipSilence;
	return (
		<button type="button" class={more} aria-label={player.skipSilence} title={title} aria-pressed={skipsSilence} disabled={!silence} onClick={toggleSkip}>
			<Icon name="silence" /><span class="lbl2">{player.skipSilence}</span>
		</button>
	);
}

export function LoopButton({ class: more = 'tg', isTall = false }: { class?: string; isTall?: boolean }) {
	const { player } = useWords();
	const now = useStore(loop);
	return (
		<button type="button" class={more} aria-label={isTall ? `A–B ${player.loop}` : `${player.loop} A–B`} title={player.loop} aria-pressed={now !== null} onClick={pressLoop}>
			{isTall ? <><b><bdi class="n" dir="ltr">A–B</bdi></b> {player.loop}</> : <bdi class="n" dir="ltr">A–B</bdi>}
		</button>
	);
}

export function BigButton({ size = 18, onPress }: { size?: number; onPress(): void }) {
	const { player } = useWords();
	const { isWanted, isBusy, trouble } = useStore(sound);
	const isOn = isWanted && !isInTheWay(trouble);
	return (
		<button type="button" class={isBusy ? 'big busy' : 'big'} aria-label={isOn ? player.pause : player.play} aria-busy={isBusy} onClick={onPress}>
			<Icon name={isOn ? 'pause' : 'play'} size={size} />
		</button>
	);
}

export function TenButton({ way, size = 22 }: { way: 'back' | 'forward'; size?: number }) {
	const { player } = useWords();
	return (
		<button type="button" class="ib" aria-label={player[way]} title={player[way]} onClick={() => seekBy(way === 'back' ? -TEN_S : TEN_S)}>
			<TenIcon way={way} size={size} />
		</button>
	);
}

/** The shared part of every player: the middle of it, with what stands on its sides. */
export function Middle({ onPress, size = 18, tenSize = 22, before, after }: { onPress(): void; size?: number; tenSize?: number; before?: ComponentChildren; after?: ComponentChildren }) {
	return (
		<>
			{before}
			<TenButton way="back" size={tenSize} />
			<BigButton size={size} onPress={onPress} />
			<TenButton way="forward" size={tenSize} />
			{after}
		</>
	);
}
