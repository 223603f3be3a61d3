// Where toasts appear: above what it is put before (the player, the foot of a page).  They stay longer while they are
// looked at.
import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../store';
import { useWords } from '../words';
import { Icon } from './Icon';
import { shownToast, type Toast } from './toast';

const PLAIN_MS = 6000;
const ACTION_MS = 10_000;

function Shown({ toast }: { toast: Toast }) {
	const { common } = useWords();
	const [isHeld, setHeld] = useState(false);
	const away = (): void => shownToast.set(null);

	useEffect(() => {
		if (isHeld) return;
		const timer = setTimeout(away, toast.action ? ACTION_MS : PLAIN_MS);
		return () => clearTimeout(timer);
	}, [toast, isHeld]);

	return (
		<section class="toast" aria-label={common.messages} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocusIn={() => setHeld(true)} onFocusOut={() => setHeld(false)}>
			<Icon name="check" />
			<span>{toast.text}</span>
			{toast.action && (
				<button type="button" class="btn sm" onClick={() => { away(); toast.action?.onSelect(); }}>
					{toast.action.label}
				</button>
			)}
			<button type="button" class="ib" aria-label={common.close} onClick={away}>
				<Icon name="close" />
			</button>
		</section>
	);
}

export function Toasts() {
	const toast = useStore(shownToast);
	return <div class="toasts">{toast && <Shown toast={toast} />}</div>;
}
