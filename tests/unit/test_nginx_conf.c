#include "nginx/nginx_conf.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "blob_folder.h"
#include "tap.h"

#include <fcntl.h>

static void write_file(const char *name, const char *text)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);
	AUTO(close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct err err;

	if (fd < 0 || !file_write_all(fd, text, strlen(text), &err))
		printf("Bail out! cannot write %s\n", path);
}

static void make_folder(const char *name)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);

	if (mkdir(path, 0700) < 0)
		printf("Bail out! cannot make %s\n", path);
}

static bool read_text(const char *text, struct nginx_conf **out, struct err *err)
{
	struct nginx_conf_options options = { .path = "-", .text = str_of(text) };

	return nginx_conf_read(&options, out, err);
}

static bool read_path(const char *name, struct nginx_conf **out, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/%s", folder, name);
	struct nginx_conf_options options = { .path = path };

	return nginx_conf_read(&options, out, err);
}

/* name(word,word){...}; of what is in force, includes in their place. */
static void show(const struct nginx_directive *block, struct buf *out)
{
	for (const struct nginx_directive *d = nginx_first(block); d; d = nginx_next(block, d)) {
		for (size_t i = 0; i < d->word_count; i++)
			buf_addf(out, "%s%.*s", i > 0 ? " " : "", STR_ARG(d->words[i]));
		if (d->has_block) {
			buf_add_text(out, d->is_lua ? "{lua" : "{");
			show(d, out);
			buf_add_byte(out, '}');
		} else {
			buf_add_byte(out, ';');
		}
	}
}

static const struct {
	const char *name, *text, *shown; /* shown == NULL: `error` */
	const char *error;
} cases[] = {
	{ "nothing", "", "", NULL },
	{ "blocks in blocks", "http { server { listen 80; } server { } }",
	  "http{server{listen 80;}server{}}", NULL },
	{ "content of a map", "map $a $b { default x; '' ''; ~^a$ y; }",
	  "map $a $b{default x; ;~^a$ y;}", NULL },
	{ "Lua is skipped whole",
	  "location / { content_by_lua_block { if x then y = { 1 } end -- }\n } a b; }",
	  "location /{content_by_lua_block{lua}a b;}", NULL },
	{ "no name before ';'", "a b;\n;", NULL, "-:2: unexpected \";\"" },
	{ "no name before '{'", "{", NULL, "-:1: unexpected \"{\"" },
	{ "a ';' is missing before '}'", "a {\n b\n}", NULL,
	  "-:3: unexpected \"}\", expecting \";\"" },
	{ "too many '}'", "a { }\n}", NULL, "-:2: unexpected \"}\": no block is open" },
	{ "a '}' is missing", "http {\n server {\n }\n", NULL,
	  "-:1: the file ends before the \"}\" of http" },
	{ "a ';' is missing at the end", "a b;\nc d \n", NULL,
	  "-:2: the file ends before the \";\" of c" },
	{ "a quote is never closed", "a b;\nc \"d;\n}", NULL, "-:2: a quote that is never closed" },
	{ "Lua is never closed", "a;\ninit_by_lua_block {\n {\n}", NULL,
	  "-:2: the block of Lua that begins here is never closed" },
	{ "a byte-order mark", "\xef\xbb\xbfhttp {}", NULL,
	  "-:1: begins with a byte-order mark, which nginx takes for a part of the first name" },
};

static void test_texts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		char array[1024];
		struct buf out;
		struct err err = { 0 };

		buf_over(&out, array, sizeof(array));
		if (read_text(cases[i].text, &conf, &err))
			show(nginx_conf_root(conf), &out);
		if (cases[i].shown)
			IS_STR(buf_str(&out), str_of(cases[i].shown), "%s", cases[i].name);
		else
			IS_STR(str_of(err.text), str_of(cases[i].error), "%s", cases[i].name);
	}
}

/* What lies between directives is space and comments, so that the file can be made of the tree again. */
static void rebuild(const struct nginx_directive *block, size_t at, size_t end, struct buf *out)
{
	struct str text = block->file->text;

	for (const struct nginx_directive *d = block->first; d; d = d->next) {
		buf_add(out, text.at + at, d->at - at);
		if (d->has_block && d->first)
			rebuild(d, d->at, d->end, out);
		else
			buf_add_str(out, nginx_source(d));
		at = d->end;
	}
	buf_add(out, text.at + at, end - at);
}

