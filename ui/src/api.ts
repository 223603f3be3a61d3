// Asking the server: what it answers, or an ApiError that says why not.
import { takeEarly } from './early';
import type { Call, CallPage, Filter, Session, Waveform } from './types';

export class ApiError extends Error {
	constructor(
		/** `code` of the answer; 'no_answer': there was none. */
		readonly code: string,
		/** The server's sentence. */
		text: string,
		readonly status: number,
		/** 0: it did not say. */
		readonly retryAfterS: number,
		readonly requestId: string | null,
		readonly body: Record<string, unknown> = {},
	) {
		super(text);
	}
}

/** What the server's clock is ahead of this one's, from the Date of its last answer. */
let clockAheadMs = 0;
export const serverNow = (): number => Date.now() + clockAheadMs;

function takeDate(answer: Response): void {
	const date = Date.parse(answer.headers.get('Date') ?? '');
	// Date has whole seconds: an offset below one says nothing.
	if (!Number.isNaN(date)) clockAheadMs = Math.abs(date - Date.now()) < 1500 ? 0 : date - Date.now();
}

/** Of an answer that is none of the 2xx. */
export async function errorOf(answer: Response): Promise<ApiError> {
	const body = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
	const text = (name: string): string | null => (typeof body[name] === 'string' ? (body[name] as string) : null);
	return new ApiError(
		text('code') ?? 'internal', text('error') ?? '', answer.status, Number(answer.headers.get('Retry-After')) || 0,
		text('request_id') ?? answer.headers.get('X-Request-Id'), body,
	);
}

export interface Asked {
	method?: string;
	body?: unknown;
	signal?: AbortSignal;
	keepalive?: boolean;
}

/** Nobody is known to the server: to ask again without a person's doing is to be refused again, and each time counts. */
export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.code === 'unauthenticated';

/** Told of every answer 401 of ours: somebody was signed out. */
export const signedOut: { told: () => void } = { told: () => {} };

export async function ask<T>(address: string, { method = 'GET', body, signal, keepalive }: Asked = {}): Promise<T> {
	let answer: Response;
	try {
		const early = method === 'GET' ? takeEarly(address) : null;
		answer = await (early ?? fetch(address, {
			method,
			...(body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
			...(signal ? { signal } : {}),
			...(keepalive ? { keepalive } : {}),
		}));
	} catch (error) {
		if (signal?.aborted) throw error;
		throw new ApiError('no_answer', '', 0, 0, null);
	}
	takeDate(answer);
	if (!answer.ok) {
		const error = await errorOf(answer);
		if (isSignedOut(error)) signedOut.told();
		throw error;
	}
	return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export function queryOf(filter: Filter, more: Record<string, string | number | undefined> = {}): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries({ ...filter, ...more })) if (value !== undefined && value !== '') query.set(name, String(value));
	return query.toString();
}

export type Where = { after?: string; before?: string; limit?: number };

export const getCalls = (filter: Filter, where: Where = {}, signal?: AbortSignal): Promise<CallPage> =>
	ask(`/api/calls?${queryOf(filter, where)}`, signal ? { signal } : {});
export const getCall = (callSid: string, signal?: AbortSignal): Promise<Call> => ask(`/api/calls/${callSid}`, signal ? { signal } : {});
export const retryCall = (callSid: string): Promise<unknown> => ask(`/api/calls/${callSid}/retry`, { method: 'POST' });
export const retryRecording = (recordingSid: string): Promise<unknown> => ask(`/api/recordings/${recordingSid}/retry`, { method: 'POST' });
export const hold = (recordingSid: string, reason: string): Promise<unknown> =>
	ask(`/api/recordings/${recordingSid}/hold`, { method: 'POST', body: { reason } });
export const endHold = (recordingSid: string): Promise<unknown> => ask(`/api/recordings/${recordingSid}/hold`, { method: 'DELETE' });
export const removeRecording = (recordingSid: string): Promise<unknown> => ask(`/api/recordings/${recordingSid}`, { method: 'DELETE' });
export const getSession = (): Promise<Session> => ask('/api/session');
export const getWaveform = (address: string, points: number, signal?: AbortSignal): Promise<Waveform> =>
	ask(`${address}${address.includes('?') ? '&' : '?'}points=${points}`, signal ? { signal } : {});
export interface Link {
	name: string;
	url: string;
	media_url: string;
	expires_at: string;
}
/** What it opens. */
export type Linkable = { recording_sid: string } | { call_sid: string; whole_call: true };
export const makeLink = (what: Linkable, expiresIn: string): Promise<Link> =>
	ask('/api/links', { method: 'POST', body: { ...what, expires_in: expiresIn } });
export const revokeLink = (name: string): Promise<unknown> => ask(`/api/links/${name}`, { method: 'DELETE' });

export const mediaOf = (recordingSid: string): string => `/api/recordings/${recordingSid}/media`;
