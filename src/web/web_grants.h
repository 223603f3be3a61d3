/*
 * What is given out: API tokens, and links to one recording.
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
void web_links_revoke(struct exchange *x); /* DELETE /api/links/{name} */
