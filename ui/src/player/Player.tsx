// The docked player: nothing until the first Play.
import { useStore } from '../store';
import { useWords } from '../words';
import { toggle, track } from './control';
import { sound } from './engine';

export function Player(_: { onWhy(callSid: string): void }) {
	const { player } = useWords();
	const held = useStore(track);
	const { isWanted } = useStore(sound);
	if (!held) return null;
	return (
		<section class="player" aria-label={player.region}>
			<button class="big" aria-label={isWanted ? player.pause : player.play} onClick={toggle} />
		</section>
	);
}
