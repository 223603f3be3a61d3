// Said above the list: that there is no connection.
import { useEffect, useRef } from 'preact/hooks';
import { connection } from '../live';
import { ltr } from '../isolate';
import { calls } from '../list/calls';
import { minuteOf } from '../list/dates';
import { announce } from '../parts/announce';
import { Icon } from '../parts/Icon';
import { useStore } from '../store';
import { useWords } from '../words';

export function Banner() {
	const { list, common } = useWords();
	const { offlineSince } = useStore(connection);
	const { status } = useStore(calls.state);
	const wasOff = useRef(false);

	useEffect(() => {
		if (wasOff.current && offlineSince === null) announce(list.connectedAgain);
		wasOff.current = offlineSince !== null;
	}, [offlineSince]);
	if (offlineSince === null || status !== 'ready') return null;
	return (
		<div class="banner" role="status">
			<Icon name="offline" />
			<span class="grow">{list.offlineSince(ltr(minuteOf(new Date(offlineSince))))}</span>
			<button type="button" class="btn sm" onClick={() => calls.retry()}>{common.tryNow}</button>
		</div>
	);
}
