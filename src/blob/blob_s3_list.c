#include "blob/blob_s3_private.h"

#include "base/mem.h"
#include "blob/blob_marker.h"
#include "s3/s3_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_PAGE "100" /* what is wanted is 32, of those that have a blob's name */

static bool ask_key(struct s3 *s3, enum s3_method method, const char *key,
		    struct s3_request *request, struct err *err)
{
	request->method = method;
	request->give_up_after_ms = BUCKET_GIVE_UP_MS;
	snprintf(request->key, sizeof(request->key), "%s", key);
	if (s3_ask_now(s3, request))
		return true;
	*err = request->err;
	return false;
}

bool bucket_stat(struct s3 *s3, const char *key, uint64_t *out_size, struct err *err)
{
	AUTO(s3_request_release) struct s3_request request = { .into_fd = -1 };

	if (!ask_key(s3, S3_HEAD, key, &request, err))
		return err->kind == ERR_NOT_FOUND
			       ? err_set(err, ERR_NOT_FOUND, "the bucket does not have '%s'", key)
			       : false;
	*out_size = request.size;
	return true;
}

bool bucket_read_content(struct s3 *s3, const char *key, uint64_t size_most,
			 struct blob_content *out, struct err *err)
{
	AUTO(s3_request_release)
	struct s3_request request = { .takes_file = true, .into_fd = -1, .size_most = size_most };

	if (!ask_key(s3, S3_GET, key, &request, err))
		return false;
	out->size = request.size;
	memcpy(out->sha256, request.sha256, sizeof(out->sha256));
	return true;
}

/* ---- listings ---- */

/* The page that the request, which is filled for it, asks for. */
static bool ask_page(struct s3 *s3, struct s3_request *request, struct s3_listing *out,
		     struct err *err)
{
	request->method = S3_GET;
	request->of_bucket = true;
	request->give_up_after_ms = BUCKET_GIVE_UP_MS;
	if (!s3_ask_now(s3, request)) {
		*err = request->err;
		return false;
	}
	if (s3_listing_read(buf_str(&request->text), out))
		return true;
	s3_listing_release(out);
	return err_set(err, ERR_UNAVAILABLE, "the bucket's listing is none");
}

static bool ask_listing(struct s3 *s3, const struct s3_pair *query, size_t count,
			struct s3_listing *out, struct err *err)
{
	AUTO(s3_request_release)
	struct s3_request request = { .query = query, .query_count = count };

	return ask_page(s3, &request, out, err);
}

/* Behind the store's prefix. */
static struct str name_of(const struct s3 *s3, const struct s3_listed *listed)
{
	struct str key = str_of(listed->key), prefix = s3_prefix(s3);

	return str_starts(key, prefix) ? str_after(key, prefix.len) : STR_NONE;
}

static char *whole_key(const struct s3 *s3, struct str name)
{
	return xasprintf("%.*s%.*s", STR_ARG(s3_prefix(s3)), STR_ARG(name));
}

static void take_names(const struct s3 *s3, const struct s3_listing *page, struct blob_names *out)
{
	for (size_t i = 0; i < page->count && out->count < BLOB_LIST_MAX; i++) {
		struct str name = name_of(s3, &page->at[i]);

		if (name.at && blob_name_is_valid(name) &&
		    str_copy(name, out->at[out->count], BLOB_NAME_SIZE))
			out->count++;
	}
}

bool bucket_list(struct s3 *s3, struct str prefix, struct str after, struct blob_names *out,
		 struct err *err)
{
	AUTO(free) char *whole_prefix = whole_key(s3, prefix);
	AUTO(free) char *start = after.len > 0 ? whole_key(s3, after) : NULL;
	bool has_more = true;

	out->count = 0;
	while (has_more && out->count < BLOB_LIST_MAX) {
		AUTO(s3_listing_release) struct s3_listing page = { .count = 0 };
		const struct s3_pair query[] = {
			{ "list-type", "2" },
			{ "max-keys", LIST_PAGE },
			{ "prefix", whole_prefix },
			{ "start-after", start ? start : "" },
		};

		if (!ask_listing(s3, query, ARRAY_LEN(query) - (start ? 0 : 1), &page, err))
			return false;
		take_names(s3, &page, out);
		has_more = page.is_truncated && page.count > 0;
		if (has_more) {
			free(start);
			start = xstrdup(page.at[page.count - 1].key);
		}
	}
	return true;
}

static bool is_of_store(struct str name)
{
	return name.len == 3 && ascii_hex_value(name.at[0]) >= 0 &&
	       ascii_hex_value(name.at[1]) >= 0 && name.at[2] == '/';
}

