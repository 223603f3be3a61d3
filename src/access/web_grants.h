/*
 * What is given out: API tokens, links to one recording, and the sessions of those who signed in.  Lists come newest
 * first, a page at a time: ?before= is what `next` was.
 */
#pragma once

struct exchange;

void web_tokens_list(struct exchange *x); /* GET /api/tokens */
void web_tokens_make(
	struct exchange *x); /* POST /api/tokens {note, rights, expires_in} -> {token} */
void web_tokens_revoke(struct exchange *x); /* DELETE /api/tokens/{name} */
void web_links_list(struct exchange *x);    /* GET /api/links: one's own; an administrator's: all */
/* POST /api/links {recording_sid | call_sid, expires_in, plays, note, show_numbers} -> {url, media_url} */
void web_links_make(struct exchange *x);
void web_links_revoke(struct exchange *x);  /* DELETE /api/links/{name} */
void web_sessions_list(struct exchange *x); /* GET /api/sessions[?user=NAME] */
void web_sessions_end(struct exchange *x);  /* DELETE /api/sessions/{name} */
