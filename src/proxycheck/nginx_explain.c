#include "proxycheck/nginx_explain.h"

#include "base/json.h"
#include "base/own.h"
#include "nginx/nginx_force.h"
#include "nginx/nginx_location.h"
#include "nginx/nginx_proxied.h"

#define PLACE_BYTES_MAX 4200

void nginx_place_text(const struct nginx_directive *directive, struct buf *out)
{
	buf_add_str(out, directive->file->path);
	buf_addf(out, ":%u", directive->line);
}

static const char *name_of_end(enum nginx_end end)
{
	switch (end) {
	case NGINX_NO_SERVER:
		return "no_server";
	case NGINX_PROXIED:
		return "proxied";
	case NGINX_ANSWERED:
		return "answered";
	case NGINX_FILES:
		return "files";
	case NGINX_ELSEWHERE:
		return "elsewhere";
	case NGINX_LOST:
		return "lost";
	}
	return "";
}

void nginx_end_text(struct nginx_visit *visit, struct buf *out)
{
	switch (visit->end) {
	case NGINX_NO_SERVER:
		buf_addf(out, "no server listens on port %u", visit->request->port);
		return;
	case NGINX_PROXIED:
		buf_add_text(out, "passed on to ");
		nginx_value(visit, nginx_word(visit->by, 1), out);
		return;
	case NGINX_ANSWERED:
		buf_addf(out, "answered %u by nginx itself", visit->status);
		return;
	case NGINX_FILES:
		buf_add_text(out, "answered from files on the proxy's own disk");
		return;
	case NGINX_ELSEWHERE:
		buf_addf(out, "answered by %.*s", STR_ARG(nginx_name(visit->by)));
		return;
	case NGINX_LOST:
		buf_add_text(out, "could not be followed");
		return;
	}
}

/* ---- JSON */

static void json_place(struct json *json, const char *key, const struct nginx_directive *directive)
{
	__attribute__((cleanup(buf_release_at))) struct buf text = { 0 };

	if (!directive) {
		json_nothing(json, key);
		return;
	}
	buf_init(&text, PLACE_BYTES_MAX);
	nginx_place_text(directive, &text);
	json_text(json, key, buf_str(&text));
}

/* As nginx itself names it in its debug log: "=/x", "/x", "@x"; "" outside of all. */
static void json_location(struct json *json, const struct nginx_visit *visit)
{
	struct str path = STR("");
	char text[512];

	if (!visit->location || visit->location == visit->server) {
		json_text(json, "path", STR(""));
		return;
	}
	snprintf(text, sizeof(text), "%s",
		 nginx_location_read(visit->location, &path) == NGINX_LOCATION_EXACT ? "=" : "");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s", STR_ARG(path));
	json_text(json, "path", str_of(text));
}

static void json_words(struct json *json, const struct nginx_directive *directive)
{
	json_open(json, NULL, '[');
	for (size_t i = 1; i < directive->word_count; i++)
		json_text(json, NULL, directive->words[i]);
	json_close(json, ']');
}

static void json_rule(struct json *json, const struct nginx_directive *block,
		      const struct nginx_rule *rule)
{
	struct str name = str_of(rule->name);
	const struct nginx_directive *found = nginx_in_force(block, name);
	const struct nginx_directive *owner = found ? nginx_block_of(found) : NULL;

	if (!found)
		return;
	json_open(json, rule->name, '{');
	json_place(json, "at", found);
	json_open(json, "words", '[');
	for (; found; found = nginx_find(owner, found, name))
		json_words(json, found);
	json_close(json, ']');
	json_close(json, '}');
}