static void folder_add(struct blob_folder *folder, struct str name)
{
	if (folder->count == folder->size) {
		folder->size = folder->size ? 2 * folder->size : 64;
		folder->names = xrealloc(folder->names, folder->size * sizeof(*folder->names));
	}
	folder->names[folder->count++] = str_dup(name);
}

static void walk_page(const struct s3 *s3, const struct s3_listing *page, struct blob_folder *out)
{
	for (size_t i = 0; i < page->count; i++) {
		struct str name = name_of(s3, &page->at[i]);

		if (!name.at || name.len == 0 || is_of_store(name) ||
		    str_eq(name, STR(BLOB_MARKER_KEY)) || str_eq(name, STR(BLOB_PROBE_KEY)))
			continue;
		if (page->at[i].is_folder)
			name.len--;
		folder_add(out, name);
	}
}

/* The store itself is asked for what is not in its folders; of those for all. */
bool bucket_walk(struct s3 *s3, const char *folder, struct blob_folder *out, struct err *err)
{
	AUTO(free) char *in_folder = folder[0] ? xasprintf("%s/", folder) : xstrdup("");
	AUTO(free) char *prefix = whole_key(s3, str_of(in_folder));
	AUTO(free) char *token = NULL;
	bool has_more = true;

	while (has_more) {
		AUTO(s3_listing_release) struct s3_listing page = { .count = 0 };
		struct s3_pair query[5] = { { "list-type", "2" }, { "prefix", prefix } };
		size_t count = 2;

		if (folder[0] == '\0')
			query[count++] = (struct s3_pair){ "delimiter", "/" };
		if (token)
			query[count++] = (struct s3_pair){ "continuation-token", token };
		if (!ask_listing(s3, query, count, &page, err))
			return false;
		walk_page(s3, &page, out);
		has_more = page.is_truncated && page.next;
		free(token);
		token = has_more ? TAKE(page.next) : NULL;
	}
	return true;
}

/* ---- removing ---- */

static bool remove_version(struct s3 *s3, const char *key, const char *version, struct err *err)
{
	const struct s3_pair query[] = { { "versionId", version ? version : "" } };
	AUTO(s3_request_release)
	struct s3_request request = {
		.may_be_denied = true,
		.query = version ? query : NULL,
		.query_count = version ? 1 : 0,
	};

	return ask_key(s3, S3_DELETE, key, &request, err) || err->kind == ERR_NOT_FOUND;
}

/* "null" is the only one of a bucket that keeps none: a key may have the right to remove it so, and not by its version. */
static bool remove_listed(struct s3 *s3, const char *key, const char *version, struct err *err)
{
	return remove_version(s3, key, version, err) ||
	       (err->kind == ERR_INVALID && version && strcmp(version, "null") == 0 &&
		remove_version(s3, key, NULL, err));
}

/* Of a store that knows no versions, or does not let us know of them. */
static bool remove_plain(struct s3 *s3, const char *key, struct err *err)
{
	uint64_t size;

	return bucket_stat(s3, key, &size, err) && remove_version(s3, key, NULL, err);
}

static bool list_versions(struct s3 *s3, const char *whole, struct s3_listing *out, struct err *err)
{
	const struct s3_pair query[] = { { "versions", "" }, { "prefix", whole } };
	AUTO(s3_request_release)
	struct s3_request request = { .may_be_denied = true,
				      .query = query,
				      .query_count = ARRAY_LEN(query) };

	return ask_page(s3, &request, out, err);
}

static bool remove_page(struct s3 *s3, const char *key, const char *whole,
			const struct s3_listing *page, size_t *removed, struct err *err)
{
	for (size_t i = 0; i < page->count; i++) {
		if (strcmp(page->at[i].key, whole) != 0)
			continue;
		if (!remove_listed(s3, key, page->at[i].version_id, err))
			return false;
		(*removed)++;
	}
	return true;
}

/*
 * In a bucket that keeps versions a plain DELETE hides a key alone.  One without says "null" of the only one.  A PUT that was
 * repeated for a day has more of them than a page; what was removed is not listed again.
 */
bool bucket_remove(struct s3 *s3, const char *key, struct err *err)
{
	AUTO(free) char *whole = whole_key(s3, str_of(key));
	size_t removed = 0, before;
	bool has_more = true;

	while (has_more) {
		AUTO(s3_listing_release) struct s3_listing page = { .count = 0 };

		before = removed;
		if (!list_versions(s3, whole, &page, err))
			return err->kind == ERR_INVALID && removed == 0 &&
			       remove_plain(s3, key, err);
		if (!remove_page(s3, key, whole, &page, &removed, err))
			return false;
		has_more = page.is_truncated && removed > before;
	}
	return removed > 0 || err_set(err, ERR_NOT_FOUND, "the bucket does not have '%s'", key);
}