static void test_lossless(void)
{
	static const char text[] =
		"# a\nuser  'w' ;http{ # b\n server\n{ listen 80 ; a {}}\r\n} \t# \xe9";
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	__attribute__((cleanup(buf_release_at))) struct buf out;
	struct err err;

	buf_init(&out, 4096);
	OK(read_text(text, &conf, &err), "a file with comments, spaces and quotes");
	if (!conf)
		return;
	rebuild(nginx_conf_root(conf), 0, strlen(text), &out);
	IS_STR(buf_str(&out), str_of(text), "can be made of its tree again");

	const struct nginx_directive *http = nginx_find(nginx_conf_root(conf), NULL, STR("http"));

	IS_INT(http->line, 2, "a directive knows its line");
	IS_INT(nginx_first(http)->line, 3, "so does one inside");
}

static void test_includes(void)
{
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	char array[1024];
	struct buf out;
	struct err err = { 0 };

	make_folder("conf.d");
	write_file("conf.d/b.conf", "server { include snippets.conf; listen 2; }");
	write_file("conf.d/a.conf", "server {\n listen 1;\n}");
	write_file("conf.d/.hidden.conf", "broken");
	write_file("snippets.conf", "x 1; x 2;");
	write_file("empty.conf", "# nothing\n");
	write_file(
		"nginx.conf",
		"include nothing/*.conf; http { include empty.conf; include conf.d/*.conf; gzip on; include empty.conf; }");
	buf_over(&out, array, sizeof(array));
	OK(read_path("nginx.conf", &conf, &err), "includes are followed: %s", err.text);
	if (!conf)
		return;
	show(nginx_conf_root(conf), &out);
	IS_STR(buf_str(&out), STR("http{server{listen 1;}server{x 1;x 2;listen 2;}gzip on;}"),
	       "sorted, relative to the first file, hidden ones left out, in their place");

	const struct nginx_directive *http = nginx_first(nginx_conf_root(conf));
	const struct nginx_directive *listen = nginx_first(nginx_first(http));

	IS_INT(listen->line, 2, "what was included knows its line");
	OK(str_ends(listen->file->path, STR("/conf.d/a.conf")), "and its file");
	OK(nginx_block_of(nginx_first(http)) == http, "and the block that it is in");
}

static void fails(const char *name, const char *expected)
{
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	OK(!read_path(name, &conf, &err), "%s is refused", name);
	OK(strstr(err.text, expected) != NULL, "%s: %s", expected, err.text);
}

static void test_bad_includes(void)
{
	write_file("circle.conf", "a b;\ninclude circle2.conf;");
	write_file("circle2.conf", "include cir*e.conf;");
	fails("circle.conf", "circle2.conf:1: a file that includes itself: ");
	write_file("missing.conf", "\n\ninclude not/here.conf;");
	fails("missing.conf", "missing.conf:3: include: ");
	fails("nobody.conf", "nobody.conf");
	write_file("inner.conf", "a {\n b {");
	write_file("outer.conf", "include inner.conf; } }");
	fails("outer.conf", "inner.conf:2: the file ends before the \"}\" of b");
}

static void test_multiplying(void)
{
	char name[32], text[512];

	for (int i = 0; i < 9; i++) {
		struct buf out;

		buf_over(&out, text, sizeof(text));
		for (int k = 0; k < 10; k++)
			buf_addf(&out, "include m%d.conf; ", i + 1);
		snprintf(name, sizeof(name), "m%d.conf", i);
		write_file(name, text);
	}
	AUTO(free) char *comment = xmalloc(256 * 1024);

	memset(comment, '#', 256 * 1024 - 1);
	comment[256 * 1024 - 1] = '\0';
	write_file("m9.conf", comment);
	fails("m0.conf", "more bytes than are read of one configuration");
}

static void test_depth(void)
{
	__attribute__((cleanup(buf_release_at))) struct buf text;
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	buf_init(&text, 4096);
	for (unsigned i = 0; i <= NGINX_DEPTH_MAX; i++)
		buf_add_text(&text, "a {");
	OK(!read_text(text.at, &conf, &err), "too many blocks in blocks");
	IS_STR(str_of(err.text), STR("-:1: more blocks in blocks than are read"), "are told");
}

/* Returns how many bytes of memory a configuration of about `bytes` took, 0 when it was refused. */
static size_t memory_of(const char *line, size_t bytes, struct err *err)
{
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	AUTO(free) char *text = xmalloc(bytes + 1);
	size_t len = strlen(line);

	for (size_t i = 0; i < bytes; i++)
		text[i] = line[i % len];
	for (size_t i = bytes - bytes % len; i < bytes; i++)
		text[i] = ' ';
	text[bytes] = '\0';
	return read_text(text, &conf, err) ? nginx_conf_memory(conf) : 0;
}

