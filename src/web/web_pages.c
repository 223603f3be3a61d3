#include "web/web_pages.h"

#include "api/web_error.h"
#include "http/exchange.h"
#include "http/reply.h"
#include "http/router.h"
#include "web/web_pages_data.h"

#include <string.h>

/*
 * Scripts, styles and media from this origin alone, and text never becomes markup or script (Trusted Types);
 * forms are sent by the scripts, and no other page may frame this one.
 */
#define CONTENT_POLICY                                                                  \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"media-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

/* Beside a Content-Type, of a page and of what it is made of. */
static void add_headers(struct exchange *x)
{
	reply_header(x, STR("Content-Security-Policy"), STR(CONTENT_POLICY));
	reply_header(x, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
	reply_header(x, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
	reply_header(x, STR("Cache-Control"), STR("no-cache"));
	reply_header(x, STR("Referrer-Policy"), STR("no-referrer"));
	reply_header(x, STR("X-Content-Type-Options"), STR("nosniff"));
}

void web_page(struct exchange *x)
{
	for (unsigned i = 0; i < web_page_file_count; i++) {
		const struct web_page_file *file = &web_page_files[i];

		if (strcmp(x->route->pattern, file->pattern) != 0)
			continue;
		reply_begin(x, 200);
		reply_header(x, STR("Content-Type"), str_of(file->type));
		add_headers(x);
		reply_send(x, (struct str){ file->at, (size_t)(file->end - file->at) });
		return;
	}
	web_refuse(x, WEB_NOT_FOUND, NULL, WEB_NO_RETRY);
}
