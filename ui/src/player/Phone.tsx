// The player of a phone: a line at the bottom, and a sheet over everything.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { keptDays } from '../list/say';
import { Icon } from '../parts/Icon';
import { MenuButton, MenuItem } from '../parts/Menu';
import { cover } from '../parts/overlays';
import { Popover } from '../parts/Popover';
import { Toasts } from '../parts/Toasts';
import { useStore } from '../store';
import { useWords } from '../words';
import { playNeighbour, recordingOf, toggle, track, type Track } from './control';
import { CopyLink } from './CopyLink';
import { GoOn, mediaAddress, NeighbourButton, useLanes, useRefused, type PlayerProps } from './Dock';
import { sound } from './engine';
import { Chapters, Other, Ours, When } from './Ident';
import { LevelsBox } from './Levels';
import { linkedOf } from './links';
import { useRefusal } from './Refused';
import { listening, second } from './listening';
import { TallLanes } from './TallLanes';
import { lengthText, timeText } from './time';
import { BigButton, LoopButton, Middle, SkipButton, SpeedButton, TenButton } from './Transport';
import { isInTheWay } from './trouble';
import { useHeadLine } from './useHeadLine';
import { wayOf } from './who';

const SWIPE_PX = 40;

/** Told of a finger that went up or down. */
function useSwipe(way: 'up' | 'down', told: () => void) {
	const from = useRef(0);
	return {
		onTouchStart: (event: TouchEvent): void => void (from.current = event.touches[0]?.clientY ?? 0),
		onTouchEnd: (event: TouchEvent): void => {
			const by = (event.changedTouches[0]?.clientY ?? 0) - from.current;
			if (way === 'up' ? by < -SWIPE_PX : by > SWIPE_PX) told();
		},
	};
}

function Mini({ held, isAlone, onOpen }: { held: Track; isAlone: boolean; onOpen(): void }) {
	const { player } = useWords();
	const nowS = useStore(second);
	const { speed } = useStore(listening);
	const { durationS } = useStore(sound);
	const recording = recordingOf(held);
	const why = useRefusal(recording ? keptDays(recording) : null, isAlone);
	const line = useRef<HTMLSpanElement>(null);
	useHeadLine(line);
	return (
		<section class="mini" id="player" aria-label={player.region} tabIndex={-1} {...useSwipe('up', onOpen)}>
			<span class="pl" ref={line} />
			<button type="button" class="t" onClick={onOpen}>
				<span class="sr">{player.open}</span>
				<b><Other track={held} /></b>
				<small class={why ? (why.isPatient ? 'why w' : 'why') : ''}>{why?.text ?? <><bdi class="n" dir="ltr">{timeText(nowS)} / {lengthText(durationS)}</bdi> · <bdi class="n" dir="ltr">{speed}×</bdi></>}</small>
			</button>
			<TenButton way="back" size={24} />
			<BigButton onPress={toggle} />
		</section>
	);
}

/** What has no room in the sheet. */
function More({ held, lanes }: { held: Track; lanes: ReturnType<typeof useLanes> }) {
	const { player } = useWords();
	const box = useRef<HTMLSpanElement>(null);
	const [anchor, setAnchor] = useState<HTMLElement | null>(null);
	return (
		<span ref={box}>
			<MenuButton label={player.more} button={<Icon name="more" />} align="end">
				{() => (
					<>
						<MenuItem icon="sliders" onSelect={() => setAnchor(box.current)}>{player.levels}</MenuItem>
						<MenuItem icon="download" href={mediaAddress(held)} download>{player.download}</MenuItem>
						<MenuItem icon="previous" onSelect={() => playNeighbour('previous')}>{player.previous}</MenuItem>
						<MenuItem icon="next" onSelect={() => playNeighbour('next')}>{player.next}</MenuItem>
					</>
				)}
			</MenuButton>
			{anchor && (
				<Popover class="levels" anchor={anchor} label={player.levels} align="end" onClose={() => setAnchor(null)}>
					<LevelsBox lanes={lanes} way={wayOf(held.call.direction)} />
				</Popover>
			)}
		</span>
	);
}

/** Back closes it: it has a place of its own in the history. */
function useBack(onClose: () => void): (then?: () => void) => void {
	useEffect(() => {
		history.pushState({ sheet: true }, '', location.href);
		addEventListener('popstate', onClose);
		return () => removeEventListener('popstate', onClose);
	}, []);
	// going back takes a moment: what makes a place of its own in the history waits for it
	return (then) => {
		if (then) addEventListener('popstate', () => setTimeout(then), { once: true });
		history.back();
	};
}

function Sheet({ held, onWhy, onClose }: { held: Track; onClose(): void } & PlayerProps) {
	const { player } = useWords();
	const dialog = useRef<HTMLDialogElement>(null);
	const { trouble } = useStore(sound);
	const lanes = useLanes(held);
	const away = useBack(onClose);
	const refused = useRefused(held, (callSid) => away(() => onWhy(callSid)));

	useLayoutEffect(() => {
		const element = dialog.current!;
		const before = document.activeElement as HTMLElement | null;
		const uncover = cover();
		element.showModal();
		return () => {
			uncover();
			element.close();
			if (before?.isConnected) before.focus({ preventScroll: true });
		};
	}, []);
	const cancel = (event: Event): void => {
		event.preventDefault();
		away();
	};
	return (
		<dialog ref={dialog} class="psheet" aria-label={player.region} onCancel={cancel}>
			<div class="sh" {...useSwipe('down', () => away())}>
				<button type="button" class="ib" aria-label={player.close} onClick={() => away()}><Icon name="shrink" /></button>
				<Chapters track={held} />
				<More held={held} lanes={lanes} />
			</div>
			<h2><Other track={held} /></h2>
			<p class="sub"><When track={held} /> · <Ours track={held} /></p>
			{isInTheWay(trouble) ? <div class="lane">{refused}</div> : <TallLanes lanes={lanes} hasButtons more={<GoOn />} />}
			<div class="tr" dir="ltr">
				<Middle onPress={toggle} size={28} tenSize={34} before={<NeighbourButton way="previous" size={24} />} after={<NeighbourButton way="next" size={24} />} />
			</div>
			<Toasts />
			<div class="opts">
				<SpeedButton class="" isTall />
				<SkipButton class="" />
				<LoopButton class="" isTall />
				<CopyLink class="" {...linkedOf(held)}>{player.copyLink}</CopyLink>
			</div>
		</dialog>
	);
}

export function Phone({ onWhy }: PlayerProps) {
	const held = useStore(track);
	const [isOpen, setOpen] = useState(false);
	if (!held) return null;
	return (
		<>
			<Mini held={held} isAlone={!isOpen} onOpen={() => setOpen(true)} />
			{isOpen && <Sheet held={held} onWhy={onWhy} onClose={() => setOpen(false)} />}
		</>
	);
}
