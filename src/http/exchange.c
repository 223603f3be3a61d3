#include "http/exchange.h"

#include "http/http_app.h"

struct str http_request_header(const struct http_request *request, struct str name)
{
	for (uint32_t i = 0; i < request->header_count; i++)
		if (str_eq_nocase(request->headers[i].name, name))
			return request->headers[i].value;
	return STR_NONE;
}

struct loop *exchange_loop(const struct exchange *x)
{
	return x->server->loop;
}
