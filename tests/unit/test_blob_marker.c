#include "blob/blob_marker.h"

#include "base/buf.h"
#include "tap.h"

#define ID    "0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210"

static const struct {
	const char *name, *text, *id;
	enum marker_kind want;
} cases[] = {
	{ "this ledger's", BLOB_MARKER_TEXT "id: " ID "\n", ID, MARKER_OURS },
	{ "without its last newline", BLOB_MARKER_TEXT "id: " ID, ID, MARKER_OURS },
	{ "another's", BLOB_MARKER_TEXT "id: " OTHER "\n", ID, MARKER_OTHERS },
	{ "an id that is cut short", BLOB_MARKER_TEXT "id: 0123\n", ID, MARKER_OTHERS },
	{ "of an older version", BLOB_MARKER_TEXT, ID, MARKER_NAMELESS },
	{ "anybody's, to who has no id", BLOB_MARKER_TEXT "id: " OTHER "\n", "", MARKER_OURS },
	{ "nobody's, to who has no id", BLOB_MARKER_TEXT, "", MARKER_OURS },
	{ "a page", "<html>Welcome</html>", ID, MARKER_FOREIGN },
	{ "a page, to who has no id", "<html>Welcome</html>", "", MARKER_FOREIGN },
	{ "more than we write", BLOB_MARKER_TEXT "<html>", ID, MARKER_FOREIGN },
	{ "nothing", "", ID, MARKER_FOREIGN },
};

int main(void)
{
	AUTO(buf_release) struct buf text;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_INT(blob_marker_read(str_of(cases[i].text), cases[i].id), cases[i].want, "%s",
		       cases[i].name);
	buf_init(&text, 1024);
	blob_marker_write(ID, &text);
	IS_INT(blob_marker_read(buf_str(&text), ID), MARKER_OURS, "what is written is read");
	return tap_end();
}
