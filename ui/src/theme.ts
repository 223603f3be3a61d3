// Before the first paint: colours, language and direction as they were chosen last on this device; and the first page of
// calls is asked for, unless the address wants another one.
import { chosenLanguage, chosenTheme, kept } from './chosen';
import { askEarly } from './early';

const root = document.documentElement;
const theme = chosenTheme();

root.lang = chosenLanguage();
root.dir = root.lang === 'he' ? 'rtl' : 'ltr';
if (theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)) root.dataset.theme = 'dark';

/** As view.ts reads the address and list/filter.ts asks for it, where nothing narrows the list; '': something does. */
function firstCalls(): string {
	const [, said] = /^#?(all|in|out|)$/.exec(location.hash) ?? [];
	if (said === undefined) return '';
	const tab = said || kept('tab');
	return `/api/calls?${tab === 'in' ? 'direction=inbound&' : tab === 'out' ? 'direction=outbound&' : ''}limit=100`;
}

if (location.pathname === '/') askEarly(['/api/session', firstCalls()].filter(Boolean));
