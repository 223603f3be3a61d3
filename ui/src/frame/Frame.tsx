// The bars, the list or another page, the details beside it, and the player below, which nothing takes away.
import { useEffect, useRef } from 'preact/hooks';
import { calls } from '../list/calls';
import { List } from '../list/List';
import { Messages } from '../parts/Messages';
import { Toasts } from '../parts/Toasts';
import { playing } from '../player/control';
import { Player } from '../player/Player';
import { mustSignIn } from '../session';
import { useStore } from '../store';
import { go, view } from '../view';
import { useWords } from '../words';
import { Banner } from './Banner';
import { PhoneBar, WideBar } from './Bar';
import { DATES_ID, Filters } from './Filters';
import { keysShown, useKeys } from './keys';
import { lazy } from './lazy';
import { phone } from './phone';
import { SEARCH_ID } from './Search';

const Health = lazy(() => import('../pages/Health').then((module) => module.Health));
const KeysDialog = lazy(() => import('../pages/KeysDialog').then((module) => module.KeysDialog));
const Details = lazy(() => import('../details/Details').then((module) => module.Details));

function SkipLinks() {
	const { list } = useWords();
	const hasPlayer = useStore(playing) !== null;
	const { page } = useStore(view);
	const to = (selector: string) => (event: Event): void => {
		event.preventDefault();
		document.querySelector<HTMLElement>(selector)?.focus();
	};
	return (
		<nav class="skips" aria-label={list.skips}>
			{page === 'calls' && <a href="#calls" onClick={to('[data-sid][tabindex="0"], #calls')}>{list.toList}</a>}
			{hasPlayer && <a href="#player" onClick={to('#player button')}>{list.toPlayer}</a>}
		</nav>
	);
}

/** The focus goes back to the row. */
function closeDetails(): void {
	const { call } = view.value;
	go({ call: '' });
	requestAnimationFrame(() => {
		if (document.activeElement === document.body) document.querySelector<HTMLElement>(`[data-sid="${CSS.escape(call)}"]`)?.focus({ preventScroll: true });
	});
}

function Calls() {
	const { list } = useWords();
	const { call } = useStore(view);
	const isPhone = useStore(phone);
	return (
		<main class="main" aria-label={list.calls}>
			<h1 class="sr">{list.calls}</h1>
			<List />
			{call && <Details callSid={call} onClose={closeDetails} isSheet={isPhone} />}
		</main>
	);
}

function useTitle(): void {
	const { list } = useWords();
	const { page } = useStore(view);
	useEffect(() => {
		if (page === 'calls') document.title = list.title;
	}, [page, list]);
}

const press = (id: string): boolean => {
	const element = document.getElementById(id);
	element?.click();
	element?.focus();
	return Boolean(element);
};

function CallsPage() {
	return (
		<>
			<Banner />
			<Filters />
			<Calls />
		</>
	);
}

/** After somebody signed in again, what was refused meanwhile is asked for at once. */
function useBack(): void {
	const isOut = useStore(mustSignIn);
	const wasOut = useRef(false);
	useEffect(() => {
		if (wasOut.current && !isOut) calls.retry();
		wasOut.current = isOut;
	}, [isOut]);
}

export function Frame() {
	const isPhone = useStore(phone);
	const { page } = useStore(view);
	const areKeysShown = useStore(keysShown);
	useTitle();
	useBack();
	useKeys({ '/': () => press(SEARCH_ID), t: () => press(DATES_ID), '?': () => keysShown.set(true) });
	return (
		<div class={isPhone ? 'app ph' : 'app'}>
			<SkipLinks />
			{isPhone ? <PhoneBar /> : <WideBar />}
			{page === 'health' ? <Health /> : <CallsPage />}
			<div class="dock" id="player">
				<Toasts />
				<Player onWhy={(call) => go({ page: 'calls', call })} />
			</div>
			<Messages />
			{areKeysShown && <KeysDialog onClose={() => keysShown.set(false)} />}
		</div>
	);
}

