/*
 * What is told of a request that nginx was followed with: each end in words and in JSON, with file and line of all that counts.
 */
#include "proxycheck/nginx_explain.h"

#include "base/compiler.h"
#include "must.h"
#include "nginx/nginx_conf.h"
#include "nginx/nginx_request.h"
#include "tap.h"

#define TEXT_MAX (1u << 20)

static const char conf_text[] = "events { }\n"
				"http {\n"
				"upstream callspool { server 127.0.0.1:8080; }\n"
				"server { listen 80; server_name calls.test;\n"
				"proxy_http_version 1.1; proxy_set_header Host $http_host;\n"
				"proxy_set_header X-B $ssl_x;\n"
				"location / { proxy_pass http://callspool; }\n"
				"location = /gone { return 410; }\n"
				"location /files/ { root /srv; }\n"
				"location ~ ^/php { fastcgi_pass 127.0.0.1:9000; }\n"
				"location /if/ { if ($arg_a) { return 418; } root /srv; }\n"
				"location /lua/ { access_by_lua_block { ask() } root /srv; }\n"
				"location /loop/ { rewrite ^/loop/(.*)$ /loop/x$1; }\n"
				"} }\n";

#define SERVER "server     CONF:4  server\n"
/* What stands in the server block. */
#define HEADERS                                      \
	"CONF:5  proxy_set_header Host $http_host\n" \
	"CONF:6  proxy_set_header X-B $ssl_x\n"
#define JSON_VERSION "\"proxy_http_version\":{\"at\":\"CONF:5\",\"words\":[[\"1.1\"]]}"
#define JSON_HEADERS                                                                    \
	"\"proxy_set_header\":{\"at\":\"CONF:5\",\"words\":[[\"Host\",\"$http_host\"]," \
	"[\"X-B\",\"$ssl_x\"]]}"

