// The docked player: nothing until the first Play.  What it is made of is loaded while nobody does anything.
import type { FunctionComponent } from 'preact';
import { useEffect } from 'preact/hooks';
import { getCall } from '../api';
import { store, useStore } from '../store';
import { view } from '../view';
import { putIn, track } from './control';
import type { PlayerProps } from './Dock';
import { useMedia } from './use';

interface Parts {
	Dock: FunctionComponent<PlayerProps>;
	Phone: FunctionComponent<PlayerProps>;
}

const parts = store<Parts | null>(null);
let isAsked = false;

async function askParts(): Promise<void> {
	if (isAsked) return;
	isAsked = true;
	try {
		const { Dock, Phone, begin } = await import('./parts');
		begin();
		parts.set({ Dock, Phone });
	} catch {
		isAsked = false; // the next play asks again
	}
}

const IDLE_MS = 2000;

function whenIdle(told: () => void): void {
	if ('requestIdleCallback' in window) requestIdleCallback(told, { timeout: IDLE_MS });
	else setTimeout(told, IDLE_MS);
}

/** An address with a moment, "#…&call=CA…&recording=RE…&t=222": that call is in the player, at that moment. */
async function openMoment(): Promise<void> {
	const { call, recording, t } = view.value;
	if (!call || (t === null && !recording) || track.value?.call.call_sid === call) return;
	const whole = await getCall(call).catch(() => null);
	if (whole && view.value.call === call) putIn(whole, t ?? 0, recording);
}

export function Player({ onWhy }: PlayerProps) {
	const held = useStore(track);
	const made = useStore(parts);
	const isPhone = useMedia('(max-width: 719.98px)');
	useEffect(() => {
		whenIdle(() => void askParts());
		void openMoment();
		return view.listen(() => void openMoment());
	}, []);
	useEffect(() => {
		if (held) void askParts();
	}, [held]);
	if (!held || !made) return null;
	return isPhone ? <made.Phone onWhy={onWhy} /> : <made.Dock onWhy={onWhy} />;
}
