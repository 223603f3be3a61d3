/*
 * How the checks of the proxy say what they looked at.
 */
#pragma once

#include "base/compiler.h"
#include "doctor/check.h"
#include "proxycheck/proxy_view.h"

#include <stdbool.h>

#define PROXY_LOST_ELSEWHERE "told by the check headers-inherited"
#define PROXY_NO_CONF        "no configuration of nginx was given: --nginx-conf FILE"
#define PROXY_WORDS_MAX      900
#define PROXY_LINES_MAX      ((size_t)16 * 1024)       /* of lines to be written */
#define PROXY_TWO_WORDS_MAX  (2 * PROXY_WORDS_MAX + 8) /* "..., and ..." */

/* "FILE:LINE, proxy_buffering on"; cut where it does not fit. */
void proxy_words_of(const struct nginx_directive *directive, char out[PROXY_WORDS_MAX]);
/* The words of both: "..., and ...". */
void proxy_words_of_two(const struct nginx_directive *one, const struct nginx_directive *other,
			char out[PROXY_TWO_WORDS_MAX]);
/* As a line to be written: "proxy_set_header Range $http_range;", quoted as it stands there. */
void proxy_words_line(const struct nginx_directive *directive, struct buf *out);
/*
 * What is in force on a way: the directive as above, or, where it stands nowhere, "FILE:LINE, location /api/: no
 * proxy_buffering, and nginx has on by itself".
 */
void proxy_words_in_force(const struct proxy_way *way, const char *name, char out[PROXY_WORDS_MAX]);
/* Is it a directive that nginx has another default for, from 1.29.7 on? */
bool proxy_has_changed(const char *directive);
/* "nginx", or "nginx before 1.29.7" where what it does by itself is told, and nobody knows its version. */
const char *proxy_words_nginx(const struct proxy_way *way, bool is_by_itself);
/* A header that is sent: the line that sets it, or that none does. */
void proxy_words_sent(const struct proxy_way *way, const char *name, char out[PROXY_WORDS_MAX]);

/* Is it one of "Host, Range, ..."?  Whatever its case. */
bool proxy_words_list(struct str names, struct str name);

/* The view of a way; NULL: it could not be had, which was reported. */
const struct proxy_view *proxy_view_for(struct deployment *deployment, struct report *report);
/* The same, and the way is passed on; NULL: it is not, and the check `path` says why. */
const struct proxy_way *proxy_way_for(struct deployment *deployment, enum proxy_way_kind kind,
				      struct report *report);

/*
 * Judges each way on which recordings are played, until something is said of one.  The first of them, of which what is good
 * can be told; NULL: something was said, or no play is passed on.
 */
const struct proxy_way *proxy_judge_plays(struct deployment *deployment, struct report *report,
					  void (*judge)(const struct deployment *deployment,
							const struct proxy_way *way,
							struct report *report));

/* Is a header set in an outer block only, and so not in force?  Then the check headers-inherited tells it. */
bool proxy_header_is_lost(const struct proxy_way *way, const char *name);
/* The directive of proxy_set_header in force that sets it, or the next behind `after`; NULL: none does. */
const struct nginx_directive *proxy_header_set(const struct proxy_way *way,
					       const struct nginx_directive *after,
					       struct str name);
/* The value that is sent; at == NULL: none is.  *out_is_known: false where only nginx knows it. */
struct str proxy_header_sent(const struct proxy_way *way, const char *name, bool *out_is_known);

/* Is Range set to what nginx's slices ask for? */
bool proxy_asks_for_slices(const struct proxy_way *way);
/* "FILE:LINE, proxy_set_header Host $x: only nginx knows what that is worth", of a header that is sent. */
void proxy_unknown_sent(struct report *report, const struct proxy_way *way, const char *header);

/* report_finding(), with how a change of nginx's configuration is confirmed. */
void proxy_finding(struct report *report, const struct finding *finding);
/* The same, of one directive, which is what was looked at. */
void proxy_finding_of(struct report *report, const struct nginx_directive *directive,
		      const struct finding *finding);
/*
 * The same, of a header that is sent or not.  Where an outer block alone sets it that is left out: the check headers-inherited
 * tells it.
 */
void proxy_finding_sent(struct report *report, const struct proxy_way *way, const char *header,
			const struct finding *finding);