/* The long form is of 50 MB, and of as many directives as there may be. */
static void test_memory(void)
{
	bool is_long = getenv("CALLSPOOL_LONG_TESTS") != NULL;
	size_t bytes = is_long ? 50u << 20 : 1u << 20;
	struct err err = { 0 };
	size_t used = memory_of(
		"server { location / { proxy_set_header Host $host; proxy_pass http://a; } }\n",
		bytes, &err);

	OK(used > bytes && used < 8 * bytes,
	   "a large configuration takes %zu bytes for one of its own", used / bytes);
	used = memory_of("a;", is_long ? NGINX_BYTES_MAX : 1u << 20, &err);
	OK(is_long ? used == 0 : used < 64u << 20,
	   "the smallest directives end in an error, or take %zu MiB a MiB", used >> 20);
	if (is_long)
		OK(strstr(err.text, "more directives than") != NULL, "%s", err.text);
}

static void test_dump(void)
{
	static const char text[] =
		"nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
		"# configuration file /etc/nginx/nginx.conf:\n"
		"http {\n include conf.d/*.conf;\n include mime.types;\n}\n\n"
		"# configuration file /etc/nginx/conf.d/b.conf:\nserver { listen 2; }\n\n"
		"# configuration file /etc/nginx/conf.d/a.conf:\n\nserver { listen 1; }\n"
		"# configuration file /etc/nginx/conf.d/sub/c.conf:\nserver { listen 3; }\n"
		"# configuration file /etc/nginx/mime.types:\ntypes { }\n";
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	char array[256];
	struct buf out;
	struct err err = { 0 };

	buf_over(&out, array, sizeof(array));
	OK(read_text(text, &conf, &err), "what nginx -T prints: %s", err.text);
	if (!conf)
		return;
	show(nginx_conf_root(conf), &out);
	IS_STR(buf_str(&out), STR("http{server{listen 1;}server{listen 2;}types{}}"),
	       "its includes are found in it");

	const struct nginx_directive *server =
		nginx_first(nginx_find(nginx_conf_root(conf), NULL, STR("http")));

	IS_STR(server->file->path, STR("/etc/nginx/conf.d/a.conf"), "with the name of the file");
	IS_INT(server->line, 2, "and the line in it");
}

static void test_version(void)
{
	static const struct {
		const char *line;
		unsigned version;
	} lines[] = {
		{ "nginx version: nginx/1.29.7", 1029007 },
		{ "nginx version: nginx/1.22.1 (Debian)", 1022001 },
		{ "nginx version: openresty/1.27.1.2", 1027001 },
		{ "nginx version: nginx/unknown", 0 },
		{ "nginx version: nginx/1.29", 0 },
		{ "nginx: all is well", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		AUTO(free)
		char *text = xasprintf(
			"%s\nbuilt with OpenSSL 3.0.22\nTLS SNI support enabled\nconfigure arguments: --x\n"
			"# configuration file /a:\nb c;\n",
			lines[i].line);
		AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
		struct err err = { 0 };

		OK(read_text(text, &conf, &err), "%s: what nginx -VT prints%s", lines[i].line,
		   err.text);
		IS_INT(conf ? nginx_conf_version(conf) : 1, lines[i].version, "%s: the version",
		       lines[i].line);
	}
}

static void test_dump_without(void)
{
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	OK(!read_text("# configuration file /a/b.conf:\n\ninclude c.conf;\n", &conf, &err),
	   "a dump that was cut");
	IS_STR(str_of(err.text),
	       STR("/a/b.conf:2: not among the files that were printed: /a/c.conf"),
	       "names what is missing");
}

static void test_alone(void)
{
	struct nginx_conf_options options = { .path = "-",
					      .text = STR("a;\ninclude b;"),
					      .is_alone = true };
	AUTO(nginx_conf_free) struct nginx_conf *conf = NULL;
	struct err err = { 0 };

	OK(!nginx_conf_read(&options, &conf, &err), "who may open no file");
	IS_STR(str_of(err.text), STR("-:2: a file that is not here: ./b"),
	       "is told which one is missing");
}

int main(void)
{
	folder_make();
	test_texts();
	test_lossless();
	test_includes();
	test_bad_includes();
	test_multiplying();
	test_depth();
	test_memory();
	test_dump();
	test_dump_without();
	test_version();
	test_alone();
	folder_remove();
	return tap_end();
}
