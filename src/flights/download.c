#include "flights/download.h"

#include "base/buf.h"
#include "base/own.h"
#include "blob/blob.h"
#include "fetch/fetch.h"
#include "fetch/fetch_target.h"
#include "flights/flight_env.h"
#include "twilio/accounts.h"
#include "twilio/rest.h"

#include <stdio.h>
#include <unistd.h>

void arrival_init(struct arrival *arrival)
{
	*arrival = (struct arrival){ .reader_fd = -1, .length = DOWNLOAD_LENGTH_UNKNOWN };
	sniff_init(&arrival->sniff);
}

void arrival_discard(struct arrival *arrival)
{
	blob_arriving_free(arrival->file);
	if (arrival->reader_fd >= 0)
		close(arrival->reader_fd);
	arrival_init(arrival);
}

/* The head says that media comes, and where in it.  False: it does not fit what we have. */
static bool take_media_head(struct download *download, const struct transfer_head *head)
{
	struct arrival *arrival = download->arrival;
	uint64_t length = DOWNLOAD_LENGTH_UNKNOWN;

	download->position = 0;
	if (head->status == 206) {
		if (!head->has_range || head->range_first != arrival->file->size)
			return false;
		download->position = head->range_first;
		if (head->range_total >= 0)
			length = (uint64_t)head->range_total;
	} else if (head->content_length >= 0) {
		length = (uint64_t)head->content_length;
	}

	bool is_another = arrival->file->size > 0 && arrival->length != DOWNLOAD_LENGTH_UNKNOWN &&
			  length != DOWNLOAD_LENGTH_UNKNOWN && length != arrival->length;

	if (is_another || (length != DOWNLOAD_LENGTH_UNKNOWN && length < arrival->file->size))
		return false;
	if (length != DOWNLOAD_LENGTH_UNKNOWN)
		arrival->length = length;
	snprintf(arrival->validator, sizeof(arrival->validator), "%s",
		 head->etag_is_strong && head->accepts_ranges ? head->etag : "");
	return true;
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	struct download *download = container_of(receiver, struct download, receiver);
	struct verdict_facts *facts = &download->facts;

	download->has_head = true;
	facts->status = head->status;
	facts->retry_after_ms = head->retry_after_ms;
	facts->is_encoded = head->is_encoded;
	download->takes_body = (head->status == 200 || head->status == 206) && !head->is_encoded;
	if (!download->takes_body)
		return TRANSFER_GO_ON; /* for the error page */
	if (!take_media_head(download, head)) {
		facts->is_other_bytes = true;
		return TRANSFER_STOP;
	}
	return TRANSFER_GO_ON;
}

/* Compares what came again with what is in the file; *bytes is what lies beyond it. */
static bool same_as_before(struct download *download, struct str *bytes)
{
	struct arrival *arrival = download->arrival;
	char piece[16384];

	while (bytes->len > 0 && download->position < arrival->file->size) {
		uint64_t left = arrival->file->size - download->position;
		size_t want = bytes->len < sizeof(piece) ? bytes->len : sizeof(piece);

		if (want > left)
			want = (size_t)left;

		ssize_t got = pread(arrival->reader_fd, piece, want, (off_t)download->position);

		if (got <= 0 || memcmp(piece, bytes->at, (size_t)got) != 0)
			return false;
		*bytes = str_after(*bytes, (size_t)got);
		download->position += (uint64_t)got;
	}
	return true;
}

static enum transfer_go take_media(struct download *download, struct str bytes)
{
	struct arrival *arrival = download->arrival;
	struct err err;

