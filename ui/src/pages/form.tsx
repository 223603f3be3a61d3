// What the forms of sign-in and invitation share: fields, a password shown on demand, what was refused.
import type { JSX, Ref } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useAllWords } from '../later_words';
import { Icon } from '../parts/Icon';
import type { Refusal } from './refusal';

export interface FieldProps {
	id: string;
	name: string;
	label: string;
	isPassword?: boolean;
	autocomplete: 'username' | 'current-password' | 'new-password';
	value: string;
	isInvalid?: boolean;
	describedBy: string;
	input?: Ref<HTMLInputElement>;
	onInput(value: string): void;
}

export function Field({ id, name, label, isPassword = false, autocomplete, value, isInvalid = false, describedBy, input, onInput }: FieldProps) {
	const { pages } = useAllWords();
	const [isShown, setShown] = useState(false);
	return (
		<div class="fld">
			<label for={id}>{label}</label>
			<span class="in" dir="ltr">
				<input id={id} name={name} ref={input ?? null} type={isPassword && !isShown ? 'password' : 'text'} dir="ltr" autocomplete={autocomplete} autocapitalize="none" spellcheck={false}
					aria-describedby={describedBy} {...(isInvalid ? { 'aria-invalid': 'true' } : {})} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
				{isPassword && (
					<button type="button" class="ib" aria-label={pages.showPassword} aria-pressed={isShown} onClick={() => setShown(!isShown)}>
						<Icon name="eye" />
					</button>
				)}
			</span>
		</div>
	);
}

/** Seconds that are left of a wait; null: it is over. */
export function useCountdown(waitS: number | undefined, of: unknown): number | null {
	const [left, setLeft] = useState<number | null>(waitS ?? null);

	useEffect(() => {
		setLeft(waitS ?? null);
		if (waitS === undefined) return;
		const endsAt = Date.now() + waitS * 1000;
		const timer = setInterval(() => {
			const rest = Math.ceil((endsAt - Date.now()) / 1000);
			setLeft(rest > 0 ? rest : null);
			if (rest <= 0) clearInterval(timer);
		}, 1000);
		return () => clearInterval(timer);
	}, [of]);
	return left;
}

/** The seconds are shown as they go by, and read out once. */
export function FormError({ id, refusal }: { id: string; refusal: Refusal | null }) {
	const words = useAllWords();
	const left = useCountdown(refusal?.waitS, refusal);
	if (!refusal) return <p class="err" id={id} role="alert" hidden />;

	const isCounting = refusal.waitS !== undefined && left !== null && left < refusal.waitS;
	const text = refusal.waitS === undefined ? refusal.text(words) : left === null ? words.pages.tryAgainNow : words.pages.throttled(left);
	return (
		<p class="err" id={id} {...(isCounting ? {} : { role: 'alert' })}>
			<Icon name="bad" />
			<span>{text}</span>
		</p>
	);
}

/** Submits at most once at a time; nothing leaves the page by itself. */
export function useSubmit(submit: () => Promise<void>): { isBusy: boolean; onSubmit: JSX.SubmitEventHandler<HTMLFormElement> } {
	const [isBusy, setBusy] = useState(false);
	const busy = useRef(false);
	const onSubmit = (event: Event): void => {
		event.preventDefault();
		if (busy.current) return;
		busy.current = true;
		setBusy(true);
		void submit().finally(() => {
			busy.current = false;
			setBusy(false);
		});
	};
	return { isBusy, onSubmit };
}
