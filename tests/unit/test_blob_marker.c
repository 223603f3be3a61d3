#include "blob/blob_marker.h"

#include "base/buf.h"
#include "tap.h"

#define ID    "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

static const struct {
	const char *name, *text, *id;
	enum marker_kind want;
	const char *claim; /* NULL: none */
} cases[] = {
	{ "this ledger's", BLOB_MARKER_TEXT "id: " ID "\n", ID, MARKER_OURS, NULL },
	{ "without its last newline", BLOB_MARKER_TEXT "id: " ID, ID, MARKER_OURS, NULL },
	{ "another's", BLOB_MARKER_TEXT "id: " OTHER "\n", ID, MARKER_OTHERS, NULL },
	{ "an id that is cut short", BLOB_MARKER_TEXT "id: 0123\n", ID, MARKER_OTHERS, NULL },
	{ "another's that is claimed", BLOB_MARKER_TEXT "id: " OTHER "\n", ID, MARKER_CLAIMED,
	  OTHER },
	{ "this one's, with a claim left over", BLOB_MARKER_TEXT "id: " ID "\n", ID, MARKER_OURS,
	  OTHER },
	{ "a third's, with a claim", BLOB_MARKER_TEXT "id: 0123\n", ID, MARKER_OTHERS, OTHER },
	{ "nobody's, with a claim", BLOB_MARKER_TEXT, ID, MARKER_NAMELESS, OTHER },
	{ "a page, with a claim", "<html>" OTHER, ID, MARKER_FOREIGN, OTHER },
	{ "of an older version", BLOB_MARKER_TEXT, ID, MARKER_NAMELESS, NULL },
	{ "anybody's, to who has no id", BLOB_MARKER_TEXT "id: " OTHER "\n", "", MARKER_OURS,
	  NULL },
	{ "nobody's, to who has no id", BLOB_MARKER_TEXT, "", MARKER_OURS, NULL },
	{ "a page", "<html>Welcome</html>", ID, MARKER_FOREIGN, NULL },
	{ "a page, to who has no id", "<html>Welcome</html>", "", MARKER_FOREIGN, NULL },
	{ "more than we write", BLOB_MARKER_TEXT "<html>", ID, MARKER_FOREIGN, NULL },
	{ "nothing", "", ID, MARKER_FOREIGN, NULL },
};

int main(void)
{
	AUTO(buf_release) struct buf text;
	char id[BLOB_STORE_ID_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(blob_marker_read(str_of(cases[i].text), cases[i].id,
					cases[i].claim ? cases[i].claim : ""),
		       cases[i].want, "%s", cases[i].name);
	buf_init(&text, 1024);
	blob_marker_write(ID, &text);
	IS_INT(blob_marker_read(buf_str(&text), ID, ""), MARKER_OURS, "what is written is read");
	blob_marker_id(buf_str(&text), id);
	IS_STR(str_of(id), STR(ID), "with its id");
	blob_marker_id(STR(BLOB_MARKER_TEXT), id);
	IS_STR(str_of(id), STR(""), "which not each has");
	blob_marker_id(STR(BLOB_MARKER_TEXT "id: <b>0123456789abcdef0123456789a</b>\n"), id);
	IS_STR(str_of(id), STR(""), "nor is all one that stands in its place");
	return tap_end();
}
