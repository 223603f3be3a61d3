// Draws its children elsewhere: at the end of the page, or of the dialog that `near` stands in (what is outside
// of an open dialog is inert).  A pop-up within a container of the list would be cut by it.
import { render, type ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export function Portal({ near, children }: { near: Element | null; children: ComponentChildren }) {
	const place = useRef<HTMLElement | null>(null);

	useLayoutEffect(() => {
		const at = document.createElement('div');
		(near?.closest('dialog') ?? document.body).append(at);
		place.current = at;
		return () => {
			render(null, at);
			at.remove();
		};
	}, []);
	useLayoutEffect(() => {
		if (place.current) render(<>{children}</>, place.current);
	});
	return null;
}
