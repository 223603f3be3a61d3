// The bar above: where one is, the search, and what is set on this device.
import { useEffect, useState } from 'preact/hooks';
import { calls } from '../list/calls';
import { Icon, Mark, type IconName } from '../parts/Icon';
import { MenuButton, MenuItem, MenuLine } from '../parts/Menu';
import { AccountItems, AccountMenu, WhoIsIt } from '../pages/AccountMenu';
import { healthTone, watchHealth } from '../pages/condition';
import { may } from '../session';
import { useStore } from '../store';
import { go, view, type Tab } from '../view';
import { language, setLanguage, useWords } from '../words';
import { keysShown } from './keys';
import { Search } from './Search';
import { nextTheme, theme } from './theme';

const TABS: Tab[] = ['out', 'in', 'all'];
const HEALTH_MS = 60_000; // for the dot
const THEMES: Record<string, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

/** A press on the active one goes to the newest call. */
function toTab(tab: Tab): void {
	if (view.value.page === 'calls' && view.value.tab === tab) goToTop();
	else go({ page: 'calls', tab });
}

export function goToTop(): void {
	go({ page: 'calls' });
	void calls.toNewest().then(() => document.querySelector('.list')?.scrollTo(0, 0));
}

function Tabs() {
	const { list } = useWords();
	const { tab, page } = useStore(view);
	const at = page === 'calls' ? tab : null;
	const key = (event: KeyboardEvent): void => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
		if (!step) return;
		event.preventDefault();
		const by = document.documentElement.dir === 'rtl' ? -step : step;
		const next = TABS[(TABS.indexOf(tab) + by + TABS.length) % TABS.length]!;
		go({ page: 'calls', tab: next });
		document.getElementById(`tab-${next}`)?.focus();
	};
	return (
		<div class="tabs" role="tablist" aria-label={list.direction} onKeyDown={key}>
			{TABS.map((name) => (
				<button key={name} id={`tab-${name}`} type="button" class="tab" role="tab" aria-selected={at === name} aria-controls="calls" tabIndex={tab === name ? 0 : -1} onClick={() => toTab(name)}>
					{list.tabs[name]}
				</button>
			))}
		</div>
	);
}

function Brand() {
	const { common } = useWords();
	const press = (event: MouseEvent): void => {
		if (event.ctrlKey || event.metaKey || event.shiftKey) return;
		event.preventDefault();
		goToTop();
	};
	return (
		<a class="brand" href="/" onClick={press}>
			<Mark />
			<bdi>{common.callspool}</bdi>
		</a>
	);
}

/** What is wrong, for the dot at Health; null: nothing, as far as is known. */
function useDot(): 'bad' | 'warn' | null {
	const tone = useStore(healthTone);
	return tone === 'good' ? null : tone;
}

function useHealthName(): string {
	const { list } = useWords();
	const dot = useDot();
	return dot ? `${list.health} (${list.healthIs[dot]})` : list.health;
}

function HealthButton() {
	const { list } = useWords();
	const { page } = useStore(view);
	const dot = useDot();
	const isHere = page === 'health';
	return (
		<button type="button" class={isHere ? 'btn quiet here' : 'btn quiet'} aria-label={useHealthName()} aria-current={isHere ? 'page' : undefined} onClick={() => go({ page: isHere ? 'calls' : 'health' })}>
			<Icon name="pulse" />
			<span class="ht">{list.health}</span>
			{dot && <i class={`hdot ${dot}`} />}
		</button>
	);
}

const otherLanguage = (): 'en' | 'he' => (language() === 'he' ? 'en' : 'he');

export function WideBar() {
	const { common, list } = useWords();
	const colours = useStore(theme);
	useEffect(() => watchHealth(HEALTH_MS), []);
	return (
		<header class="bar" aria-label={common.callspool}>
			<Brand />
			<Tabs />
			<Search />
			<span class="sep" />
			<nav class="nav" aria-label={list.pages}>{may('read') && <HealthButton />}</nav>
			<button type="button" class="ib" aria-label={list.themes[colours]} title={list.themes[colours]} onClick={nextTheme}><Icon name={THEMES[colours]!} /></button>
			<button type="button" class="ib keysb" aria-label={list.keyboard} title={list.keyboard} onClick={() => keysShown.set(true)}><Icon name="keyboard" /></button>
			<button type="button" class="btn quiet lang" lang={otherLanguage()} onClick={() => void setLanguage(otherLanguage())}>{common.otherLanguage}</button>
			<AccountMenu />
		</header>
	);
}

function PhoneMenu() {
	const { common, list } = useWords();
	const colours = useStore(theme);
	const dot = useDot();
	const name = useHealthName();
	return (
		<MenuButton label={dot ? `${list.menu}: ${name}` : list.menu} menuLabel={list.menu} align="end" button={<><Icon name="more" />{dot && <i class={`hdot ${dot}`} />}</>}>
			{() => (
				<>
					{may('read') && <MenuItem icon="pulse" onSelect={() => go({ page: 'health' })}>{name}</MenuItem>}
					<MenuItem icon={THEMES[colours]!} onSelect={nextTheme}>{list.themes[colours]}</MenuItem>
					<MenuItem onSelect={() => void setLanguage(otherLanguage())}>{common.otherLanguage}</MenuItem>
					<MenuLine />
					<WhoIsIt />
					<AccountItems />
				</>
			)}
		</MenuButton>
	);
}

function PhoneSearch({ onLeave }: { onLeave(): void }) {
	const { common } = useWords();
	return (
		<div class="bar">
			<Search isBare onLeave={onLeave} />
			<button type="button" class="btn quiet" onClick={onLeave}>{common.cancel}</button>
		</div>
	);
}

function PhoneTop() {
	const { list } = useWords();
	const { page, q } = useStore(view);
	const [isSearching, setSearching] = useState(q !== '');
	if (page === 'health') {
		return (
			<div class="bar">
				<button type="button" class="ib" aria-label={list.calls} onClick={() => go({ page: 'calls' })}><Icon name="back" /></button>
				<b class="where">{list.health}</b>
				<span class="grow" />
				<PhoneMenu />
			</div>
		);
	}
	const leave = (): void => {
		go({ q: '' }, 'replace');
		setSearching(false);
	};
	if (isSearching) return <PhoneSearch onLeave={leave} />;
	return (
		<div class="bar">
			<Brand />
			<span class="grow" />
			<button type="button" class="ib" aria-label={list.searchName} onClick={() => setSearching(true)}><Icon name="search" /></button>
			<PhoneMenu />
		</div>
	);
}

export function PhoneBar() {
	const { common } = useWords();
	const { page } = useStore(view);
	useEffect(() => watchHealth(HEALTH_MS), []);
	return (
		<header aria-label={common.callspool}>
			<PhoneTop />
			{page === 'calls' && <Tabs />}
		</header>
	);
}
