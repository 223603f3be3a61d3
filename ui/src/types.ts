// What the server answers (docs/api.md); times are RFC 3339, durations seconds, sizes bytes.

export type RecordingState =
	| 'recording' | 'paused' | 'announced' | 'queued' | 'waiting' | 'stored' | 'absent' | 'dead' | 'gone' | 'purged' | 'deleted';

export interface Arriving {
	bytes: number;
	total: number | null;
}

export interface Attempt {
	attempt: number;
	generation: number;
	began_at: string;
	ended_at: string | null;
	outcome: string | null;
	text: string | null;
	http_status: number;
	bytes: number;
}

export interface Hold {
	/** null: a command on the machine itself. */
	by: string | null;
	since: string;
	reason: string | null;
}

export interface Recording {
	recording_sid: string;
	state: RecordingState | (string & {});
	started_at: string | null;
	duration: number | null;
	channels: number;
	source: string | null;
	held: boolean;
	hold?: Hold | null;
	expires_at: string | null;
	expired: boolean;
	/** From when on it is removed; null: never, or it is. */
	removal_at?: string | null;
	arriving?: Arriving | null;
	waveform?: boolean;
	format?: string;
	size?: number;
	sha256?: string | null;
	measured_duration?: number;
	duration_differs?: boolean;
	stored_at?: string | null;
	reason: { code: string; text: string } | null;
	next_try_at?: string | null;
	attempts?: Attempt[];
}

export interface Call {
	call_sid: string;
	/** Its place in the list: "STARTED_MS.ID", newest first is largest first. */
	key: string;
	/** Of the commit that changed it last. */
	seq: number;
	parent_call_sid: string | null;
	account_sid: string | null;
	direction: string | null;
	from: string | null;
	to: string | null;
	status: string | null;
	started_at: string;
	ended_at: string | null;
	duration: number | null;
	main_recording_sid: string | null;
	recording_count: number;
	/** The main one in a list, all of them in the details of a call. */
	recordings: Recording[];
}

export interface CallPage {
	seq: number;
	calls: Call[];
	next: string | null;
	previous: string | null;
}

/** A message of /api/events; whatever is not in it is not told of. */
export interface EventMessage {
	seq?: number;
	/** Of the wish that it is the first answer to. */
	id?: number;
	calls?: Call[];
	gone?: string[];
	more?: number;
	reset?: boolean;
	progress?: { recording_sid: string; call_sid: string | null; bytes: number; total: number | null }[];
}

export interface Waveform {
	version: number;
	channels: number;
	sample_rate: number;
	samples_per_pixel: number;
	bits: number;
	length: number;
	data: number[];
	duration: number;
	/** [from, to] in seconds: nobody speaks. */
	silence: [number, number][];
	/** LUFS of each channel; null: silent. */
	loudness: (number | null)[];
	sides: ('agent' | 'customer')[] | null;
}

export interface User {
	name: string;
	full_name?: string | null;
	role: 'admin' | 'listener';
	rights: string[];
}

export interface Session {
	auth: 'password' | 'proxy' | 'none';
	signed_in: boolean;
	user: User | null;
}

/** The filters of the list, as /api/calls and /api/events take them. */
export interface Filter {
	direction?: 'inbound' | 'outbound';
	from?: string;
	to?: string;
	state?: string;
	number?: string;
	call?: string;
}
