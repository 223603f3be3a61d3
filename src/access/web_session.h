/*
 * Signing in and out, one's own password, and invitations.
 */
#pragma once

struct exchange;

void web_session_show(struct exchange *x);     /* GET /api/session: who am I */
void web_session_begin(struct exchange *x);    /* POST /api/session {name, password} */
void web_session_end(struct exchange *x);      /* DELETE /api/session */
void web_session_password(struct exchange *x); /* POST /api/session/password {current, password} */
void web_session_end_others(struct exchange *x); /* DELETE /api/session/others {current} */
void web_join(struct exchange *x);               /* POST /join {invitation, name, password} */
