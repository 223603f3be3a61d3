/*
 * Who is signed in, and the form that signs people in.  It stands in the page of calls and, after an
 * invitation was taken, in its page.
 */
import { complain, normal, onSubmit, send, wordsOf } from '/form.js';

const form = document.getElementById('sign-in-form');

/* Shows the form; `then` is called once somebody is signed in.  `words`: why it is shown. */
export function showSignIn(then, { words, name } = {}) {
	form.signedIn = then;
	complain(form, words);
	if (name) form.elements.name.value = name;
	(form.elements.name.value ? form.elements.password : form.elements.name).focus();
}

onSubmit(form, async () => {
	const { name, password } = form.elements;

	if (!name.value.trim() || !password.value) {
		complain(form, ['fill_in'], [name.value.trim() ? password : name]);
		return;
	}
	const answer = await send('POST', '/api/session', { name: name.value.trim(), password: normal(password.value) });
	if (answer.ok) {
		complain(form);
		form.reset();
		await form.signedIn();
		return;
	}
	const isWrong = answer.body.code === 'sign_in_failed';
	complain(form, wordsOf(answer), isWrong ? [password, name] : []);
	if (isWrong) password.select();
});
