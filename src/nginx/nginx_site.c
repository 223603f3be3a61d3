/*
 * There is one source, which people may read and copy as it is.  What differs in a deployment is put in the place of lines of
 * that file; a line that is not there exactly once is a mistake of ours, which the unit test finds.
 */
#include "nginx/nginx_site.h"

#include "base/mem.h"
#include "base/own.h"
#include "nginx/nginx_request.h"
#include "nginx/nginx_server.h"

#include <stdlib.h>

#define SITE_MAX        (64u << 10)
#define READ_MIN_S      60 /* as nginx has it by itself */
#define READ_MARGIN_S   35 /* above play_wait */
#define KEEPALIVE_MAX_S 60
#define PATH_SHOWN_MAX  80 /* in a message */
#define KEEPALIVE_PART  5  /* a fifth of callspool's own is left for what is on its way */

/* The assembler copies the file in. */
__asm__(".pushsection .rodata\n"
	".globl nginx_site_text, nginx_site_text_end\n"
	"nginx_site_text:\n"
	".incbin \"" NGINX_SITE_FILE "\"\n"
	"nginx_site_text_end:\n"
	".popsection\n");
extern const char nginx_site_text[] __attribute__((visibility("hidden")));
extern const char nginx_site_text_end[] __attribute__((visibility("hidden")));

struct str nginx_site_packaged(void)
{
	return (struct str){ nginx_site_text, (size_t)(nginx_site_text_end - nginx_site_text) };
}

/* What is written, and what public_url says. */
struct site {
	const struct nginx_site_options *options;
	struct buf text;
	struct str host;
	uint16_t port;
	bool is_known, is_https;
	char back_end[300];
};

static bool lacks(struct err *err, const char *what)
{
	return err_set(err, ERR_INTERNAL,
		       "the packaged configuration of nginx does not hold '%s' once", what);
}

/* `from` stands there once. */
static bool replace(struct site *site, const char *from, const char *to, struct err *err)
{
	struct str text = buf_str(&site->text), what = str_of(from);
	size_t at = str_find_str(text, what);
	struct buf made;

	if (at == text.len ||
	    str_find_str(str_after(text, at + what.len), what) < text.len - at - what.len)
		return lacks(err, from);
	buf_init(&made, SITE_MAX);
	buf_add_str(&made, str_first(text, at));
	buf_add_text(&made, to);
	buf_add_str(&made, str_after(text, at + what.len));
	buf_release(&site->text);
	site->text = made;
	return true;
}

static bool replace_every(struct site *site, const char *from, const char *to, struct err *err)
{
	struct str rest = buf_str(&site->text), what = str_of(from);
	size_t at = str_find_str(rest, what);
	struct buf made;

	if (at == rest.len)
		return lacks(err, from);
	buf_init(&made, SITE_MAX);
	for (; at < rest.len; at = str_find_str(rest, what)) {
		buf_add_str(&made, str_first(rest, at));
		buf_add_text(&made, to);
		rest = str_after(rest, at + what.len);
	}
	buf_add_str(&made, rest);
	buf_release(&site->text);
	site->text = made;
	return true;
}

/* An address that nginx can connect to, of one that callspool listens on. */
static void write_back_end(struct site *site)
{
	struct str listen = str_of(site->options->listen);
	struct buf out;

	buf_over(&out, site->back_end, sizeof(site->back_end));
	if (str_starts(listen, STR("0.0.0.0:"))) {
		buf_add_text(&out, "127.0.0.1");
		listen = str_after(listen, 7);
	} else if (str_starts(listen, STR("[::]:"))) {
		buf_add_text(&out, "[::1]");
		listen = str_after(listen, 4);
	}
	buf_add_str(&out, listen);
}

/* The page, invitations and links ask for /api/ and for their scripts at the root of their host. */
static bool refuse_path(struct str path, struct err *err)
{
	return err_set(
		err, ERR_INVALID,
		"public_url has a path: the page needs the root of a host: give it one of its own, or for "
		"webhooks and recordings write location %.*s/ { proxy_pass http://callspool/; }",
		STR_ARG(str_first(path, PATH_SHOWN_MAX)));
}

