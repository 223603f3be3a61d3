#include "twilio/rest.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/own.h"
#include "twilio/sid.h"

void rest_document_release(struct rest_document *document)
{
	json_decref(document->root);
	document->root = NULL;
}

void rest_recordings_page_release(struct rest_recordings_page *page)
{
	rest_document_release(&page->document);
	free(page->recordings);
	*page = (struct rest_recordings_page){ 0 };
}

/* ---- members of an object, each as forgiving as Twilio's own clients ---- */

static struct str text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value))
		return STR_NONE;
	return (struct str){ json_string_value(value), json_string_length(value) };
}

/* Twilio writes some numbers as texts ("duration": "12"); what nobody counts to is as good as not told. */
static int64_t number_of(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);
	int64_t number = -1;

	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (json_is_string(value) && !str_to_i64(text_of(object, key), &number))
		return otherwise;
	return number >= 0 && number <= INT32_MAX ? number : otherwise;
}

static int64_t date_of(const json_t *object, const char *key)
{
	struct str text = text_of(object, key);
	int64_t at_ms;

	return text.at && clock_parse_date(text, &at_ms) ? at_ms : 0;
}

/* Well-formed or absent; false when malformed. */
static bool sid_of(const json_t *object, const char *key, const char *prefix, struct str *out)
{
	*out = text_of(object, key);
	if (out->len == 0)
		*out = STR_NONE;
	return !out->at || sid_is(*out, prefix);
}

/*
 * The details as text, kept in the document beside the object, so that they live as
 * long as the other slices do.
 */
static struct str encryption_of(json_t *object)
{
	static const char kept_as[] = "encryption_details as text";
	json_t *details = json_object_get(object, "encryption_details");

	if (json_is_string(details))
		return text_of(object, "encryption_details");
	if (!json_is_object(details))
		return STR_NONE;

	AUTO(free) char *text = json_dumps(details, JSON_COMPACT);

	if (!text || json_object_set_new(object, kept_as, json_string(text)) < 0)
		return STR_NONE;
	return text_of(object, kept_as);
}

static bool recording_of(json_t *object, struct rest_recording *out)
{
	struct rest_recording read = { 0 };

	if (!sid_of(object, "sid", "RE", &read.recording_sid) || !read.recording_sid.at ||
	    !sid_of(object, "account_sid", "AC", &read.account_sid) ||
	    !sid_of(object, "call_sid", "CA", &read.call_sid) ||
	    !sid_of(object, "conference_sid", "CF", &read.conference_sid))
		return false;
	read.status = text_of(object, "status");
	read.source = text_of(object, "source");
	read.track = text_of(object, "track");
	read.media_url = text_of(object, "media_url");
	read.encryption = encryption_of(object);
	read.duration_s = number_of(object, "duration", REST_UNKNOWN);
	read.channels = number_of(object, "channels", 0);
	read.started_at_ms = date_of(object, "start_time");
	read.created_at_ms = date_of(object, "date_created");
	read.updated_at_ms = date_of(object, "date_updated");
	read.error_code = number_of(object, "error_code", 0);
	*out = read;
	return true;
}

/*
 * A document of depth and size that the caller bounded by the body; jansson bounds the depth at 2048.  A NUL in a text is
 * that text's affair: it may be of one recording among a thousand.
 */
static json_t *document_load(struct str body, struct err *err)
{
	json_error_t error;
	json_t *root = json_loadb(body.at ? body.at : "", body.len,
				  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!root)
		err_set(err, ERR_UNAVAILABLE, "the answer is not JSON: %s", error.text);
	return root;
}

bool rest_read_recordings(struct str body, struct rest_recordings_page *out, struct err *err)
{
	AUTO(rest_recordings_page_release) struct rest_recordings_page page = { 0 };

	page.document.root = document_load(body, err);
	if (!page.document.root)
		return false;

	json_t *list = json_object_get(page.document.root, "recordings");

	if (!json_is_array(list))
		return err_set(err, ERR_UNAVAILABLE, "the answer is not a page of recordings");
	page.recordings = xcalloc(json_array_size(list) + 1, sizeof(*page.recordings));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (recording_of(json_array_get(list, i), &page.recordings[page.count]))
			page.count++;
		else
			page.malformed++;
	}
	if (page.count == 0 && page.malformed > 0)
		return err_set(err, ERR_UNAVAILABLE, "no recording of the page is well-formed");
	page.next_page_uri = text_of(page.document.root, "next_page_uri");
	if (page.next_page_uri.len == 0)
		page.next_page_uri = STR_NONE;

	*out = page;
	page = (struct rest_recordings_page){ 0 };
	return true;
}

bool rest_read_recording(struct str body, struct rest_document *document,
			 struct rest_recording *out, struct err *err)
{
	AUTO(rest_document_release) struct rest_document read = { document_load(body, err) };

	if (!read.root)
		return false;
	if (!recording_of(read.root, out))
		return err_set(err, ERR_UNAVAILABLE, "the answer is not a recording");
	document->root = TAKE(read.root);
	return true;
}

bool rest_read_call(struct str body, struct rest_document *document, struct rest_call *out,
		    struct err *err)
{
	AUTO(rest_document_release) struct rest_document read = { document_load(body, err) };
	struct rest_call call = { 0 };

	if (!read.root)
		return false;
	if (!sid_of(read.root, "sid", "CA", &call.call_sid) || !call.call_sid.at ||
	    !sid_of(read.root, "account_sid", "AC", &call.account_sid) ||
	    !sid_of(read.root, "parent_call_sid", "CA", &call.parent_call_sid))
		return err_set(err, ERR_UNAVAILABLE, "the answer is not a call");
	call.status = text_of(read.root, "status");
	call.direction = text_of(read.root, "direction");
	call.from = text_of(read.root, "from");
	call.to = text_of(read.root, "to");
	call.forwarded_from = text_of(read.root, "forwarded_from");
	call.caller_name = text_of(read.root, "caller_name");
	call.duration_s = number_of(read.root, "duration", REST_UNKNOWN);
	call.created_at_ms = date_of(read.root, "date_created");
	call.updated_at_ms = date_of(read.root, "date_updated");
	call.started_at_ms = date_of(read.root, "start_time");
	call.ended_at_ms = date_of(read.root, "end_time");
	*out = call;
	document->root = TAKE(read.root);
	return true;
}
