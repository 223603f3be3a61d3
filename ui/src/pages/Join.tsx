// An invitation: it is spent only when a password is sent that the server accepts.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, ask } from '../api';
import { normal } from '../session';
import { useAllWords, type AllWords } from '../later_words';
import { Card, Over } from './Card';
import { Field, FormError, useSubmit } from './form';
import { refusalOf, type Refusal } from './refusal';
import { SignInForm } from './SignIn';
import { markStarted } from './start';
import { useTitle } from './title';

const NAME_MAX = 64;
const USUAL_MIN = 15; // password.min, until the server says otherwise

/** What the invitation is for. */
interface Terms {
	/** The first administrator has no name yet. */
	asksName: boolean;
	/** Characters of a password. */
	min: number;
	refusal: Refusal | null;
}

interface Joined {
	user?: { name: string };
}

type Step = { kind: 'looking' } | { kind: 'empty' } | { kind: 'spent' } | { kind: 'choosing'; terms: Terms } | { kind: 'joined'; name: string };

const join = (body: Record<string, string>): Promise<Joined> => ask('/join', { method: 'POST', body });
const isSpent = (error: unknown): boolean => error instanceof ApiError && error.code === 'link_not_found';

/**
 * A password that no rule lets through asks what this invitation is, and leaves it as it is: whoever has no name yet is
 * told so before anything is judged.
 */
async function look(invitation: string): Promise<Step> {
	try {
		await join({ invitation, password: '' });
	} catch (error) {
		if (isSpent(error)) return { kind: 'spent' };
		const { code, body } = error instanceof ApiError ? error : { code: '', body: {} as Record<string, unknown> };
		const isUsual = code === 'bad_request' || code === 'password_refused';
		return { kind: 'choosing', terms: { asksName: code === 'bad_request', min: Number(body['min']) || USUAL_MIN, refusal: isUsual ? null : refusalOf(error) } };
	}
	return { kind: 'spent' };
}

type Wrong = 'name' | 'password' | 'again' | null;

interface Complaint {
	refusal: Refusal;
	wrong: Wrong;
}

function complaintOf(error: unknown): Complaint {
	const code = error instanceof ApiError ? error.code : '';
	const said = (text: (words: AllWords) => string, wrong: Wrong): Complaint => ({ refusal: { text }, wrong });
	if (code === 'bad_request') return said(({ pages }) => pages.joinNameWrong(NAME_MAX), 'name');
	return { refusal: refusalOf(error), wrong: code === 'name_taken' ? 'name' : code === 'password_refused' ? 'password' : null };
}

interface FormProps {
	invitation: string;
	terms: Terms;
	onStep(step: Step): void;
}

function JoinForm({ invitation, terms, onStep }: FormProps) {
	const { pages } = useAllWords();
	const [name, setName] = useState('');
	const [password, setPassword] = useState('');
	const [again, setAgain] = useState('');
	const [complaint, setComplaint] = useState<Complaint | null>(terms.refusal && { refusal: terms.refusal, wrong: null });
	const fields = { name: useRef<HTMLInputElement>(null), password: useRef<HTMLInputElement>(null), again: useRef<HTMLInputElement>(null) };
	const wrong = complaint?.wrong ?? null;

	useEffect(() => (terms.asksName ? fields.name : fields.password).current?.focus(), []);

	const complain = (next: Complaint): void => {
		setComplaint(next);
		if (next.wrong) fields[next.wrong].current?.focus();
	};
	const { isBusy, onSubmit } = useSubmit(async () => {
		if (password !== again) {
			complain({ refusal: { text: (words) => words.pages.joinDiffers }, wrong: 'again' });
			return;
		}
		try {
			const { user } = await join({ invitation, password: normal(password), ...(terms.asksName ? { name: name.trim() } : {}) });
			onStep({ kind: 'joined', name: user?.name ?? '' });
		} catch (error) {
			if (isSpent(error)) onStep({ kind: 'spent' });
			else complain(complaintOf(error));
		}
	});

	return (
		<form id="join-form" method="post" action="/join" noValidate onSubmit={onSubmit}>
			{terms.asksName && (
				<Field id="join-name" name="name" label={pages.joinName} autocomplete="username" value={name} isInvalid={wrong === 'name'} describedBy="join-error" input={fields.name} onInput={setName} />
			)}
			<Field id="join-password" name="password" label={pages.password} isPassword autocomplete="new-password" value={password} isInvalid={wrong === 'password'} describedBy="rule join-error"
				input={fields.password} onInput={setPassword} />
			<p id="rule" class="rule">{pages.joinRule(terms.min)}</p>
			<Field id="join-again" name="again" label={pages.joinAgain} isPassword autocomplete="new-password" value={again} isInvalid={wrong === 'again'} describedBy="join-error" input={fields.again}
				onInput={setAgain} />
			<FormError id="join-error" refusal={complaint?.refusal ?? null} />
			<button type="submit" class="btn pri" {...(isBusy ? { 'aria-disabled': 'true' } : {})}>{pages.joinSave}</button>
		</form>
	);
}

function Choosing(props: FormProps) {
	const { pages } = useAllWords();
	return (
		<Card id="join" labelledBy="join-title">
			<h1 id="join-title">{props.terms.asksName ? pages.joinFirst : pages.join}</h1>
			<JoinForm {...props} />
		</Card>
	);
}

/** The password is set: it is typed once more, so that the browser offers to keep it. */
function Taken({ name }: { name: string }) {
	const { pages } = useAllWords();
	return (
		<Card id="sign-in" labelledBy="sign-in-title">
			<h1 id="sign-in-title">{pages.signIn}</h1>
			<p id="joined" class="done" role="status">{pages.joinDone}</p>
			<SignInForm name={name} onDone={() => location.replace('/')} />
		</Card>
	);
}

/** invitation: the secret, which is out of the address bar by now. */
export function Join({ invitation }: { invitation: string }) {
	const { common, pages } = useAllWords();
	const [step, setStep] = useState<Step>(invitation ? { kind: 'looking' } : { kind: 'empty' });
	useTitle(pages.joinTitle);

	useEffect(() => {
		if (invitation) void look(invitation).then(setStep);
	}, []);
	useEffect(() => {
		if (step.kind !== 'looking') markStarted();
	}, [step]);

	switch (step.kind) {
	case 'looking': return <p class="sr" role="status">{common.loading}</p>;
	case 'empty': return <Over title={pages.joinEmpty} how={pages.joinEmptyHow} />;
	case 'spent': return <Over title={pages.joinSpent} how={pages.joinSpentHow} />;
	case 'joined': return <Taken name={step.name} />;
	case 'choosing': return <Choosing invitation={invitation} terms={step.terms} onStep={setStep} />;
	}
}
