#include "nginx/nginx_force.h"

#include "base/compiler.h"

const struct nginx_rule nginx_rules[] = {
	{ "access_log", NGINX_KIND_ARRAY, "logs/access.log combined" },
	{ "add_header", NGINX_KIND_ARRAY, NULL },
	{ "add_header_inherit", NGINX_KIND_VALUE, "on" },
	{ "alias", NGINX_KIND_OWN, NULL },
	{ "allow", NGINX_KIND_ARRAY, NULL },
	{ "auth_basic", NGINX_KIND_VALUE, "off" },
	{ "auth_request", NGINX_KIND_VALUE, "off" },
	{ "client_body_timeout", NGINX_KIND_VALUE, "60s" },
	{ "client_header_timeout", NGINX_KIND_VALUE, "60s" },
	{ "client_max_body_size", NGINX_KIND_VALUE, "1m" },
	{ "default_type", NGINX_KIND_VALUE, "text/plain" },
	{ "deny", NGINX_KIND_ARRAY, NULL },
	{ "error_page", NGINX_KIND_ARRAY, NULL },
	{ "expires", NGINX_KIND_VALUE, "off" },
	{ "fastcgi_pass", NGINX_KIND_OWN, NULL },
	{ "grpc_pass", NGINX_KIND_OWN, NULL },
	{ "gunzip", NGINX_KIND_VALUE, "off" },
	{ "gzip", NGINX_KIND_VALUE, "off" },
	{ "gzip_min_length", NGINX_KIND_VALUE, "20" },
	{ "gzip_proxied", NGINX_KIND_VALUE, "off" },
	{ "gzip_types", NGINX_KIND_VALUE, "text/html" },
	{ "if", NGINX_KIND_OWN, NULL },
	{ "internal", NGINX_KIND_VALUE, NULL },
	{ "keepalive_timeout", NGINX_KIND_VALUE, "75s" },
	{ "large_client_header_buffers", NGINX_KIND_VALUE, "4 8k" },
	{ "limit_conn", NGINX_KIND_ARRAY, NULL },
	{ "limit_except", NGINX_KIND_OWN, NULL },
	{ "limit_rate", NGINX_KIND_VALUE, "0" },
	{ "limit_req", NGINX_KIND_ARRAY, NULL },
	{ "merge_slashes", NGINX_KIND_VALUE, "on" },
	{ "proxy_buffer_size", NGINX_KIND_VALUE, "4k" },
	{ "proxy_buffering", NGINX_KIND_VALUE, "on" },
	{ "proxy_cache", NGINX_KIND_VALUE, "off" },
	{ "proxy_cache_valid", NGINX_KIND_ARRAY, NULL },
	{ "proxy_connect_timeout", NGINX_KIND_VALUE, "60s" },
	{ "proxy_force_ranges", NGINX_KIND_VALUE, "off" },
	{ "proxy_hide_header", NGINX_KIND_ARRAY, NULL },
	{ "proxy_http_version", NGINX_KIND_VALUE, "1.0" },
	{ "proxy_ignore_client_abort", NGINX_KIND_VALUE, "off" },
	{ "proxy_ignore_headers", NGINX_KIND_VALUE, NULL },
	{ "proxy_intercept_errors", NGINX_KIND_VALUE, "off" },
	{ "proxy_limit_rate", NGINX_KIND_VALUE, "0" },
	{ "proxy_max_temp_file_size", NGINX_KIND_VALUE, "1024m" },
	{ "proxy_method", NGINX_KIND_VALUE, NULL },
	{ "proxy_next_upstream", NGINX_KIND_VALUE, "error timeout" },
	{ "proxy_next_upstream_timeout", NGINX_KIND_VALUE, "0" },
	{ "proxy_next_upstream_tries", NGINX_KIND_VALUE, "0" },
	{ "proxy_pass", NGINX_KIND_OWN, NULL },
	{ "proxy_pass_header", NGINX_KIND_ARRAY, NULL },
	{ "proxy_pass_request_body", NGINX_KIND_VALUE, "on" },
	{ "proxy_pass_request_headers", NGINX_KIND_VALUE, "on" },
	{ "proxy_read_timeout", NGINX_KIND_VALUE, "60s" },
	{ "proxy_redirect", NGINX_KIND_ARRAY, "default" },
	{ "proxy_request_buffering", NGINX_KIND_VALUE, "on" },
	{ "proxy_send_timeout", NGINX_KIND_VALUE, "60s" },
	{ "proxy_set_body", NGINX_KIND_VALUE, NULL },
	{ "proxy_set_header", NGINX_KIND_ARRAY, NULL },
	{ "proxy_ssl_name", NGINX_KIND_VALUE, "$proxy_host" },
	{ "proxy_ssl_server_name", NGINX_KIND_VALUE, "off" },
	{ "proxy_ssl_verify", NGINX_KIND_VALUE, "off" },
	{ "proxy_store", NGINX_KIND_VALUE, "off" },
	{ "resolver", NGINX_KIND_VALUE, NULL },
	{ "resolver_timeout", NGINX_KIND_VALUE, "30s" },
	{ "return", NGINX_KIND_OWN, NULL },
	{ "rewrite", NGINX_KIND_OWN, NULL },
	{ "root", NGINX_KIND_VALUE, "html" },
	{ "satisfy", NGINX_KIND_VALUE, "all" },
	{ "scgi_pass", NGINX_KIND_OWN, NULL },
	{ "send_timeout", NGINX_KIND_VALUE, "60s" },
	{ "set", NGINX_KIND_OWN, NULL },
	{ "slice", NGINX_KIND_VALUE, "0" },
	{ "sub_filter", NGINX_KIND_ARRAY, NULL },
	{ "sub_filter_types", NGINX_KIND_VALUE, "text/html" },
	{ "try_files", NGINX_KIND_OWN, NULL },
	{ "underscores_in_headers", NGINX_KIND_VALUE, "off" },
	{ "uwsgi_pass", NGINX_KIND_OWN, NULL },
};

