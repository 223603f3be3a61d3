/*
 * The groups that a proxy names; the first two lines are the lists of administrators and of listeners, the third the
 * header.  What they give is what each of them gives alone, and one more never takes a right away.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "auth/proxy_groups.h"
#include "auth/rights.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIST_MAX 16

/* Texts that are taken apart at commas, as the settings file's lists are. */
struct list_of_texts {
	const char *at[LIST_MAX + 1];
	char *texts[LIST_MAX];
	size_t count;
};

static void list_read(struct list_of_texts *list, struct str line)
{
	struct str item;

	while (list->count < LIST_MAX && str_cut(&line, ',', &item)) {
		list->texts[list->count] = xasprintf("%.*s", STR_ARG(item));
		list->at[list->count] = list->texts[list->count];
		list->count++;
	}
}

static void list_release(struct list_of_texts *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->texts[i]);
}

static void check(const struct auth_options *options, struct str groups)
{
	uint16_t all = proxy_groups_rights(options, groups), each = 0;
	struct str rest = groups.at ? groups : STR(""), group;
	struct buf more;

	assert((all & ~RIGHTS_ALL) == 0);
	assert(all == 0 || (all & RIGHTS_LISTENER) == RIGHTS_LISTENER);
	while (str_cut(&rest, ',', &group))
		each |= proxy_groups_rights(options, group);
	assert(all == each);

	buf_init(&more, groups.len + 100);
	buf_add_str(&more, groups);
	buf_add_text(&more, " , one more");
	assert((proxy_groups_rights(options, buf_str(&more)) & all) == all);
	buf_release(&more);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, line = STR_NONE;
	struct list_of_texts admins = { .count = 0 }, listeners = { .count = 0 };
	struct auth_options options = { .admins = admins.at, .listeners = listeners.at };

	if (str_cut(&rest, '\n', &line))
		list_read(&admins, line);
	line = STR_NONE;
	if (str_cut(&rest, '\n', &line))
		list_read(&listeners, line);
	check(&options, rest);
	list_release(&admins);
	list_release(&listeners);
	return 0;
}
