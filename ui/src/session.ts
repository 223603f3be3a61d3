// Who is signed in.
import { ApiError, ask, getSession, isSignedOut, signedOut } from './api';
import { store } from './store';
import type { Session, User } from './types';

/** null: not known yet.  After somebody was signed out it stays what it was until another one signs in: what is on the page stays there. */
export const session = store<Session | null>(null);

/** Somebody was here and is not known any more: the page asks to sign in again, over what it shows. */
export const mustSignIn = store(false);

const ASK_AGAIN_MS = 10_000; // after the dialog was put away

let putAwayAt = -ASK_AGAIN_MS;

/** The server names rights in one text, "play,read". */
type Told = Omit<Session, 'user'> & { user?: (Omit<User, 'rights'> & { rights: string | string[] }) | null };

function sessionOf(told: Told): Session {
	const user = told.user ?? null;
	const rights = typeof user?.rights === 'string' ? user.rights.split(',') : (user?.rights ?? []);
	return { auth: told.auth, signed_in: told.signed_in, user: told.signed_in && user ? { ...user, rights } : null };
}

export const may = (right: string): boolean => session.value?.user?.rights.includes(right) ?? false;

/** Asks the server; throws ApiError when it does not say. */
export async function askSession(): Promise<Session> {
	const told = sessionOf((await getSession()) as unknown as Told);
	const before = session.value?.user?.name;

	if (told.signed_in && before !== undefined && before !== told.user?.name) {
		// Another person: nothing of what the one before saw may stay.
		location.reload();
	}
	if (told.signed_in || !before) session.set(told);
	mustSignIn.set(!told.signed_in && before !== undefined);
	return told;
}

/** RFC 8265: the same password typed on two keyboards is the same bytes. */
export const normal = (password: string): string => password.normalize('NFKC');

/** Throws ApiError; `no_cookie`: it was good, and the browser keeps no cookie of ours. */
export async function signIn(name: string, password: string): Promise<void> {
	await ask('/api/session', { method: 'POST', body: { name: name.trim(), password: normal(password) } });
	if (!(await askSession()).signed_in) throw new ApiError('no_cookie', '', 0, 0, null);
}

/** Throws ApiError. */
export async function signOut(): Promise<void> {
	try {
		await ask('/api/session', { method: 'DELETE' });
	} catch (error) {
		if (!isSignedOut(error)) throw error;
	}
	const auth = session.value?.auth ?? 'password';
	mustSignIn.set(false);
	session.set({ auth, signed_in: false, user: null });
}

export function putAwaySignIn(): void {
	putAwayAt = performance.now();
	mustSignIn.set(false);
}

/** Told when somebody is signed in again, or may be: the dialog was put away.  Returns what ends it. */
export function onBack(told: () => void): () => void {
	const ends = [session.listen((now) => now?.signed_in && told()), mustSignIn.listen((must) => !must && told())];
	return () => {
		for (const end of ends) end();
	};
}

export const untilBack = (): Promise<void> => new Promise((done) => {
	const end = onBack(() => {
		end();
		done();
	});
});

/** Once.  Whoever signs in in another window is so in this one, too, as soon as it is looked at again. */
export function startSession(): void {
	document.addEventListener('visibilitychange', () => {
		if (!document.hidden && mustSignIn.value) void askSession().catch(() => {});
	});
}

signedOut.told = () => {
	if (session.value?.signed_in && performance.now() - putAwayAt >= ASK_AGAIN_MS) mustSignIn.set(true);
};
