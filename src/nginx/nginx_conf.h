/*
 * A configuration of nginx as a tree, with file and line.
 *
 * Nothing is lost: each file's bytes are kept as they are, and each directive says which of them it is (at .. end); what
 * lies between is space and comments.  Nothing is judged either: that a directive exists, or may stand where it stands,
 * is for who asks.  What is broken (nginx would not start with it) ends in an error that begins with FILE:LINE.
 *
 * The tree is read-only once read, and lives until nginx_conf_free().  Words point into the files' bytes.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Together they bound the memory: about 72 bytes a directive, 16 a word, and the files themselves. */
#define NGINX_BYTES_MAX         (64u << 20) /* all files, each as often as it is included */
#define NGINX_DIRECTIVES_MAX    3000000u
#define NGINX_WORDS_MAX         12000000u
#define NGINX_DEPTH_MAX         100u /* blocks in blocks, over all files that include each other */
#define NGINX_INCLUDE_DEPTH_MAX 32u
#define NGINX_FILES_MAX         10000u

struct nginx_file {
	struct str path; /* absolute where that could be told; "-" for standard input */
	struct str text;
	struct nginx_file *next;
};

struct nginx_directive {
	const struct nginx_file *file;
	struct nginx_directive *parent; /* the root has none; of what is included: the include */
	struct nginx_directive *next, *first,
		*last;     /* its neighbour; the first and last in its block */
	struct str *words; /* words[0] is its name */
	uint32_t word_count;
	uint32_t line;    /* where its name stands */
	uint32_t at, end; /* its bytes in file->text: from its name to behind its ';' or '}' */
	bool has_block;
	bool is_include; /* `first` is what was included, in the order in which nginx reads it */
	bool is_lua;     /* a block of Lua, skipped whole */
};

struct nginx_conf;

struct nginx_conf_options {
	const char *path; /* the file, "-": standard input; of `text`: what it is called */
	struct str text;  /* at == NULL: `path` is read */
	const char *
		folder; /* what includes are relative to; NULL: the folder of the file, as in nginx */
	bool is_alone; /* no file is opened: a text with an include is broken, a dump is not */
};

/*
 * Reads a file and what it includes, or a text.  Where that is what `nginx -T` prints, its includes are found in it alone.
 * ERR_INVALID: broken, or larger than the maxima above; ERR_NOT_FOUND: a file is not there.
 */
bool nginx_conf_read(const struct nginx_conf_options *options, struct nginx_conf **out,
		     struct err *err) MUST_CHECK;
void nginx_conf_free(struct nginx_conf *conf);
DEFINE_AUTO(struct nginx_conf *, nginx_conf_free)

/* The block that everything is in; it has no words. */
const struct nginx_directive *nginx_conf_root(const struct nginx_conf *conf);
const struct nginx_file *nginx_conf_files(const struct nginx_conf *conf);
/* 1029007 for nginx 1.29.7, where `nginx -VT` printed it; 0: it is not known whose configuration this is. */
unsigned nginx_conf_version(const struct nginx_conf *conf);
/* How many bytes of memory it takes: for tests and benches. */
size_t nginx_conf_memory(const struct nginx_conf *conf);

/*
 * What stands in a block, that of includes in their place:
 *
 *	for (d = nginx_first(block); d; d = nginx_next(block, d))
 */
const struct nginx_directive *nginx_first(const struct nginx_directive *block);
const struct nginx_directive *nginx_next(const struct nginx_directive *block,
					 const struct nginx_directive *directive);
/* The first directive of that name in the block, or the next behind `after` (NULL: from the start). */
const struct nginx_directive *nginx_find(const struct nginx_directive *block,
					 const struct nginx_directive *after, struct str name);
/* The block that it stands in, includes passed over; NULL for what stands in none. */
const struct nginx_directive *nginx_block_of(const struct nginx_directive *directive);

static inline struct str nginx_name(const struct nginx_directive *directive)
{
	return directive->word_count > 0 ? directive->words[0] : STR_NONE;
}
static inline bool nginx_is(const struct nginx_directive *directive, struct str name)
{
	return str_eq(nginx_name(directive), name);
}
/* Its n-th word, 0 being the name; STR_NONE where there are fewer. */
static inline struct str nginx_word(const struct nginx_directive *directive, size_t n)
{
	return n < directive->word_count ? directive->words[n] : STR_NONE;
}
/* Its bytes as they stand in the file; of a block all of it. */
static inline struct str nginx_source(const struct nginx_directive *directive)
{
	return (struct str){ directive->file->text.at + directive->at,
			     directive->end - directive->at };
}
