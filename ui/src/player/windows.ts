// One sound in all windows: whoever begins to play says so, the others stop.
import { sound, stop, type Sound } from './engine';

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('callspool');

let wasWanted = false;
function follow({ isWanted }: Pick<Sound, 'isWanted'>): void {
	if (isWanted && !wasWanted) channel?.postMessage('I play');
	wasWanted = isWanted;
}
follow(sound.value);
sound.listen(follow);

channel?.addEventListener('message', ({ data }) => {
	if (data === 'I play' && sound.value.isWanted) stop();
});
