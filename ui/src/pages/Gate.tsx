// Before the page: who is signed in?  Where nobody is, the form stands in the page's place.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { lazy } from '../frame/lazy';
import { errorWords } from '../parts/errors';
import { askSession, mustSignIn, session } from '../session';
import { useStore } from '../store';
import { useWords } from '../words';
import { Over } from './Card';
import { markStarted } from './start';

const ProxyCard = lazy(() => import('./SignIn').then((module) => module.ProxyCard));
const SignIn = lazy(() => import('./SignIn').then((module) => module.SignIn));
const SignInDialog = lazy(() => import('./SignIn').then((module) => module.SignInDialog));

const AGAIN_MS = 2000;

/** Asks until there is an answer; what was wrong with the last one. */
function useAsking(): unknown {
	const [error, setError] = useState<unknown>(null);

	useEffect(() => {
		let timer: ReturnType<typeof setTimeout>;
		const look = (): Promise<void> => askSession().then(() => setError(null), (failure: unknown) => {
			setError(failure);
			timer = setTimeout(look, AGAIN_MS);
		});
		if (!session.value) void look();
		return () => clearTimeout(timer);
	}, []);
	return error;
}

export function Gate({ children }: { children(): ComponentChildren }) {
	const { common } = useWords();
	const now = useStore(session);
	const isOut = useStore(mustSignIn);
	const error = useAsking();

	useEffect(() => {
		if (now || error) markStarted();
	}, [now, error]);

	if (!now) return error ? <Over title={common.callspool} how={errorWords(error).text} /> : null;
	if (!now.signed_in) return now.auth === 'proxy' ? <ProxyCard /> : <SignIn onDone={() => {}} />;
	return (
		<>
			{children()}
			{isOut && <SignInDialog />}
		</>
	);
}