static const struct {
	const char *name, *url, *end, *text, *json;
} cases[] = {
	{ "it is passed on", "http://calls.test/api?x=1", "passed on to http://callspool",
	  SERVER "location   CONF:7  location /\n"
		 "is         passed on to http://callspool\n"
		 "\n"
		 "GET /api?x=1 HTTP/1.1\n"
		 "Host: calls.test\n"
		 "X-B: $ssl_x\n"
		 "Connection: close\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n"
		 "CONF:7  proxy_pass http://callspool\n" HEADERS,
	  "{\"end\":\"proxied\",\"server\":\"CONF:4\",\"location\":\"CONF:7\",\"path\":\"/\",\"block\":\"CONF:7\",\"by\":\"CONF:7\",\"status\":0,\"to\":\"callspool\",\"version\":\"1.1\",\"target\":\"/api?x=1\",\"target_known\":true,\"upstream\":\"CONF:3\","
	  "\"sent\":[{\"name\":\"Host\",\"value\":\"calls.test\",\"known\":true,\"at\":\"CONF:5\"},{\"name\":\"X-B\",\"value\":\"$ssl_x\",\"known\":false,\"at\":\"CONF:6\"},{\"name\":\"Connection\",\"value\":\"close\",\"known\":true,\"at\":null}],"
	  "\"in_force\":{" JSON_VERSION
	  ",\"proxy_pass\":{\"at\":\"CONF:7\",\"words\":[[\"http://callspool\"]]}," JSON_HEADERS
	  "},\"doubts\":[]}" },
	{ "it is answered", "http://calls.test/gone", "answered 410 by nginx itself",
	  SERVER "location   CONF:8  location = /gone\n"
		 "is         answered 410 by nginx itself\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS "CONF:8  return 410\n",
	  "{\"end\":\"answered\",\"server\":\"CONF:4\",\"location\":\"CONF:8\",\"path\":\"=/gone\",\"block\":\"CONF:8\",\"by\":\"CONF:8\",\"status\":410,"
	  "\"in_force\":{" JSON_VERSION "," JSON_HEADERS
	  ",\"return\":{\"at\":\"CONF:8\",\"words\":[[\"410\"]]}},\"doubts\":[]}" },
	{ "from files", "http://calls.test/files/a", "answered from files on the proxy's own disk",
	  SERVER "location   CONF:9  location /files/\n"
		 "is         answered from files on the proxy's own disk\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS "CONF:9  root /srv\n",
	  "{\"end\":\"files\",\"server\":\"CONF:4\",\"location\":\"CONF:9\",\"path\":\"/files/\",\"block\":\"CONF:9\",\"by\":\"CONF:9\",\"status\":0,"
	  "\"in_force\":{" JSON_VERSION "," JSON_HEADERS
	  ",\"root\":{\"at\":\"CONF:9\",\"words\":[[\"/srv\"]]}},\"doubts\":[]}" },
	{ "by another protocol", "http://calls.test/php", "answered by fastcgi_pass",
	  SERVER "location   CONF:10  location ~ ^/php\n"
		 "is         answered by fastcgi_pass\n"
		 "\n"
		 "in force there:\n"
		 "CONF:10  fastcgi_pass 127.0.0.1:9000\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS,
	  "{\"end\":\"elsewhere\",\"server\":\"CONF:4\",\"location\":\"CONF:10\",\"path\":\"^/php\",\"block\":\"CONF:10\",\"by\":\"CONF:10\",\"status\":0,"
	  "\"in_force\":{\"fastcgi_pass\":{\"at\":\"CONF:10\",\"words\":[[\"127.0.0.1:9000\"]]}," JSON_VERSION
	  "," JSON_HEADERS "},\"doubts\":[]}" },
	{ "in a block of a location", "http://calls.test/if/?a=1", "answered 418 by nginx itself",
	  SERVER "location   CONF:11  location /if/\n"
		 "in it      CONF:11  if ($arg_a)\n"
		 "is         answered 418 by nginx itself\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS "CONF:11  return 418\n"
		 "CONF:11  root /srv\n",
	  "{\"end\":\"answered\",\"server\":\"CONF:4\",\"location\":\"CONF:11\",\"path\":\"/if/\",\"block\":\"CONF:11\",\"by\":\"CONF:11\",\"status\":418,"
	  "\"in_force\":{" JSON_VERSION "," JSON_HEADERS
	  ",\"return\":{\"at\":\"CONF:11\",\"words\":[[\"418\"]]},\"root\":{\"at\":\"CONF:11\",\"words\":[[\"/srv\"]]}},\"doubts\":[]}" },
	{ "with a doubt", "http://calls.test/lua/", "answered from files on the proxy's own disk",
	  SERVER "location   CONF:12  location /lua/\n"
		 "is         answered from files on the proxy's own disk\n"
		 "but        CONF:12: Lua may answer, or change the request, here\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS "CONF:12  root /srv\n",
	  "{\"end\":\"files\",\"server\":\"CONF:4\",\"location\":\"CONF:12\",\"path\":\"/lua/\",\"block\":\"CONF:12\",\"by\":\"CONF:12\",\"status\":0,"
	  "\"in_force\":{" JSON_VERSION "," JSON_HEADERS
	  ",\"root\":{\"at\":\"CONF:12\",\"words\":[[\"/srv\"]]}},\"doubts\":[{\"at\":\"CONF:12\",\"why\":\"Lua may answer, or change the request, here\"}]}" },
	{ "round and round", "http://calls.test/loop/x", "answered 500 by nginx itself",
	  SERVER "location   CONF:13  location /loop/\n"
		 "is         answered 500 by nginx itself\n"
		 "\n"
		 "in force there:\n"
		 "CONF:5  proxy_http_version 1.1\n" HEADERS
		 "CONF:13  rewrite ^/loop/(.*)$ /loop/x$1\n",
	  "{\"end\":\"answered\",\"server\":\"CONF:4\",\"location\":\"CONF:13\",\"path\":\"/loop/\",\"block\":\"CONF:13\",\"by\":\"CONF:13\",\"status\":500,"
	  "\"in_force\":{" JSON_VERSION "," JSON_HEADERS
	  ",\"rewrite\":{\"at\":\"CONF:13\",\"words\":[[\"^/loop/(.*)$\",\"/loop/x$1\"]]}},\"doubts\":[]}" },
	{ "nobody listens", "http://calls.test:81/", "no server listens on port 81",
	  "is         no server listens on port 81\n",
	  "{\"end\":\"no_server\",\"server\":null,\"location\":null,\"path\":\"\",\"block\":null,\"by\":null,\"status\":0,"
	  "\"in_force\":{},\"doubts\":[]}" },
};

static void told(struct nginx_conf *conf, const char *url,
		 void (*tell)(struct nginx_visit *visit, struct buf *out), struct buf *out)
{
	struct nginx_request request;
	struct nginx_visit visit;
	struct err err;

	MUST(nginx_request_of_url(str_of(url), &request, &err));
	nginx_visit_start(&visit, conf, &request);
	nginx_visit_follow(&visit);
	buf_init(out, TEXT_MAX);
	tell(&visit, out);
	nginx_visit_release(&visit);
}

int main(void)
{
	const struct nginx_conf_options options = { .path = "CONF",
						    .text = { conf_text, sizeof(conf_text) - 1 } };
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err;

	MUST(nginx_conf_read(&options, &conf, &err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(buf_release) struct buf end, text, json;

		told(conf, cases[i].url, nginx_end_text, &end);
		told(conf, cases[i].url, nginx_explain_text, &text);
		told(conf, cases[i].url, nginx_explain_json, &json);
		IS_STR(buf_str(&end), str_of(cases[i].end), "%s: where it ends", cases[i].name);
		IS_STR(buf_str(&text), str_of(cases[i].text), "%s: in words", cases[i].name);
		IS_STR(buf_str(&json), str_of(cases[i].json), "%s: in JSON", cases[i].name);
	}
	return tap_end();
}
