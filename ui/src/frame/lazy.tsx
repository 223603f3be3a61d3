// A part of the page whose script is loaded when it is drawn for the first time.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

const AGAIN_MS = 3000;

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
	let part: ComponentType<P> | null = null;
	return function Lazy(props: P) {
		const [Part, setPart] = useState<ComponentType<P> | null>(() => part);
		useEffect(() => {
			if (Part) return;
			let timer: ReturnType<typeof setTimeout> | undefined;
			const ask = (): void => void load().then((loaded) => {
				part = loaded;
				setPart(() => loaded);
			}, () => {
				timer = setTimeout(ask, AGAIN_MS);
			});
			ask();
			return () => clearTimeout(timer);
		}, [Part]);
		return Part ? <Part {...props} /> : null;
	};
}
