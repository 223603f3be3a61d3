/*
 * What an exchange is to the access log (accesslog/access_line.h): who asked for what, without secrets.
 *
 * Hooks of http_app.  They do nothing where there is no access log, and for what commands ask over the administrator's
 * socket.
 */
#pragma once

struct exchange;

void web_access_log_shed(struct exchange *x);  /* keeps what the line needs of the request */
void web_access_log_ended(struct exchange *x); /* replied to or not */