	if (!same_as_before(download, &bytes)) {
		download->facts.is_other_bytes = true;
		return TRANSFER_STOP;
	}
	if (bytes.len == 0)
		return TRANSFER_GO_ON;
	if (!blob_arriving_write(arrival->file, bytes, &err)) {
		verdict_blame_store(&download->facts, &err);
		return TRANSFER_STOP;
	}
	download->position += bytes.len;
	if (!arrival->is_encrypted)
		sniff_feed(&arrival->sniff, bytes.at, bytes.len);
	if (arrival->sniff.kind == AUDIO_NOT && download->body_len >= sizeof(download->body))
		return TRANSFER_STOP; /* enough of it to tell an error page by */
	if (arrival->sniff.kind != AUDIO_NOT)
		download->arrived(download);
	return TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct download *download = container_of(receiver, struct download, receiver);
	struct str kept = str_first(bytes, sizeof(download->body) - download->body_len);

	if (!download->takes_body || download->arrival->sniff.kind == AUDIO_UNKNOWN_YET ||
	    download->arrival->sniff.kind == AUDIO_NOT) {
		memcpy(download->body + download->body_len, kept.at, kept.len);
		download->body_len += kept.len;
	}
	if (download->takes_body)
		return take_media(download, bytes);
	return download->body_len < sizeof(download->body) ? TRANSFER_GO_ON : TRANSFER_STOP;
}

static void read_error_body(struct download *download)
{
	struct verdict_facts *facts = &download->facts;
	struct rest_error error;

	if (download->takes_body && facts->kind != AUDIO_NOT && !download->arrival->is_encrypted)
		return;
	facts->is_error_body =
		rest_read_error((struct str){ download->body, download->body_len }, &error);
	if (!facts->is_error_body)
		return;
	facts->error_code = error.code;
	if (error.message[0] != '\0')
		snprintf(facts->detail, sizeof(facts->detail), "%d: %.*s", error.code,
			 (int)sizeof(facts->detail) - 16, error.message);
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct download *download = container_of(receiver, struct download, receiver);
	struct arrival *arrival = download->arrival;
	struct verdict_facts *facts = &download->facts;

	download->transfer = NULL;
	facts->outcome = result->outcome;
	if (!download->has_head)
		facts->status = result->status;
	if (facts->detail[0] == '\0')
		str_fit(str_of(result->text), facts->detail, sizeof(facts->detail));

	if (download->takes_body && result->outcome == TRANSFER_OK) {
		/* An earlier attempt may have brought more than what is called the whole now. */
		if (arrival->length == DOWNLOAD_LENGTH_UNKNOWN &&
		    download->position < arrival->file->size)
			facts->is_other_bytes = true;
		else if (arrival->length == DOWNLOAD_LENGTH_UNKNOWN)
			arrival->length = arrival->file->size;
		else if (arrival->length != arrival->file->size)
			facts->outcome = TRANSFER_CUT;
	}
	if (download->takes_body) {
		bool is_whole = facts->outcome == TRANSFER_OK;

		if (arrival->is_encrypted)
			facts->cipher = CIPHER_CLOSED;
		else
			verdict_hear(facts, &arrival->sniff, is_whole);
		/* Once it is seen to be no audio, the rest of it is not waited for. */
		facts->may_be_encrypted = (is_whole || result->outcome == TRANSFER_STOPPED) &&
					  facts->kind == AUDIO_NOT &&
					  download_format(download->env, false) == REST_WAV;
	}
	facts->bytes = arrival->file ? arrival->file->size : 0;
	facts->received = download->takes_body ? result->bytes : 0;
	read_error_body(download);
	facts->may_be_encrypted &= !facts->is_error_body;
	download->ended(download);
}

static bool may_follow(struct transfer_receiver *receiver, const char *url)
{
	struct download *download = container_of(receiver, struct download, receiver);
	struct str api = str_of(download->account->api_url);
	struct str to = str_of(url);

	/* Once it has led elsewhere, credentials stay behind for good (transfer.h). */
	if (!str_starts(to, api) || (to.len > api.len && to.at[api.len] != '/'))
		download->facts.is_redirected = true;
	return true; /* the address guard judges where it leads */
}

