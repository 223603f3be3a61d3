// Who is signed in, and what is theirs to set.
import { useState } from 'preact/hooks';
import { announceFailure } from '../parts/announce';
import { errorWords } from '../parts/errors';
import { Icon } from '../parts/Icon';
import { initials } from '../parts/initials';
import { MenuButton, MenuItem } from '../parts/Menu';
import { toast } from '../parts/toast';
import { playsOn, setPlaysOn } from '../player/plays_on';
import { session, signOut } from '../session';
import { useStore } from '../store';
import type { User } from '../types';
import { useWords } from '../words';

const nameOf = ({ full_name: full, name }: User): string => full || name;

/** The items alone, for a menu that has others too (phone). */
export function AccountItems() {
	const { common } = useWords();
	const now = useStore(session);
	const isOn = useStore(playsOn);
	const leave = (): void => void signOut().catch((error: unknown) => {
		const { text } = errorWords(error);
		announceFailure(text);
		toast(text);
	});
	if (!now?.user) return null;
	return (
		<>
			<MenuItem isChecked={isOn} isSwitch onSelect={() => setPlaysOn(!isOn)}>{common.playNextByItself}</MenuItem>
			{now.auth === 'password' && <MenuItem onSelect={leave}>{common.signOut}</MenuItem>}
		</>
	);
}

export function WhoIsIt() {
	const { common } = useWords();
	const now = useStore(session);
	if (!now?.user) return null;
	if (now.auth === 'none') return <p id="nobody" class="whois">{common.nobodySignsIn}</p>;
	return (
		<p class="whois">
			<b id="who">{common.signedInAs(nameOf(now.user))}</b>
			<small>{now.user.role === 'admin' ? common.admin : common.listener}</small>
		</p>
	);
}

export function AccountMenu() {
	const { common } = useWords();
	const now = useStore(session);
	const [isOpen, setOpen] = useState(false);
	if (!now?.user) return null;
	return (
		<MenuButton label={common.account} class={isOpen ? 'who on' : 'who'} align="end" onOpen={setOpen} head={<WhoIsIt />} button={now.auth === 'none' ? <Icon name="more" /> : <bdi aria-hidden="true" data-of={initials(nameOf(now.user))} />}>
			{() => <AccountItems />}
		</MenuButton>
	);
}
