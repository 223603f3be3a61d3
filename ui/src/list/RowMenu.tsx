// What can be done with a call; what its reader may not do is absent.
import { useState } from 'preact/hooks';
import { mediaOf } from '../api';
import { lazy } from '../frame/lazy';
import { Menu, MenuItem, MenuLine } from '../parts/Menu';
import { may } from '../session';
import type { Call, Recording } from '../types';
import { go } from '../view';
import { useWords } from '../words';
import { canPlay, canRetry, endHoldOf, copyLink, copyNumber, copySid, retryCallOf, togglePlay } from './deeds';
import { otherNumber } from './say';
import { mainOf } from './states';

const HoldDialog = lazy(() => import('../details/dialogs').then((module) => module.HoldDialog));
const DeleteDialog = lazy(() => import('../details/dialogs').then((module) => module.DeleteDialog));

type Question = 'hold' | 'delete';

interface Props {
	/** Null: it is gone from the list. */
	call: Call | null;
	anchor: HTMLElement;
	onClose(): void;
}

function Keeping({ recording, ask }: { recording: Recording; ask(question: Question): void }) {
	const { list } = useWords();
	if (!may('change') || recording.state !== 'stored') return null;
	return (
		<>
			<MenuLine />
			{recording.held ? <MenuItem icon="lock" onSelect={() => void endHoldOf(recording)}>{list.menuEndHold}</MenuItem> : <MenuItem icon="lock" onSelect={() => ask('hold')}>{list.menuHold}</MenuItem>}
			{!recording.held && <MenuItem icon="trash" isDangerous onSelect={() => ask('delete')}>{list.menuDelete}</MenuItem>}
		</>
	);
}

function Items({ call, ask }: { call: Call; ask(question: Question): void }) {
	const { list } = useWords();
	const recording = mainOf(call);
	const isStored = recording?.state === 'stored' && !recording.expired;
	return (
		<>
			{canPlay(call) && <MenuItem icon="play" shortcut="↵" onSelect={() => togglePlay(call)}>{list.menuPlay}</MenuItem>}
			<MenuItem icon="eye" shortcut="I" onSelect={() => go({ call: call.call_sid })}>{list.menuDetails}</MenuItem>
			<MenuLine />
			{otherNumber(call) && <MenuItem icon="copy" onSelect={() => void copyNumber(call)}>{list.menuCopyNumber}</MenuItem>}
			<MenuItem icon="copy" onSelect={() => void copySid(call)}>{list.menuCopySid}</MenuItem>
			<MenuItem icon="link" onSelect={() => void copyLink(call)}>{list.menuCopyLink}</MenuItem>
			{isStored && may('play') && <MenuItem icon="download" href={`${mediaOf(recording.recording_sid)}?download=1`} download>{list.menuDownload}</MenuItem>}
			{canRetry(call) && <MenuItem icon="retry" shortcut="R" onSelect={() => void retryCallOf(call)}>{list.menuRetry}</MenuItem>}
			{recording && <Keeping recording={recording} ask={ask} />}
		</>
	);
}

/** Stays until its question is answered. */
export function RowMenu({ call, anchor, onClose }: Props) {
	const { list } = useWords();
	const [question, setQuestion] = useState<Question | null>(null);
	const [isOpen, setOpen] = useState(true);
	const recording = call && mainOf(call);
	if (!call) return null;
	if (question && recording) {
		const Dialog = question === 'hold' ? HoldDialog : DeleteDialog;
		return <Dialog recordingSid={recording.recording_sid} onClose={onClose} />;
	}
	if (!isOpen) return null;
	// An item closes the menu before it acts: what it asks is known a moment later.
	const close = (): void => {
		setOpen(false);
		setTimeout(() => setQuestion((asked) => {
			if (!asked) onClose();
			return asked;
		}));
	};
	return <Menu anchor={anchor} label={list.columns.more} align="end" onClose={close}><Items call={call} ask={setQuestion} /></Menu>;
}