static bool read_public_url(struct site *site, struct err *err)
{
	const char *url = site->options->public_url;
	struct nginx_request request;

	site->port = 80;
	if (!url)
		return true;
	if (!nginx_request_of_url(str_of(url), &request, err))
		return false;
	if (request.target.len > 1)
		return refuse_path(request.target, err);
	site->is_known = true;
	site->is_https = str_starts_nocase(str_of(url), STR("https:"));
	site->port = request.port;
	site->host = nginx_host_of(request.host);
	return true;
}

static int64_t read_limit_s(const struct site *site)
{
	int64_t least = site->options->play_wait_ms / 1000 + READ_MARGIN_S;

	return least > READ_MIN_S ? least : READ_MIN_S;
}

static int64_t keepalive_s(const struct site *site)
{
	int64_t most = site->options->keepalive_ms / 1000;

	most -= most / KEEPALIVE_PART;
	if (most > KEEPALIVE_MAX_S)
		return KEEPALIVE_MAX_S;
	return most > 0 ? most : 1;
}

static bool write_limits(struct site *site, struct err *err)
{
	AUTO(free)
	char *why = xasprintf(
		"# callspool answers each play within play_wait (%lld s), so %lld s without a byte",
		(long long)(site->options->play_wait_ms / 1000), (long long)read_limit_s(site));
	AUTO(free)
	char *limit = xasprintf("proxy_read_timeout    %llds;", (long long)read_limit_s(site));

	return replace(site,
		       "# callspool answers each play within play_wait (25 s), so 60 s without a byte",
		       why, err) &&
	       replace(site, "proxy_read_timeout    60s;", limit, err);
}

static bool write_upstream(struct site *site, struct err *err)
{
	AUTO(free) char *server = xasprintf("server %s max_fails=0;", site->back_end);
	AUTO(free)
	char *why = xasprintf("(keepalive_timeout, %lld s)",
			      (long long)(site->options->keepalive_ms / 1000));
	AUTO(free)
	char *limit = xasprintf("    keepalive_timeout %llds;", (long long)keepalive_s(site));

	return replace(site, "server 127.0.0.1:8080 max_fails=0;", server, err) &&
	       replace(site, "(keepalive_timeout, 75 s)", why, err) &&
	       replace(site, "    keepalive_timeout 60s;", limit, err);
}

#define TLS_LINES                                                             \
	"    listen %u ssl;\n"                                                \
	"    server_name %.*s;\n"                                             \
	"    ssl_certificate     /etc/letsencrypt/live/%.*s/fullchain.pem;\n" \
	"    ssl_certificate_key /etc/letsencrypt/live/%.*s/privkey.pem;\n"   \
	"    ssl_protocols       TLSv1.2 TLSv1.3;\n"                          \
	"    ssl_session_cache   shared:callspool:1m;\n"

#define FROM_HTTP                                     \
	"# Who comes by http is sent to https.\n"     \
	"server {\n"                                  \
	"    listen 80;\n"                            \
	"    server_name %.*s;\n"                     \
	"    return 301 https://$host$request_uri;\n" \
	"}\n\n"                                       \
	"server {\n"                                  \
	"    # (2)"

#define HEAD_OF_FILE \
	"# nginx in front of callspool: copy to /etc/nginx/conf.d/, change the two lines marked (1) and (2).\n"
#define HEAD_OF_SETTINGS \
	"# nginx in front of callspool, for the settings in force: a file of /etc/nginx/conf.d/.\n"

static char *address_lines(const struct site *site)
{
	if (site->is_https)
		return xasprintf(TLS_LINES, site->port, STR_ARG(site->host), STR_ARG(site->host),
				 STR_ARG(site->host));
	return xasprintf("    listen %u;\n    server_name %.*s;\n", site->port,
			 STR_ARG(site->host));
}

static bool write_address(struct site *site, struct err *err)
{
	AUTO(free) char *lines = address_lines(site);
	AUTO(free) char *from_http = xasprintf(FROM_HTTP, STR_ARG(site->host));

	if (!site->is_known)
		return true;
	if (!replace(site, HEAD_OF_FILE, HEAD_OF_SETTINGS, err) ||
	    !replace(site, "    listen 80;\n    server_name _;\n", lines, err))
		return false;
	return !site->is_https || site->port != 443 ||
	       replace(site, "server {\n    # (2)", from_http, err);
}

