/*
 * Reading: one pass over each file, in the order in which nginx reads them.
 *
 * Directives and words are many and small, and are freed together, so they lie in blocks of memory (struct chunk) that
 * the configuration owns: a file of 50 MB has more than a million of them.
 *
 * An include is a directive whose children are what was included.  Its name may be a pattern; names are relative to the
 * folder of the first file, not of the one that includes.  Files that are included often are read once and parsed each
 * time, which NGINX_BYTES_MAX bounds: ten files that include each other ten times are 10^10 directives otherwise.
 */
#include "nginx/nginx_conf.h"

#include "base/file.h"
#include "base/mem.h"
#include "nginx/nginx_dump.h"
#include "nginx/nginx_lexer.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>

#define CHUNK_BYTES      (256u << 10)
#define PATH_SHOWN_BYTES 120 /* of a path in an error: its end */

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t at[];
};

struct nginx_conf {
	struct nginx_directive *root;
	struct nginx_file *files, **last_file;
	struct chunk *chunks; /* the newest first */
	char *folder;
	size_t file_count, directive_count, word_count, byte_count, memory;
	bool is_dump, is_alone;
	unsigned version;
};

/* The file that is being read, and those that include it. */
struct reading {
	const struct reading *outer;
	const struct nginx_file *file;
	uint32_t depth;       /* of includes */
	uint32_t block_depth; /* of blocks, the outer files' included */
};

static void *take(struct nginx_conf *conf, size_t size)
{
	struct chunk *chunk = conf->chunks;

	size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		chunk = xmalloc(sizeof(*chunk) + room);
		*chunk = (struct chunk){ .next = conf->chunks, .size = room };
		conf->chunks = chunk;
		conf->memory += sizeof(*chunk) + room;
	}
	chunk->used += size;
	return (char *)chunk->at + chunk->used - size;
}

/* Begins the text with FILE:LINE. */
static bool broken_at(struct err *err, const struct nginx_file *file, uint32_t line,
		      const char *text, struct str detail)
{
	struct str path = file->path;

	if (path.len > PATH_SHOWN_BYTES)
		path = str_after(path, path.len - PATH_SHOWN_BYTES);
	return err_set(err, ERR_INVALID, "%s%.*s:%u: %s%.*s",
		       path.len < file->path.len ? "..." : "", STR_ARG(path), line, text,
		       STR_ARG(str_first(detail, PATH_SHOWN_BYTES)));
}

static struct nginx_file *find_file(const struct nginx_conf *conf, struct str path)
{
	for (struct nginx_file *file = conf->files; file; file = file->next)
		if (str_eq(file->path, path))
			return file;
	return NULL;
}

/* Takes over `text`, which is the conf's own memory or outlives it. */
static struct nginx_file *add_file(struct nginx_conf *conf, struct str path, struct str text)
{
	struct nginx_file *file = take(conf, sizeof(*file));
	char *name = take(conf, path.len + 1);

	memcpy(name, path.at, path.len);
	name[path.len] = '\0';
	*file = (struct nginx_file){ .path = { name, path.len }, .text = text };
	*conf->last_file = file;
	conf->last_file = &file->next;
	conf->file_count++;
	return file;
}

/* The file's bytes, in the conf's memory. */
static bool load(struct nginx_conf *conf, const char *path, struct nginx_file **out,
		 struct err *err)
{
	AUTO(free) char *text = NULL;
	size_t len;

	if (conf->file_count >= NGINX_FILES_MAX)
		return err_set(err, ERR_INVALID, "more than %u files", NGINX_FILES_MAX);
	if (!file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, NGINX_BYTES_MAX, &text, &len,
		       err))
		return false;

	char *kept = take(conf, len + 1);

	memcpy(kept, text, len);
	kept[len] = '\0';
	*out = add_file(conf, str_of(path), (struct str){ kept, len });
	return true;
}

static struct nginx_directive *add_directive(struct nginx_conf *conf,
					     struct nginx_directive *parent)
{
	struct nginx_directive *directive = take(conf, sizeof(*directive));

