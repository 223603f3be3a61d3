// What is asked before a recording is held or deleted.
import { useState } from 'preact/hooks';
import { announceFailure } from '../parts/announce';
import { Dialog } from '../parts/Dialog';
import { errorWords } from '../parts/errors';
import { Icon } from '../parts/Icon';
import { useAllWords } from '../later_words';
import { holdDeed, removeDeed } from './deeds';

interface Asked {
	recordingSid: string;
	onClose(): void;
}

const REASON_MAX_BYTES = 300;

function Refused({ text }: { text: string | null }) {
	if (!text) return null;
	return (
		<p class="err" role="alert">
			<Icon name="bad" />
			<span>{text}</span>
		</p>
	);
}

/** Does it once, and closes when it is done; what was refused stays in the dialog. */
function useOnce(deed: () => Promise<void>, onClose: () => void): { isBusy: boolean; refused: string | null; act(): void; refuse(text: string): void } {
	const [isBusy, setBusy] = useState(false);
	const [refused, refuse] = useState<string | null>(null);
	const act = (): void => {
		if (isBusy) return;
		setBusy(true);
		refuse(null);
		deed().then(onClose, (error: unknown) => {
			setBusy(false);
			refuse(errorWords(error).text);
		});
	};
	return { isBusy, refused, act, refuse };
}

export function HoldDialog({ recordingSid, onClose }: Asked) {
	const { common, details } = useAllWords();
	const [reason, setReason] = useState('');
	const { isBusy, refused, act, refuse } = useOnce(() => holdDeed(recordingSid, reason.trim()), onClose);
	const submit = (event: Event): void => {
		event.preventDefault();
		if (new TextEncoder().encode(reason.trim()).length > REASON_MAX_BYTES) refuse(details.holdReasonLong);
		else act();
	};
	return (
		<Dialog title={details.holdTitle} size="small" onClose={onClose}>
			<p class="said">{details.holdSaid}</p>
			<form onSubmit={submit} noValidate>
				<label class="fld">
					{details.holdReason}
					<span class="in">
						<input data-first name="reason" dir="auto" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
					</span>
				</label>
				<Refused text={refused} />
				<div class="dfoot">
					<button type="button" class="btn" onClick={onClose}>{common.cancel}</button>
					<button type="submit" class="btn pri" aria-disabled={isBusy}>{details.hold}</button>
				</div>
			</form>
		</Dialog>
	);
}

export function DeleteDialog({ recordingSid, onClose }: Asked) {
	const { common, details } = useAllWords();
	const { isBusy, refused, act } = useOnce(() => removeDeed(recordingSid), onClose);
	const footer = (
		<>
			<button type="button" class="btn" data-first onClick={onClose}>{common.cancel}</button>
			<button type="button" class="btn danger" aria-disabled={isBusy} onClick={act}>{details.deleteDo}</button>
		</>
	);
	return (
		<Dialog title={details.deleteTitle} size="small" onClose={onClose} footer={footer}>
			<p class="said">{details.deleteSaid}</p>
			<Refused text={refused} />
		</Dialog>
	);
}

/** A deed without a question: what was refused is said, and shown by whoever asked. */
export async function tried(deed: Promise<void>, refused: (text: string | null) => void): Promise<void> {
	refused(null);
	try {
		await deed;
	} catch (error) {
		const { text } = errorWords(error);
		announceFailure(text);
		refused(text);
	}
}