const size_t nginx_rules_count = ARRAY_LEN(nginx_rules);

const struct nginx_rule *nginx_rule_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(nginx_rules); i++)
		if (str_eq(name, str_of(nginx_rules[i].name)))
			return &nginx_rules[i];
	return NULL;
}

/* allow and deny are one array. */
static const struct nginx_directive *find_either(const struct nginx_directive *block,
						 struct str name)
{
	const struct nginx_directive *found = nginx_find(block, NULL, name);

	if (found || (!str_eq(name, STR("allow")) && !str_eq(name, STR("deny"))))
		return found;
	return NULL;
}

static bool has_other(const struct nginx_directive *block, struct str name)
{
	if (str_eq(name, STR("allow")))
		return nginx_find(block, NULL, STR("deny")) != NULL;
	return str_eq(name, STR("deny")) && nginx_find(block, NULL, STR("allow")) != NULL;
}

const struct nginx_directive *nginx_in_force(const struct nginx_directive *block, struct str name)
{
	const struct nginx_rule *rule = nginx_rule_of(name);
	const struct nginx_directive *found = NULL;

	while (block && !found) {
		found = find_either(block, name);
		if ((rule && rule->kind == NGINX_KIND_OWN) || has_other(block, name))
			break;
		block = nginx_block_of(block);
	}
	return found;
}

struct str nginx_word_in_force(const struct nginx_directive *block, struct str name)
{
	const struct nginx_directive *found = nginx_in_force(block, name);
	const struct nginx_rule *rule = nginx_rule_of(name);

	if (found)
		return nginx_word(found, 1);
	return rule && rule->fallback ? str_of(rule->fallback) : STR_NONE;
}

static int64_t unit_ms(struct str unit)
{
	static const struct {
		struct str name;
		int64_t ms;
	} units[] = {
		{ { "", 0 }, 1000 },       { { "ms", 2 }, 1 },         { { "s", 1 }, 1000 },
		{ { "m", 1 }, 60000 },     { { "h", 1 }, 3600000 },    { { "d", 1 }, 86400000 },
		{ { "w", 1 }, 604800000 }, { { "M", 1 }, 2592000000 }, { { "y", 1 }, 31536000000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (str_eq(unit, units[i].name))
			return units[i].ms;
	return -1;
}

static size_t count_digits(struct str text)
{
	size_t n = 0;

	while (n < text.len && ascii_is_digit(text.at[n]))
		n++;
	return n;
}

static size_t count_letters(struct str text)
{
	size_t n = 0;

	while (n < text.len && !ascii_is_digit(text.at[n]) && text.at[n] != ' ')
		n++;
	return n;
}

#define TIME_MAX_MS ((int64_t)1 << 52)

bool nginx_time_ms(struct str text, int64_t *out_ms)
{
	int64_t total = 0;

	if (text.len == 0)
		return false;
	while (text.len > 0) {
		size_t digits = count_digits(text);
		size_t letters = count_letters(str_after(text, digits));
		int64_t unit = unit_ms(str_first(str_after(text, digits), letters)), n;

		if (!str_to_i64(str_first(text, digits), &n) || unit < 0 || n > TIME_MAX_MS / unit)
			return false;
		total += n * unit;
		if (total > TIME_MAX_MS)
			return false;
		text = str_trim(str_after(text, digits + letters));
	}
	*out_ms = total;
	return true;
}

bool nginx_size(struct str text, uint64_t *out_bytes)
{
	size_t digits = count_digits(text);
	struct str unit = str_after(text, digits);
	unsigned shift = 0;
	uint64_t n;

	if (str_eq_nocase(unit, STR("k")))
		shift = 10;
	else if (str_eq_nocase(unit, STR("m")))
		shift = 20;
	else if (str_eq_nocase(unit, STR("g")))
		shift = 30;
	else if (unit.len > 0)
		return false;
	if (!str_to_u64(str_first(text, digits), &n) || n > UINT64_MAX >> shift)
		return false;
	*out_bytes = n << shift;
	return true;
}