	*directive = (struct nginx_directive){ .parent = parent };
	if (parent && parent->last)
		parent->last->next = directive;
	else if (parent)
		parent->first = directive;
	if (parent)
		parent->last = directive;
	conf->directive_count++;
	return directive;
}

/*
 * The words of the directive that is being read.  They come one by one and are needed side by side: the last chunk's
 * end holds them where it can, and they are moved when it cannot.
 */
struct words {
	struct str *at;
	uint32_t count, room;
};

static void add_word(struct nginx_conf *conf, struct words *words, struct str word)
{
	if (words->count == words->room) {
		uint32_t room = words->room > 0 ? words->room * 2 : 16;

		words->at = xrealloc(words->at, room * sizeof(*words->at));
		words->room = room;
	}
	words->at[words->count++] = word;
	conf->word_count++;
}

static struct str word_of(struct nginx_conf *conf, const struct nginx_lexer *lexer)
{
	struct str word = lexer->word;

	if (!lexer->has_escapes)
		return word;

	char *plain = take(conf, word.len + 1);

	word.len = nginx_unescape(word, plain);
	word.at = plain;
	return word;
}

static bool include(struct nginx_conf *conf, const struct reading *reading,
		    struct nginx_directive *directive, struct err *err);

/* One file while it is read. */
struct pass {
	struct nginx_conf *conf;
	const struct reading *reading;
	struct nginx_lexer lexer;
	struct words words;
	struct nginx_directive *top, *block; /* what the file stands in; what is open now */
	uint32_t depth;                      /* blocks open in this file */
	size_t name_at;
	uint32_t name_line;
};

static bool pass_broken(const struct pass *pass, const char *text, struct err *err)
{
	return broken_at(err, pass->reading->file, pass->lexer.token_line, text, STR_NONE);
}

static bool take_word(struct pass *pass, struct err *err)
{
	if (pass->conf->word_count >= NGINX_WORDS_MAX)
		return pass_broken(pass, "more words than are read of one configuration", err);
	if (pass->words.count == 0) {
		pass->name_at = pass->lexer.token_at;
		pass->name_line = pass->lexer.token_line;
	}
	add_word(pass->conf, &pass->words, word_of(pass->conf, &pass->lexer));
	return true;
}

static struct nginx_directive *close_words(struct pass *pass)
{
	struct nginx_directive *directive = add_directive(pass->conf, pass->block);
	size_t bytes = pass->words.count * sizeof(struct str);

	directive->file = pass->reading->file;
	directive->words = take(pass->conf, bytes);
	memcpy(directive->words, pass->words.at, bytes);
	directive->word_count = pass->words.count;
	directive->line = pass->name_line;
	directive->at = (uint32_t)pass->name_at;
	directive->end = (uint32_t)pass->lexer.at;
	pass->words.count = 0;
	return directive;
}

static bool may_add(const struct pass *pass, const char *sign, struct err *err)
{
	if (pass->words.count == 0)
		return broken_at(err, pass->reading->file, pass->lexer.token_line, "unexpected ",
				 str_of(sign));
	if (pass->conf->directive_count >= NGINX_DIRECTIVES_MAX)
		return pass_broken(pass, "more directives than are read of one configuration", err);
	return true;
}

static bool end_directive(struct pass *pass, struct err *err)
{
	if (!may_add(pass, "\";\"", err))
		return false;

	struct nginx_directive *directive = close_words(pass);

	if (!nginx_is(directive, STR("include")) || directive->word_count != 2)
		return true;
	directive->is_include = true;

	struct reading inside = *pass->reading;

	inside.block_depth += pass->depth;
	return include(pass->conf, &inside, directive, err);
}

static bool skip_lua(struct pass *pass, struct nginx_directive *directive, struct err *err)
{
	directive->is_lua = true;
	if (!nginx_lexer_skip_lua(&pass->lexer))
		return broken_at(err, directive->file, directive->line,
				 "the block of Lua that begins here is never closed", STR_NONE);
	directive->end = (uint32_t)pass->lexer.at;
	return true;
}

