// What the page of calls asks for in any case is asked for before its script is here.  The small script in the head puts
// it here; whoever asks for it first takes it (api.ts).

/** Answers on their way, by their address. */
type Early = Map<string, Promise<Response>>;

const world = globalThis as { callspoolEarly?: Early };

/** With its body read, too: whoever takes it waits for nothing, and draws before anything else is done. */
async function whole(asked: Promise<Response>): Promise<Response> {
	const answer = await asked;
	const body = answer.json();
	await body.catch(() => {});
	answer.json = () => body;
	return answer;
}

export function askEarly(addresses: string[]): void {
	world.callspoolEarly = new Map(addresses.map((address) => {
		const answer = whole(fetch(address));
		answer.catch(() => {}); // told to who takes it
		return [address, answer];
	}));
}

/** Once each; null: it was not asked for. */
export function takeEarly(address: string): Promise<Response> | null {
	const answer = world.callspoolEarly?.get(address) ?? null;
	world.callspoolEarly?.delete(address);
	return answer;
}
