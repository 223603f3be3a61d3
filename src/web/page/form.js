/*
 * What the forms of sign-in and invitation share: asking the server, saying in words what it refused,
 * and showing a password on demand.
 */
import { tell, tellLabel } from '/words.js';

/* { ok, status, body, retryAfter }; status 0: no answer. */
export async function send(method, address, body) {
	try {
		const answer = await fetch(address, {
			method,
			headers: body ? { 'Content-Type': 'application/json' } : {},
			body: body && JSON.stringify(body),
		});
		const json = await answer.json().catch(() => ({}));
		return { ok: answer.ok, status: answer.status, body: json, retryAfter: Number(answer.headers.get('Retry-After')) || 0 };
	} catch {
		return { ok: false, status: 0, body: {}, retryAfter: 0 };
	}
}

const WORDS_OF = {
	sign_in_failed: 'wrong',
	https_required: 'https_required',
	overloaded: 'overloaded',
	foreign_origin: 'foreign_origin',
	forbidden: 'forbidden',
	name_taken: 'name_taken',
};
const REASONS = ['too_short', 'too_long', 'not_text', 'name', 'common', 'sequence', 'breached'];

/* The words for a refusal: [key, values]. */
export function wordsOf({ status, body, retryAfter }) {
	if (status === 0) return ['no_answer'];
	if (body.code === 'rate_limited') return ['throttled', { n: Math.max(retryAfter, 1) }];
	if (body.code === 'password_refused' && REASONS.includes(body.reason)) return [`refused_${body.reason}`, { min: body.min }];
	if (WORDS_OF[body.code]) return [WORDS_OF[body.code]];
	return ['failed', { id: body.request_id ?? status }];
}

/* RFC 8265: the same password typed on two keyboards is the same bytes. */
export const normal = (password) => password.normalize('NFKC');

/* Without words: all is well again. */
export function complain(form, words, fields = []) {
	const error = form.querySelector('.error');

	clearInterval(Number(form.dataset.counting));
	for (const field of form.querySelectorAll('input')) {
		if (fields.includes(field)) field.setAttribute('aria-invalid', 'true');
		else field.removeAttribute('aria-invalid');
	}
	error.setAttribute('role', 'alert');
	error.hidden = !words;
	tell(error, ...(words ?? [undefined]));
	fields[0]?.focus();
	if (words?.[0] === 'throttled') countDown(form, error, words[1].n);
}

/* The seconds are shown as they go by, and read out once. */
function countDown(form, error, seconds) {
	const endsAt = Date.now() + seconds * 1000;

	form.dataset.counting = setInterval(() => {
		const left = Math.ceil((endsAt - Date.now()) / 1000);
		if (left > 0) {
			error.removeAttribute('role');
			tell(error, 'throttled', { n: left });
			return;
		}
		clearInterval(Number(form.dataset.counting));
		error.setAttribute('role', 'alert');
		tell(error, 'try_now');
	}, 1000);
}

/* Calls `submit` at most once at a time; nothing leaves the page by itself. */
export function onSubmit(form, submit) {
	const button = form.querySelector('button[type=submit]');
	let isBusy = false;

	form.addEventListener('submit', async (event) => {
		event.preventDefault();
		if (isBusy) return;
		isBusy = true;
		button.setAttribute('aria-disabled', 'true');
		try {
			await submit();
		} finally {
			isBusy = false;
			button.removeAttribute('aria-disabled');
		}
	});
}

for (const button of document.querySelectorAll('.show-password')) {
	const field = button.parentElement.querySelector('input');

	button.hidden = false;
	tellLabel(button, 'show_password');
	button.addEventListener('click', () => {
		const isShown = field.type === 'password';
		field.type = isShown ? 'text' : 'password';
		button.setAttribute('aria-pressed', String(isShown));
	});
}
