#include "http/exchange.h"

#include <assert.h>
#include <string.h>

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

void exchange_set_caller(struct exchange *x, const void *caller, size_t size)
{
	assert(size > 0 && size <= sizeof(x->caller));
	memcpy(x->caller, caller, size);
	x->caller_size = size;
}

bool exchange_caller(const struct exchange *x, void *out, size_t size)
{
	if (x->caller_size != size)
		return false;
	memcpy(out, x->caller, size);
	return true;
}

void exchange_park(struct exchange *x, struct parked *parked)
{
	x->parked = parked;
}
