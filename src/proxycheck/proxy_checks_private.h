/*
 * The checks that the table in proxy_checks.c names, by what they look at.
 */
#pragma once

#include "doctor/check.h"
#include "proxycheck/proxy_view.h"

/* proxy_path_checks.c: where requests go */
void proxy_check_conf(struct deployment *deployment, struct report *report);
void proxy_check_path(struct deployment *deployment, struct report *report);
void proxy_check_stray(struct deployment *deployment, struct report *report);
void proxy_check_target(struct deployment *deployment, struct report *report);
void proxy_check_webhook_locked(struct deployment *deployment, struct report *report);
void proxy_check_webhook_body(struct deployment *deployment, struct report *report);
void proxy_check_methods(struct deployment *deployment, struct report *report);
void proxy_check_doubts(struct deployment *deployment, struct report *report);

/* proxy_limit_checks.c: how many requests at once */
void proxy_check_request_limit(struct deployment *deployment, struct report *report);

/* proxy_value_checks.c: one directive, one value */
void proxy_check_value(struct deployment *deployment, struct report *report);
void proxy_check_body_limit(struct deployment *deployment, struct report *report);
/* Adds a line for each of them that is in force where the visit stands and is not as it should be. */
void proxy_value_cures(const struct nginx_visit *visit, const char *indent, struct buf *out);

/* proxy_header_checks.c: what goes to callspool */
void proxy_check_inherited(struct deployment *deployment, struct report *report);
void proxy_check_twice(struct deployment *deployment, struct report *report);
void proxy_check_connection(struct deployment *deployment, struct report *report);
void proxy_check_upgrade(struct deployment *deployment, struct report *report);
void proxy_check_range(struct deployment *deployment, struct report *report);
void proxy_check_credentials(struct deployment *deployment, struct report *report);
void proxy_check_signature(struct deployment *deployment, struct report *report);

/* proxy_asker_checks.c: who asks, and by which name */
void proxy_check_host(struct deployment *deployment, struct report *report);
void proxy_check_proto(struct deployment *deployment, struct report *report);
void proxy_check_client(struct deployment *deployment, struct report *report);
void proxy_check_identity(struct deployment *deployment, struct report *report);

/* proxy_answer_checks.c: what comes back */
void proxy_check_gzip(struct deployment *deployment, struct report *report);
void proxy_check_sub_filter(struct deployment *deployment, struct report *report);
void proxy_check_added(struct deployment *deployment, struct report *report);
void proxy_check_shadowed(struct deployment *deployment, struct report *report);
void proxy_check_hidden(struct deployment *deployment, struct report *report);
void proxy_check_intercepted(struct deployment *deployment, struct report *report);
void proxy_check_error_page(struct deployment *deployment, struct report *report);

/* proxy_upstream_checks.c: the way to callspool */
/* Does a server run here that listens on a port of this machine? */
bool proxy_knows_port(const struct deployment *deployment);
/* Does it lead to that port?  What leads to another machine may. */
bool proxy_leads_to_callspool(const struct deployment *deployment, const struct nginx_target *to);
void proxy_check_tls(struct deployment *deployment, struct report *report);
void proxy_check_port(struct deployment *deployment, struct report *report);
void proxy_check_name(struct deployment *deployment, struct report *report);
void proxy_check_resolver(struct deployment *deployment, struct report *report);
void proxy_check_pool(struct deployment *deployment, struct report *report);
void proxy_check_retry(struct deployment *deployment, struct report *report);
void proxy_check_post_twice(struct deployment *deployment, struct report *report);
