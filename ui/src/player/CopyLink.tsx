// The box of Copy link: for whom, until when, from where.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Icon } from '../parts/Icon';
import { Popover } from '../parts/Popover';
import { may } from '../session';
import { useWords } from '../words';
import { copyForAnybody, copyForColleagues, DAYS, failureText, momentOf, type Linked } from './links';
import { timeText } from './time';

/** Where the browser forbids copying: the address, marked. */
function ByHand({ address }: { address: string }) {
	const { player } = useWords();
	return (
		<label class="byhand">
			<span>{player.copyByHand}</span>
			<input ref={(field) => field?.select()} readOnly value={address} dir="ltr" aria-label={player.address} />
		</label>
	);
}

function Choices({ linked, onClose }: { linked: Linked; onClose(): void }) {
	const { player } = useWords();
	const [atS] = useState(() => momentOf(linked));
	const [isFrom, setFrom] = useState(atS > 0);
	const [isWhole, setWhole] = useState(false);
	const { all = 1 } = linked;
	const [isAsking, setAsking] = useState(false);
	const [address, setAddress] = useState<string | null>(null);
	const [failure, setFailure] = useState<string | null>(null);
	const startS = isFrom ? atS : 0;

	const copy = async (made: Promise<string | null>): Promise<void> => {
		setAsking(true);
		setFailure(null);
		try {
			const left = await made;
			if (left === null) onClose();
			else setAddress(left);
		} catch (error) {
			setFailure(failureText(error));
		}
		setAsking(false);
	};
	if (address) return <ByHand address={address} />;
	return (
		<>
			{atS > 0 && (
				<label class="it">
					<input type="checkbox" checked={isFrom} onChange={(event) => setFrom(event.currentTarget.checked)} />
					{player.fromTime(timeText(atS))}
				</label>
			)}
			<button type="button" class="it" disabled={isAsking} onClick={() => void copy(copyForColleagues(linked, startS))}>{player.forColleagues}</button>
			{may('link') && (
				<div role="group" aria-label={player.forAnybody}>
					<p class="cap">{player.forAnybody}</p>
					{all > 1 && (
						<label class="it">
							<input type="checkbox" checked={isWhole} onChange={(event) => setWhole(event.currentTarget.checked)} />
							{player.wholeCall(all)}
						</label>
					)}
					{DAYS.map((days) => (
						<button key={days} type="button" class="it" disabled={isAsking} onClick={() => void copy(copyForAnybody(linked, days, startS, isWhole))}>{player.days(days)}</button>
					))}
				</div>
			)}
			{failure && <p class="err" role="alert">{failure}</p>}
		</>
	);
}

export interface CopyLinkProps extends Linked {
	class?: string;
	children?: ComponentChildren;
}

/** The button with its box. */
export function CopyLink({ class: more = 'ib', children, ...linked }: CopyLinkProps) {
	const { player } = useWords();
	const [anchor, setAnchor] = useState<HTMLElement | null>(null);
	const close = (): void => setAnchor(null);
	return (
		<>
			<button type="button" class={more} aria-label={player.copyLink} title={player.copyLink} aria-haspopup="dialog" aria-expanded={anchor !== null}
				onClick={(event) => setAnchor(anchor ? null : event.currentTarget)}>
				<Icon name="link" />{children}
			</button>
			{anchor && (
				<Popover class="links" anchor={anchor} label={player.copyLink} side="above" align="end" onClose={close}>
					<Choices linked={linked} onClose={close} />
				</Popover>
			)}
		</>
	);
}