static void json_sent(struct json *json, const struct nginx_proxied *proxied)
{
	json_open(json, "sent", '[');
	for (size_t i = 0; i < proxied->sent_count; i++) {
		const struct nginx_sent *sent = &proxied->sent[i];

		json_open(json, NULL, '{');
		json_text(json, "name", sent->name);
		json_text(json, "value", str_of(sent->value));
		json_bool(json, "known", sent->is_known);
		json_place(json, "at", sent->by);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void json_proxied(struct json *json, struct nginx_visit *visit)
{
	struct nginx_proxied proxied;

	if (nginx_proxied_start(&proxied, visit)) {
		json_text(json, "to", proxied.to.host);
		json_text(json, "version", proxied.version);
		json_text(json, "target", buf_str(&proxied.target));
		json_bool(json, "target_known", proxied.target_is_known);
		json_place(json, "upstream", proxied.to.upstream);
		json_sent(json, &proxied);
	}
	nginx_proxied_release(&proxied);
}

static void json_doubts(struct json *json, const struct nginx_visit *visit)
{
	json_open(json, "doubts", '[');
	for (size_t i = 0; i < visit->doubt_count; i++) {
		json_open(json, NULL, '{');
		json_place(json, "at", visit->doubts[i].by);
		json_text(json, "why", str_of(visit->doubts[i].why));
		json_close(json, '}');
	}
	json_close(json, ']');
}

void nginx_explain_json(struct nginx_visit *visit, struct buf *out)
{
	struct json json;

	json_start(&json, out);
	json_open(&json, NULL, '{');
	json_text(&json, "end", str_of(name_of_end(visit->end)));
	json_place(&json, "server", visit->server);
	json_place(&json, "location", visit->location);
	json_location(&json, visit);
	json_place(&json, "block", visit->block);
	json_place(&json, "by", visit->by);
	json_int(&json, "status", visit->status);
	if (visit->end == NGINX_PROXIED)
		json_proxied(&json, visit);
	json_open(&json, "in_force", '{');
	for (size_t i = 0; i < nginx_rules_count && visit->block; i++)
		json_rule(&json, visit->block, &nginx_rules[i]);
	json_close(&json, '}');
	json_doubts(&json, visit);
	json_close(&json, '}');
}

/* ---- text */

static void text_place(struct buf *out, const char *what, const struct nginx_directive *directive)
{
	if (!directive)
		return;
	buf_addf(out, "%-10s ", what);
	nginx_place_text(directive, out);
	for (size_t i = 0; i < directive->word_count; i++)
		buf_addf(out, "%s%.*s", i == 0 ? "  " : " ", STR_ARG(directive->words[i]));
	buf_add_byte(out, '\n');
}

static void text_proxied(struct nginx_visit *visit, struct buf *out)
{
	struct nginx_proxied proxied;

	if (nginx_proxied_start(&proxied, visit)) {
		buf_addf(out, "\n%.*s ", STR_ARG(visit->request->method));
		buf_add(out, proxied.target.at, proxied.target.len);
		buf_addf(out, " HTTP/%.*s\n", STR_ARG(proxied.version));
		for (size_t i = 0; i < proxied.sent_count; i++)
			buf_addf(out, "%.*s: %s\n", STR_ARG(proxied.sent[i].name),
				 proxied.sent[i].value);
	}
	nginx_proxied_release(&proxied);
}

static void text_rule(struct buf *out, const struct nginx_directive *block,
		      const struct nginx_rule *rule)
{
	struct str name = str_of(rule->name);
	const struct nginx_directive *found = nginx_in_force(block, name);
	const struct nginx_directive *owner = found ? nginx_block_of(found) : NULL;

	for (; found; found = nginx_find(owner, found, name)) {
		nginx_place_text(found, out);
		for (size_t i = 0; i < found->word_count; i++)
			buf_addf(out, "%s%.*s", i == 0 ? "  " : " ", STR_ARG(found->words[i]));
		buf_add_byte(out, '\n');
	}
}

void nginx_explain_text(struct nginx_visit *visit, struct buf *out)
{
	text_place(out, "server", visit->server);
	if (visit->location != visit->server)
		text_place(out, "location", visit->location);
	if (visit->block != visit->location)
		text_place(out, "in it", visit->block);
	buf_addf(out, "%-10s ", "is");
	nginx_end_text(visit, out);
	buf_add_byte(out, '\n');
	for (size_t i = 0; i < visit->doubt_count; i++) {
		buf_addf(out, "%-10s ", "but");
		if (visit->doubts[i].by) {
			nginx_place_text(visit->doubts[i].by, out);
			buf_add_text(out, ": ");
		}
		buf_addf(out, "%s\n", visit->doubts[i].why);
	}
	if (visit->end == NGINX_PROXIED)
		text_proxied(visit, out);
	if (!visit->block)
		return;
	buf_add_text(out, "\nin force there:\n");
	for (size_t i = 0; i < nginx_rules_count; i++)
		text_rule(out, visit->block, &nginx_rules[i]);
}
