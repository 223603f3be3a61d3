// The bars above, and what lies below them.
import { List } from '../list/List';
import { useStore } from '../store';
import { go, view, type Tab } from '../view';
import { useWords } from '../words';

const TABS: Tab[] = ['out', 'in', 'all'];

function Tabs() {
	const { list } = useWords();
	const { tab, page } = useStore(view);
	return (
		<div class="tabs" role="tablist" aria-label={list.direction}>
			{TABS.map((name) => (
				<button key={name} class="tab" role="tab" aria-selected={page === 'calls' && tab === name} onClick={() => go({ page: 'calls', tab: name })}>
					{list.tabs[name]}
				</button>
			))}
		</div>
	);
}

export function Frame() {
	const { common } = useWords();
	return (
		<div class="app">
			<header class="bar" aria-label={common.callspool}>
				<a class="brand" href="#">{common.callspool}</a>
				<Tabs />
			</header>
			<div class="filters" />
			<main class="main"><List /></main>
		</div>
	);
}
