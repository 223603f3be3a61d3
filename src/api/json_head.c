#include "api/json_head.h"

#include "http/reply.h"

/* What both have. */
#define CAREFUL                                                                   \
	"Cache-Control: no-store\r\n"                                             \
	"X-Content-Type-Options: nosniff\r\n"                                     \
	"Referrer-Policy: no-referrer\r\n"                                        \
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"

void json_head_add(struct exchange *x)
{
	reply_header_lines(x, STR("Content-Type: application/json\r\n" CAREFUL));
}

void xml_head_add(struct exchange *x)
{
	reply_header_lines(x, STR("Content-Type: application/xml\r\n" CAREFUL));
}