static bool open_block(struct pass *pass, struct err *err)
{
	if (!may_add(pass, "\"{\"", err))
		return false;

	struct nginx_directive *directive = close_words(pass);

	directive->has_block = true;
	if (str_ends(directive->words[0], STR("_by_lua_block")))
		return skip_lua(pass, directive, err);
	if (pass->reading->block_depth + pass->depth >= NGINX_DEPTH_MAX)
		return pass_broken(pass, "more blocks in blocks than are read", err);
	pass->block = directive;
	pass->depth++;
	return true;
}

static bool close_block(struct pass *pass, struct err *err)
{
	if (pass->words.count > 0)
		return pass_broken(pass, "unexpected \"}\", expecting \";\"", err);
	if (pass->depth == 0)
		return pass_broken(pass, "unexpected \"}\": no block is open", err);
	pass->block->end = (uint32_t)pass->lexer.at;
	pass->block = pass->block->parent;
	pass->depth--;
	return true;
}

static bool end_file(const struct pass *pass, struct err *err)
{
	if (pass->words.count > 0)
		return broken_at(err, pass->reading->file, pass->name_line,
				 "the file ends before the \";\" of ", pass->words.at[0]);
	if (pass->depth > 0)
		return broken_at(err, pass->reading->file, pass->block->line,
				 "the file ends before the \"}\" of ", nginx_name(pass->block));
	return true;
}

/* *out_over: the file has been read to its end. */
static bool one_token(struct pass *pass, bool *out_over, struct err *err)
{
	switch (nginx_lexer_next(&pass->lexer)) {
	case NGINX_WORD:
		return take_word(pass, err);
	case NGINX_SEMICOLON:
		return end_directive(pass, err);
	case NGINX_OPEN:
		return open_block(pass, err);
	case NGINX_CLOSE:
		return close_block(pass, err);
	case NGINX_END:
		*out_over = true;
		return end_file(pass, err);
	case NGINX_BROKEN:
		return pass_broken(pass, pass->lexer.problem, err);
	}
	return false;
}

static bool read_tokens(struct pass *pass, struct err *err)
{
	bool is_over = false;

	while (!is_over)
		if (!one_token(pass, &is_over, err))
			return false;
	return true;
}

static bool check_start(const struct reading *reading, struct err *err)
{
	if (str_starts(reading->file->text, STR("\xef\xbb\xbf")))
		return broken_at(
			err, reading->file, 1,
			"begins with a byte-order mark, which nginx takes for a part of the first name",
			STR_NONE);
	return true;
}

static bool read_file(struct nginx_conf *conf, const struct reading *reading,
		      struct nginx_directive *into, struct err *err)
{
	struct pass pass = { .conf = conf, .reading = reading, .top = into, .block = into };
	bool is_good;

	conf->byte_count += reading->file->text.len;
	if (conf->byte_count > NGINX_BYTES_MAX)
		return broken_at(err, reading->file, 1,
				 "more bytes than are read of one configuration", STR_NONE);
	if (!check_start(reading, err))
		return false;
	nginx_lexer_init(&pass.lexer, reading->file->text);
	is_good = read_tokens(&pass, err);
	free(pass.words.at);
	return is_good;
}

static bool is_being_read(const struct reading *reading, const struct nginx_file *file)
{
	for (; reading; reading = reading->outer)
		if (reading->file == file)
			return true;
	return false;
}

static bool include_file(struct nginx_conf *conf, const struct reading *outer,
			 struct nginx_directive *directive, const struct nginx_file *file,
			 struct err *err)
{
	struct reading inner = { .outer = outer,
				 .file = file,
				 .depth = outer->depth + 1,
				 .block_depth = outer->block_depth };

	if (is_being_read(outer, file))
		return broken_at(err, directive->file, directive->line,
				 "a file that includes itself: ", file->path);
	if (inner.depth > NGINX_INCLUDE_DEPTH_MAX)
		return broken_at(err, directive->file, directive->line,
				 "more includes in includes than are read: ", file->path);
	return read_file(conf, &inner, directive, err);
}

static bool include_path(struct nginx_conf *conf, const struct reading *outer,
			 struct nginx_directive *directive, const char *path, struct err *err)
{
	struct nginx_file *file = find_file(conf, str_of(path));

