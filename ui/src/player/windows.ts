// One sound in all windows: whoever begins to play says so, the others stop.
import { sound, stop } from './engine';

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('callspool');

let wasWanted = false;
sound.listen(({ isWanted }) => {
	if (isWanted && !wasWanted) channel?.postMessage('I play');
	wasWanted = isWanted;
});

channel?.addEventListener('message', ({ data }) => {
	if (data === 'I play' && sound.value.isWanted) stop();
});
