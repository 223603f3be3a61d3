import { useEffect } from 'preact/hooks';

/** What the window is called, as long as this is drawn. */
export function useTitle(title: string): void {
	useEffect(() => {
		document.title = title;
	}, [title]);
}