	if (!file && !load(conf, path, &file, err))
		return err_context(err, "%.*s:%u: include",
				   STR_ARG(str_first(directive->file->path, PATH_SHOWN_BYTES)),
				   directive->line);
	return include_file(conf, outer, directive, file, err);
}

static bool is_pattern(const char *path)
{
	return strpbrk(path, "*?[") != NULL;
}

static void globfree_at(glob_t *found)
{
	globfree(found);
}

static bool include_pattern(struct nginx_conf *conf, const struct reading *outer,
			    struct nginx_directive *directive, const char *pattern, struct err *err)
{
	__attribute__((cleanup(globfree_at))) glob_t found = { 0 };
	int status = glob(pattern, 0, NULL, &found);

	if (status == GLOB_NOMATCH)
		return true;
	if (status != 0)
		return broken_at(err, directive->file, directive->line,
				 "cannot look for the files of ", str_of(pattern));
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!include_path(conf, outer, directive, found.gl_pathv[i], err))
			return false;
	return true;
}

static int by_path(const void *a, const void *b)
{
	return str_compare((*(struct nginx_file *const *)a)->path,
			   (*(struct nginx_file *const *)b)->path);
}

/* The files of a dump that the pattern names, sorted as glob() does. */
static size_t matching(const struct nginx_conf *conf, const char *pattern,
		       const struct nginx_file ***out)
{
	const struct nginx_file **found = xcalloc(conf->file_count, sizeof(struct nginx_file *));
	size_t count = 0;

	for (const struct nginx_file *file = conf->files; file; file = file->next)
		if (fnmatch(pattern, file->path.at, FNM_PATHNAME | FNM_PERIOD) == 0)
			found[count++] = file;
	qsort(found, count, sizeof(struct nginx_file *), by_path);
	*out = found;
	return count;
}

static bool include_dumped(struct nginx_conf *conf, const struct reading *outer,
			   struct nginx_directive *directive, const char *path, struct err *err)
{
	AUTO(free) const struct nginx_file **found = NULL;
	size_t count = 0;

	if (!is_pattern(path)) {
		const struct nginx_file *file = find_file(conf, str_of(path));

		if (!file)
			return broken_at(err, directive->file, directive->line,
					 "not among the files that were printed: ", str_of(path));
		return include_file(conf, outer, directive, file, err);
	}
	count = matching(conf, path, &found);
	for (size_t i = 0; i < count; i++)
		if (!include_file(conf, outer, directive, found[i], err))
			return false;
	return true;
}

static bool include(struct nginx_conf *conf, const struct reading *reading,
		    struct nginx_directive *directive, struct err *err)
{
	struct str name = directive->words[1];
	bool is_absolute = str_starts(name, STR("/"));

	if (memchr(name.at, '\0', name.len))
		return broken_at(err, directive->file, directive->line,
				 "a name with a byte 0 in it", STR_NONE);

	AUTO(free)
	char *path = xasprintf("%s%s%.*s", is_absolute ? "" : conf->folder, is_absolute ? "" : "/",
			       STR_ARG(name));

	if (conf->is_dump)
		return include_dumped(conf, reading, directive, path, err);
	if (conf->is_alone)
		return broken_at(err, directive->file, directive->line,
				 "a file that is not here: ", str_of(path));
	if (is_pattern(path))
		return include_pattern(conf, reading, directive, path, err);
	return include_path(conf, reading, directive, path, err);
}

/* "/etc/nginx" of "/etc/nginx/nginx.conf", "." of a name alone. */
static char *folder_of(struct str path)
{
	size_t len = path.len;

	while (len > 0 && path.at[len - 1] != '/')
		len--;
	if (len == 0)
		return xstrdup(".");
	return str_dup(str_first(path, len > 1 ? len - 1 : 1));
}

static bool add_dumped(struct nginx_conf *conf, struct str text, struct err *err)
{
	struct str path, piece;

	conf->is_dump = true;
	while (nginx_dump_cut(&text, &path, &piece)) {
		if (conf->file_count >= NGINX_FILES_MAX)
			return err_set(err, ERR_INVALID, "more than %u files", NGINX_FILES_MAX);
		if (!find_file(conf, path))
			add_file(conf, path, piece);
	}
	return true;
}

