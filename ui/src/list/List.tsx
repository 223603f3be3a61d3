// The list of calls.
import { useEffect, useState } from 'preact/hooks';
import { getCalls } from '../api';
import { useStore } from '../store';
import type { Call, Filter } from '../types';
import { view, type View } from '../view';
import { useWords } from '../words';

const filterOf = ({ tab }: View): Filter => (tab === 'all' ? {} : { direction: tab === 'in' ? 'inbound' : 'outbound' });

function Row({ call }: { call: Call }) {
	return (
		<div class="row" role="row">
			<span />
			<bdi class="when n" dir="ltr">{call.started_at.slice(11, 19)}</bdi>
			<span />
			<bdi class="num n" dir="ltr">{call.from}</bdi>
			<bdi class="num n" dir="ltr">{call.to}</bdi>
			<bdi class="r n" dir="ltr">{call.duration}</bdi>
			<span class="c-status">{call.status}</span>
			<span class="rec">{call.recordings[0]?.state}</span>
		</div>
	);
}

export function List() {
	const { list } = useWords();
	const seen = useStore(view);
	const [calls, setCalls] = useState<Call[]>([]);
	useEffect(() => {
		const asked = new AbortController();
		getCalls(filterOf(seen), { limit: 100 }, asked.signal).then((page) => setCalls(page.calls), () => {});
		return () => asked.abort();
	}, [seen.tab]);
	return (
		<section class="listwrap">
			<div class="list" role="grid" aria-label={list.calls}>
				{calls.map((call) => <Row key={call.call_sid} call={call} />)}
			</div>
		</section>
	);
}