enum rest_format download_format(const struct flight_env *env, bool is_encrypted)
{
	return is_encrypted || str_eq(str_of(env->options.format), STR("wav")) ? REST_WAV
									       : REST_MP3;
}

bool download_address(const struct account *account, const char *recording_sid,
		      enum rest_format format, int channels, struct download_address *out,
		      struct err *err)
{
	struct str user, password;
	struct buf url;

	buf_over(&url, out->url, sizeof(out->url));
	rest_media_url(&url, str_of(account->api_url), str_of(account->account_sid),
		       str_of(recording_sid), format, channels);
	account_credentials(account, &user, &password);
	if (buf_ok(&url) && str_copy(user, out->user, sizeof(out->user)) &&
	    str_copy(password, out->password, sizeof(out->password)))
		return true;
	return err_set(err, ERR_INVALID,
		       "the API address or the credentials of account %s are too long",
		       account->account_sid);
}

static bool is_listed(const struct flight_env *env, const struct fetch_target *target)
{
	const char *const *hosts = env->options.media_hosts;

	for (; hosts && *hosts; hosts++) {
		struct str host = str_of(*hosts);

		if (str_starts(host, STR("[")))
			host = str_first(str_after(host, 1), str_find(host, ']') - 1);
		if (str_eq_nocase(host, str_of(target->host)))
			return true;
	}
	return false;
}

/* Twilio may keep it in a storage of the account's own, and says where; whose host that is the settings have to say. */
static bool find_elsewhere(const struct flight_env *env, const struct account *account,
			   const char *told_url, struct fetch_target *out)
{
	AUTO(fetch_target_release) struct fetch_target api = { 0 };
	struct err err;

	return told_url && told_url[0] != '\0' &&
	       fetch_target_read(account->api_url, false, &api, &err) &&
	       fetch_target_read(told_url, api.is_https, out, &err) &&
	       !fetch_target_same_origin(&api, out) && is_listed(env, out);
}

bool download_start(struct download *download, struct arrival *arrival,
		    const struct account *account, const char *recording_sid, const char *told_url,
		    int channels, struct err *err)
{
	const struct flight_env *env = download->env;
	AUTO(fetch_target_release) struct fetch_target elsewhere = { 0 };
	struct download_address address;
	bool is_elsewhere = find_elsewhere(env, account, told_url, &elsewhere);

	if (!is_elsewhere &&
	    !download_address(account, recording_sid, download_format(env, arrival->is_encrypted),
			      channels, &address, err))
		return false;
	download->receiver = (struct transfer_receiver){
		.may_follow = may_follow, .on_head = on_head, .on_bytes = on_bytes, .on_end = on_end
	};
	download->arrival = arrival;
	download->account = account;
	download->position = 0;
	download->is_elsewhere = is_elsewhere;
	download->has_head = download->takes_body = false;
	download->body_len = 0;
	download->facts = (struct verdict_facts){ .retry_after_ms = -1,
						  .announced_s = -1,
						  .channels_asked = is_elsewhere ? 0 : channels,
						  .is_redirected = is_elsewhere };

	bool resumes = arrival->file->size > 0 && arrival->validator[0] != '\0';
	struct transfer_request request = {
		.method = TRANSFER_GET,
		.url = is_elsewhere ? elsewhere.url : address.url,
		.auth_for = is_elsewhere ? NULL : account->api_url,
		.user = is_elsewhere ? NULL : address.user,
		.password = is_elsewhere ? NULL : address.password,
		.ranged = resumes,
		.first = resumes ? arrival->file->size : 0,
		.last = TRANSFER_OPEN,
		.if_range = resumes ? arrival->validator : NULL,
	};

	return transfer_start(env->fetch, &request, &download->receiver, &download->transfer, err);
}

void download_cancel(struct download *download)
{
	transfer_cancel(download->transfer);
	download->transfer = NULL;
}
