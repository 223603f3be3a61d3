/*
 * Users, for an administrator.
 */
#pragma once

struct exchange;

void web_users_list(struct exchange *x);     /* GET /api/users[?after=NAME] */
void web_users_add(struct exchange *x);      /* POST /api/users {name, full_name, role} -> {url} */
void web_users_change(struct exchange *x);   /* POST /api/users/{name} {name | role | disabled} */
void web_users_delete(struct exchange *x);   /* DELETE /api/users/{name} */
void web_users_reset(struct exchange *x);    /* POST /api/users/{name}/reset -> {url} */
void web_users_sign_out(struct exchange *x); /* DELETE /api/users/{name}/sessions */