/* The first file, and of a dump all others. */
static bool begin(struct nginx_conf *conf, const struct nginx_conf_options *options,
		  struct err *err)
{
	struct nginx_file *file;
	struct str text = options->text;

	if (!text.at) {
		if (!load(conf, options->path, &file, err))
			return false;
		text = file->text;
	} else {
		if (text.len > NGINX_BYTES_MAX)
			return err_set(err, ERR_INVALID, "more than %u bytes", NGINX_BYTES_MAX);
		char *kept = take(conf, text.len + 1);

		memcpy(kept, text.at, text.len);
		kept[text.len] = '\0';
		text.at = kept;
		file = add_file(conf, str_of(options->path), text);
	}
	if (!nginx_is_dump(text))
		return true;
	conf->version = nginx_dump_version(text);
	conf->files = NULL;
	conf->last_file = &conf->files;
	conf->file_count = 0;
	return add_dumped(conf, text, err);
}

bool nginx_conf_read(const struct nginx_conf_options *options, struct nginx_conf **out,
		     struct err *err)
{
	AUTO(nginx_conf_free) struct nginx_conf *conf = xcalloc(1, sizeof(*conf));

	conf->is_alone = options->is_alone;
	conf->last_file = &conf->files;
	conf->root = add_directive(conf, NULL);
	conf->root->has_block = true;
	if (!begin(conf, options, err))
		return false;

	struct reading reading = { .file = conf->files };

	conf->root->file = conf->files;
	conf->root->end = (uint32_t)conf->files->text.len;
	conf->root->line = 1;
	conf->folder = options->folder ? xstrdup(options->folder) : folder_of(conf->files->path);
	if (!read_file(conf, &reading, conf->root, err))
		return false;
	*out = TAKE(conf);
	return true;
}

void nginx_conf_free(struct nginx_conf *conf)
{
	if (!conf)
		return;
	while (conf->chunks) {
		struct chunk *chunk = conf->chunks;

		conf->chunks = chunk->next;
		free(chunk);
	}
	free(conf->folder);
	free(conf);
}

const struct nginx_directive *nginx_conf_root(const struct nginx_conf *conf)
{
	return conf->root;
}

const struct nginx_file *nginx_conf_files(const struct nginx_conf *conf)
{
	return conf->files;
}

unsigned nginx_conf_version(const struct nginx_conf *conf)
{
	return conf->version;
}

size_t nginx_conf_memory(const struct nginx_conf *conf)
{
	return conf->memory;
}

/* The first that is no include, from `directive` on; climbs out of includes up to `block`. */
static const struct nginx_directive *settle(const struct nginx_directive *block,
					    const struct nginx_directive *directive)
{
	for (;;) {
		if (!directive)
			return NULL;
		if (directive->is_include && directive->first) {
			directive = directive->first;
			continue;
		}
		if (!directive->is_include)
			return directive;
		while (directive && !directive->next)
			directive = directive->parent == block ? NULL : directive->parent;
		directive = directive ? directive->next : NULL;
	}
}

const struct nginx_directive *nginx_first(const struct nginx_directive *block)
{
	return settle(block, block->first);
}

const struct nginx_directive *nginx_next(const struct nginx_directive *block,
					 const struct nginx_directive *directive)
{
	while (directive && !directive->next)
		directive = directive->parent == block ? NULL : directive->parent;
	return directive ? settle(block, directive->next) : NULL;
}

const struct nginx_directive *nginx_find(const struct nginx_directive *block,
					 const struct nginx_directive *after, struct str name)
{
	const struct nginx_directive *found = after ? nginx_next(block, after) : nginx_first(block);

	while (found && !nginx_is(found, name))
		found = nginx_next(block, found);
	return found;
}

const struct nginx_directive *nginx_block_of(const struct nginx_directive *directive)
{
	const struct nginx_directive *block = directive->parent;

	while (block && block->is_include)
		block = block->parent;
	return block;
}
