#include "s3/s3_answer.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192 /* a key has 1024 bytes, each of which six may stand for */

/* ---- elements ---- */

enum step { STEP_OPEN, STEP_CLOSE, STEP_EMPTY, STEP_END };

struct xml {
	struct str rest;
	struct str name; /* of the last tag; without attributes */
	struct str text; /* before it, as it stands */
};

/* To the end of the next tag. */
static enum step xml_next(struct xml *xml)
{
	for (;;) {
		size_t at = str_find(xml->rest, '<');
		struct str tag = str_after(xml->rest, at + 1);
		enum step step = STEP_OPEN;
		size_t end;

		xml->text = str_first(xml->rest, at);
		end = str_find(tag, '>');
		if (at == xml->rest.len || end == tag.len)
			return STEP_END;
		xml->rest = str_after(tag, end + 1);
		tag = str_first(tag, end);
		if (tag.len == 0 || tag.at[0] == '?' || tag.at[0] == '!')
			continue;
		if (tag.at[0] == '/') {
			tag = str_after(tag, 1);
			step = STEP_CLOSE;
		} else if (tag.at[tag.len - 1] == '/') {
			tag.len--;
			step = STEP_EMPTY;
		}
		xml->name = tag;
		for (size_t i = 0; i < tag.len; i++)
			if (strchr(" \t\r\n", tag.at[i])) {
				xml->name = str_first(tag, i);
				break;
			}
		return step;
	}
}

static void add_code_point(struct buf *out, struct str number)
{
	uint64_t code = 0;
	bool is_good = str_starts_nocase(number, STR("x"))
			       ? str_hex_to_u64(str_after(number, 1), &code)
			       : str_to_u64(number, &code);

	if (!is_good || code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return;
	if (code < 0x80) {
		buf_add_byte(out, (char)code);
	} else if (code < 0x800) {
		buf_add_byte(out, (char)(0xc0 | code >> 6));
		buf_add_byte(out, (char)(0x80 | (code & 0x3f)));
	} else if (code < 0x10000) {
		buf_add_byte(out, (char)(0xe0 | code >> 12));
		buf_add_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (code & 0x3f)));
	} else {
		buf_add_byte(out, (char)(0xf0 | code >> 18));
		buf_add_byte(out, (char)(0x80 | (code >> 12 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (code >> 6 & 0x3f)));
		buf_add_byte(out, (char)(0x80 | (code & 0x3f)));
	}
}

static void add_entity(struct buf *out, struct str name)
{
	static const struct {
		const char *name;
		char byte;
	} entities[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	};

	if (str_starts(name, STR("#"))) {
		add_code_point(out, str_after(name, 1));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(entities); i++)
		if (str_eq(name, str_of(entities[i].name)))
			buf_add_byte(out, entities[i].byte);
}

/* For free(). */
static char *decode(struct str text)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	while (text.len > 0) {
		size_t at = str_find(text, '&'), end;

		buf_add_str(&out, str_first(text, at));
		text = str_after(text, at + 1);
		end = str_find(text, ';');
		if (end == text.len)
			break;
		add_entity(&out, str_first(text, end));
		text = str_after(text, end + 1);
	}
	if (!buf_ok(&out))
		buf_clear(&out);
	buf_add_text(&out, "");
	return buf_take(&out);
}

/* ---- a listing ---- */

static struct s3_listed *listing_add(struct s3_listing *listing)
{
	if (listing->count == listing->size) {
		listing->size = listing->size ? 2 * listing->size : 64;
		listing->at = xrealloc(listing->at, listing->size * sizeof(*listing->at));
	}
	listing->at[listing->count] = (struct s3_listed){ 0 };
	return &listing->at[listing->count++];
}

void s3_listing_release(struct s3_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->at[i].key);
		free(listing->at[i].version_id);
	}
	free(listing->at);
	free(listing->next);
	free(listing->next_version);
	*listing = (struct s3_listing){ 0 };
}

static void put(char **to, struct str text)
{
	free(*to);
	*to = decode(text);
}

static bool opens_entry(struct str name)
{
	return str_eq(name, STR("Contents")) || str_eq(name, STR("Version")) ||
	       str_eq(name, STR("DeleteMarker")) || str_eq(name, STR("CommonPrefixes"));
}

/* At the end of an element that holds text alone. */
static void take_entry_text(struct s3_listed *entry, const struct xml *xml)
{
	if (str_eq(xml->name, STR("Key")) || (entry->is_folder && str_eq(xml->name, STR("Prefix"))))
		put(&entry->key, xml->text);
	else if (str_eq(xml->name, STR("VersionId")))
		put(&entry->version_id, xml->text);
}

static void take_page_text(struct s3_listing *listing, const struct xml *xml)
{
	if (str_eq(xml->name, STR("IsTruncated")))
		listing->is_truncated = str_eq(xml->text, STR("true"));
	else if (str_eq(xml->name, STR("NextContinuationToken")) ||
		 str_eq(xml->name, STR("NextKeyMarker")))
		put(&listing->next, xml->text);
	else if (str_eq(xml->name, STR("NextVersionIdMarker")))
		put(&listing->next_version, xml->text);
}

/* What has no key is none. */
static void drop_keyless(struct s3_listing *listing)
{
	struct s3_listed *last = &listing->at[listing->count - 1];

	if (last->key)
		return;
	free(last->version_id);
	listing->count--;
}

static void read_entries(struct xml *xml, struct s3_listing *out)
{
	bool is_within = false;
	enum step step;

	while ((step = xml_next(xml)) != STEP_END) {
		if (step == STEP_OPEN && !is_within && opens_entry(xml->name)) {
			listing_add(out)->is_folder = str_eq(xml->name, STR("CommonPrefixes"));
			is_within = true;
		} else if (step == STEP_CLOSE && is_within && opens_entry(xml->name)) {
			drop_keyless(out);
			is_within = false;
		} else if (step == STEP_CLOSE && is_within) {
			take_entry_text(&out->at[out->count - 1], xml);
		} else if (step == STEP_CLOSE) {
			take_page_text(out, xml);
		}
	}
	if (is_within)
		drop_keyless(out);
}

bool s3_listing_read(struct str text, struct s3_listing *out)
{
	struct xml xml = { .rest = text };
	enum step step = xml_next(&xml);

	*out = (struct s3_listing){ 0 };
	if ((step != STEP_OPEN && step != STEP_EMPTY) ||
	    (!str_eq(xml.name, STR("ListBucketResult")) &&
	     !str_eq(xml.name, STR("ListVersionsResult"))))
		return false;
	read_entries(&xml, out);
	return true;
}

/* ---- an error ---- */

void s3_error_read(struct str text, struct s3_error *out)
{
	struct xml xml = { .rest = text };
	enum step step;

	*out = (struct s3_error){ .code = "" };
	while ((step = xml_next(&xml)) != STEP_END) {
		if (step != STEP_CLOSE)
			continue;
		if (str_eq(xml.name, STR("Code")))
			str_fit(xml.text, out->code, sizeof(out->code));
		else if (str_eq(xml.name, STR("Message")))
			str_fit(xml.text, out->message, sizeof(out->message));
	}
}
