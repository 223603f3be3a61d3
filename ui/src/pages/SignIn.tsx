// Signing in: the form, on a page of its own and in a dialog over what was on the page when somebody was signed out.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api';
import { Dialog } from '../parts/Dialog';
import { putAwaySignIn, session, signIn } from '../session';
import { useStore } from '../store';
import { useAllWords } from '../later_words';
import { Card, Over } from './Card';
import { Field, FormError, useSubmit } from './form';
import { refusalOf, type Refusal } from './refusal';
import { useTitle } from './title';

interface FormProps {
	/** Filled in already. */
	name?: string;
	/** Why the form is shown. */
	why?: Refusal | null;
	onDone(): void;
}

type Wrong = 'name' | 'password' | 'both' | null;

export function SignInForm({ name: known = '', why = null, onDone }: FormProps) {
	const { pages } = useAllWords();
	const [name, setName] = useState(known);
	const [password, setPassword] = useState('');
	const [refusal, setRefusal] = useState<Refusal | null>(why);
	const [wrong, setWrong] = useState<Wrong>(null);
	const nameField = useRef<HTMLInputElement>(null);
	const passwordField = useRef<HTMLInputElement>(null);

	useEffect(() => (known ? passwordField : nameField).current?.focus(), []);

	const refuse = (words: Refusal, which: Wrong): void => {
		setRefusal(words);
		setWrong(which);
		if (which === 'name') nameField.current?.focus();
		else if (which) passwordField.current?.select();
	};
	const { isBusy, onSubmit } = useSubmit(async () => {
		if (!name.trim() || !password) {
			refuse({ text: (words) => words.pages.fillIn }, name.trim() ? 'password' : 'name');
			return;
		}
		try {
			await signIn(name, password);
		} catch (error) {
			refuse(refusalOf(error), error instanceof ApiError && error.code === 'sign_in_failed' ? 'both' : null);
			return;
		}
		setPassword('');
		onDone();
	});

	return (
		<form id="sign-in-form" method="post" action="/api/session" noValidate onSubmit={onSubmit}>
			<Field id="sign-in-name" name="name" label={pages.name} autocomplete="username" value={name} isInvalid={wrong === 'name' || wrong === 'both'} describedBy="sign-in-error"
				input={nameField} onInput={setName} />
			<Field id="sign-in-password" name="password" label={pages.password} isPassword autocomplete="current-password" value={password} isInvalid={wrong === 'password' || wrong === 'both'}
				describedBy="sign-in-error" input={passwordField} onInput={setPassword} />
			<FormError id="sign-in-error" refusal={refusal} />
			<button type="submit" class="btn pri" {...(isBusy ? { 'aria-disabled': 'true' } : {})}>{pages.signIn}</button>
		</form>
	);
}

export function SignIn({ onDone }: { onDone(): void }) {
	const { common, pages } = useAllWords();
	useTitle(`${pages.signIn} · ${common.callspool}`);
	return (
		<Card id="sign-in" labelledBy="sign-in-title">
			<h1 id="sign-in-title">{pages.signIn}</h1>
			<SignInForm onDone={onDone} />
		</Card>
	);
}

/** With `auth = proxy` nobody signs in here. */
export function ProxyCard() {
	const { pages } = useAllWords();
	return (
		<Over id="proxy" title={pages.proxySignsIn} how={pages.proxyHow}>
			<button type="button" id="reload" class="btn pri" onClick={() => location.reload()}>{pages.reload}</button>
		</Over>
	);
}

const SIGNED_OUT: Refusal = { text: ({ errors }) => errors.signedOut };

/** Over the page: the list and the sound stay. */
export function SignInDialog() {
	const { pages, errors } = useAllWords();
	const now = useStore(session);

	if (now?.auth !== 'password') {
		return (
			<Dialog title={pages.signIn} size="small" onClose={putAwaySignIn} footer={<button type="button" class="btn pri" onClick={() => location.reload()}>{pages.reload}</button>}>
				<p class="said">{errors.signedOut} {now?.auth === 'proxy' && pages.proxySignsIn}</p>
			</Dialog>
		);
	}
	return (
		<Dialog title={pages.signIn} size="small" onClose={putAwaySignIn}>
			<SignInForm name={now.user?.name ?? ''} why={SIGNED_OUT} onDone={() => {}} />
		</Dialog>
	);
}
