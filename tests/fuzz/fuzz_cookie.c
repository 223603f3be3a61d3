/*
 * A Cookie header in which a name is looked for; the first line is the name, the rest the header.  What is found
 * is what a second reader finds, who looks at it in another way; and a pair of another name in front changes nothing.
 */
#include <assert.h>
#include <stdint.h>

#include "access/cookie.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAME_MAX_LEN 64 /* those that are looked for have some 30 */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the pair that begins at `at` ends. */
static size_t end_of_pair(struct str header, size_t at)
{
	while (at < header.len && header.at[at] != ';')
		at++;
	return at;
}

static struct str find_again(struct str header, struct str name)
{
	for (size_t at = 0; at < header.len; at = end_of_pair(header, at) + 1) {
		size_t end = end_of_pair(header, at), begin = at;

		while (begin < end && is_blank(header.at[begin]))
			begin++;
		while (end > begin && is_blank(header.at[end - 1]))
			end--;
		if (end - begin > name.len && header.at[begin + name.len] == '=' &&
		    str_eq(str_first(str_after(header, begin), name.len), name))
			return (struct str){ header.at + begin + name.len + 1,
					     end - begin - name.len - 1 };
	}
	return STR_NONE;
}

static void check_with_another(struct str header, struct str name, struct str found)
{
	struct str again;
	struct buf buf;

	buf_init(&buf, header.len + 100);
	buf_add_text(&buf, "another=callspool=1; ");
	buf_add_str(&buf, header);
	again = cookie_find(buf_str(&buf), name);
	assert((again.at == NULL) == (found.at == NULL) && str_eq(again, found));
	buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str known[] = { STR("callspool"), STR("callspool-device"),
					    STR("callspool-link"), STR("__Host-callspool") };
	struct str header = { (const char *)data, size }, name = STR_NONE;

	if (!str_cut(&header, '\n', &name) || name.len == 0 || name.len > NAME_MAX_LEN)
		return 0;
	for (size_t i = 0; i <= ARRAY_LEN(known); i++) {
		struct str wanted = i < ARRAY_LEN(known) ? known[i] : name;
		struct str found = cookie_find(header, wanted);
		struct str again = find_again(header, wanted);

		assert(found.at == again.at && found.len == again.len);
		if (!str_eq(wanted, STR("another")) && str_find(wanted, '=') == wanted.len)
			check_with_another(header, wanted, found);
	}
	return 0;
}
