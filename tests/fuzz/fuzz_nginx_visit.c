/* An address, a line of headers, and any text as a configuration: what becomes of the request is told, and it ends. */
#include "nginx/nginx_request.h"
#include "proxycheck/nginx_explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void explain(const struct nginx_conf *conf, const struct nginx_request *request)
{
	struct nginx_visit visit;
	struct buf out;

	buf_init(&out, 1u << 20);
	nginx_visit_start(&visit, conf, request);
	nginx_visit_follow(&visit);
	nginx_explain_json(&visit, &out);
	nginx_explain_text(&visit, &out);
	nginx_visit_release(&visit);
	buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nginx_conf_options options = { .path = "-", .is_alone = true };
	struct str rest = { (const char *)data, size }, url, line;
	struct nginx_conf *conf = NULL;
	struct nginx_header header;
	struct nginx_request request;
	struct err err;

	if (!str_cut(&rest, '\n', &url) || !str_cut(&rest, '\n', &line) || !rest.at ||
	    !nginx_request_of_url(url, &request, &err))
		return 0;
	if (nginx_header_of_line(line, &header, &err)) {
		request.headers = &header;
		request.header_count = 1;
	}
	options.text = rest;
	if (nginx_conf_read(&options, &conf, &err))
		explain(conf, &request);
	nginx_conf_free(conf);
	return 0;
}
