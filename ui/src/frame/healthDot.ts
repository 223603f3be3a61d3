// The dot at Health: asked for once a minute, while the page is seen.
import { useEffect } from 'preact/hooks';
import { ask } from '../api';
import { store } from '../store';

export type HealthDot = 'bad' | 'warn' | null;

interface Told {
	degraded: boolean;
	checks?: { worst?: string } | null;
}

const EACH_MS = 60_000;

export const healthDot = store<HealthDot>(null);

const dotOf = ({ degraded, checks }: Told): HealthDot => (degraded ? 'bad' : checks?.worst === 'warning' ? 'warn' : null);

async function look(): Promise<void> {
	if (document.hidden) return;
	try {
		healthDot.set(dotOf(await ask<Told>('/api/health')));
	} catch {
		// the banner says that nothing answers
	}
}

export function useHealthDot(): void {
	useEffect(() => {
		void look();
		const timer = setInterval(() => void look(), EACH_MS);
		return () => clearInterval(timer);
	}, []);
}