/* Those that the file has are emptied in it. */
static bool write_header(struct site *site, const char *name, struct err *err)
{
	AUTO(free) char *line = NULL;
	AUTO(free) char *known = name ? xasprintf("proxy_set_header %s ", name) : NULL;

	if (!name || str_find_str(buf_str(&site->text), str_of(known)) < site->text.len)
		return true;
	line = xasprintf("    proxy_set_header %s \"\";\n\n    # What a player asks for", name);
	return replace(site, "\n    # What a player asks for", line, err);
}

static bool write_headers(struct site *site, struct err *err)
{
	return write_header(site, site->options->user_header, err) &&
	       write_header(site, site->options->groups_header, err);
}

/* ---- beside another product */

#define BESIDE_HEAD                                                                                              \
	"# callspool beside another product: nginx passes recordings and webhooks on to it, and nothing else.\n" \
	"# In the server block of the product, before its own locations: include snippets/callspool.conf;\n"     \
	"# Who may play is the product's to say: auth_request, or links (docs/access.md).\n"                     \
	"location ~ ^/(api/calls/CA[0-9a-f]+/download|api/recordings/RE[0-9a-f]+/media|webhook/(recording|call)-status)$ {\n"

/* The lines from the one that begins with `from` to before the one that begins with `to`. */
static bool part(struct site *site, const char *from, const char *to, struct str *out,
		 struct err *err)
{
	struct str text = buf_str(&site->text);
	size_t begin = str_find_str(text, str_of(from));
	size_t end = str_find_str(str_after(text, begin), str_of(to));

	if (begin == text.len || end == text.len - begin)
		return lacks(err, begin == text.len ? from : to);
	*out = str_first(str_after(text, begin), end);
	return true;
}

/* Adds lines one block further out. */
static void add_outdented(struct buf *out, struct str lines)
{
	struct str line;

	while (lines.len > 0 && str_cut(&lines, '\n', &line)) {
		buf_add_str(out, str_starts(line, STR("    ")) ? str_after(line, 4) : line);
		buf_add_byte(out, '\n');
	}
}

static bool cut_beside(struct site *site, struct err *err)
{
	struct str inside, away;
	struct buf made;

	if (!part(site, "    # To callspool:", "    # Without a path", &inside, err) ||
	    !part(site, "    # When callspool itself", "\n}\n", &away, err))
		return false;
	buf_init(&made, SITE_MAX);
	buf_add_text(&made, BESIDE_HEAD);
	buf_add_str(&made, inside);
	buf_add_text(
		&made,
		"    # Without a path: the request target goes to callspool byte for byte, which Twilio's "
		"signature covers.\n    proxy_pass http://callspool;\n}\n\n");
	add_outdented(&made, away);
	buf_release(&site->text);
	site->text = made;
	return true;
}

/* There is no map, as that stands outside of servers, and no WebSocket in what is passed on. */
static bool write_beside(struct site *site, struct err *err)
{
	AUTO(free)
	char *pass = xasprintf("proxy_pass http://%s;", site->back_end);

	return cut_beside(site, err) && replace(site, "$callspool_connection;", "\"\";", err) &&
	       replace(site, "proxy_set_header Upgrade           $http_upgrade;",
		       "proxy_set_header Upgrade           \"\";", err) &&
	       replace_every(site, "$callspool_host;", "$http_host;", err) &&
	       replace(site, "    client_header_timeout 15s;\n", "", err) &&
	       replace(site, "    large_client_header_buffers 4 32k;\n", "", err) &&
	       replace(site, "error_page 502 504 =503 @callspool_is_away;\nlocation", "location",
		       err) &&
	       replace(site, "\n    # Without a path",
		       "\n    # When callspool does not answer, see below.\n    error_page 502 504 =503 @callspool_is_away;\n\n    # Without a path",
		       err) &&
	       replace(site, "proxy_pass http://callspool;", pass, err);
}

bool nginx_site_write(const struct nginx_site_options *options, struct buf *out, struct err *err)
{
	struct site site = { .options = options };
	bool is_good;

	buf_init(&site.text, SITE_MAX);
	buf_add_str(&site.text, nginx_site_packaged());
	write_back_end(&site);
	is_good = read_public_url(&site, err) && write_limits(&site, err) &&
		  write_headers(&site, err);
	if (is_good && options->is_beside)
		is_good = write_beside(&site, err);
	else if (is_good)
		is_good = write_upstream(&site, err) && write_address(&site, err);
	if (is_good)
		buf_add_str(out, buf_str(&site.text));
	buf_release(&site.text);
	return is_good;
}
