#include "load_request.h"

#include "base/buf.h"

struct str load_request(const struct load_options *options, char *text, size_t size)
{
	struct buf request;

	buf_over(&request, text, size);
	/* What AppleCoreMedia sends, in substance. */
	buf_addf(
		&request,
		"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
		"User-Agent: AppleCoreMedia/1.0.0.21F79\r\n",
		options->path);
	if (options->range)
		buf_addf(&request, "Range: %s\r\n", options->range);
	if (options->header)
		buf_addf(&request, "%s\r\n", options->header);
	buf_add_text(&request, "\r\n");
	return buf_str(&request);
}
