/*
 * What can be set of an S3 store.  A plain value; texts are borrowed, NULL where nothing was said.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum s3_path_style {
	S3_PATH_STYLE_UNSET, /* as AUTO */
	S3_PATH_STYLE_AUTO,  /* off for Amazon's own addresses, on for others */
	S3_PATH_STYLE_OFF,   /* https://BUCKET.HOST/KEY */
	S3_PATH_STYLE_ON,    /* https://HOST/BUCKET/KEY */
};

struct s3_options {
	const char *store;    /* s3://BUCKET/PREFIX; NULL: none, media lies in files */
	const char *endpoint; /* NULL: Amazon's, of the region */
	const char *region;   /* NULL: us-east-1 */
	enum s3_path_style path_style;
	const char *access_key_id, *secret_access_key, *session_token;
	/* The files that these were read from, to be read again when they change; NULL: another source. */
	const char *access_key_id_file, *secret_access_key_file, *session_token_file;
	/* Who lends keys, where none are set above: the agent of a container, or of a machine.  NULL: nobody. */
	const char *container_url,
		*container_path; /* the whole address, or what is behind that of ECS */
	const char *container_token, *container_token_file; /* to ask it with; NULL: none */
	const char *instance_url;
	/* Why a file with one of these secrets could not be read: no bucket is asked without what it was to hold.  NULL: all could. */
	const char *unread;
	const char *ca_file, *proxy; /* as for Twilio; NULL: the system's, none */
	int64_t hurry_ms; /* what s3_stop() leaves to what is under way; 0: as is usual, 3 s */
};

/* Is there a container's agent?  It is asked with a token, and comes before a machine's. */
static inline bool s3_options_name_agent(const struct s3_options *options)
{
	return options->container_url || options->container_path;
}

/* Are keys to be lent?  Those that are set come first. */
static inline bool s3_options_want_lender(const struct s3_options *options)
{
	bool has_keys = options->access_key_id || options->access_key_id_file ||
			options->secret_access_key;

	return !has_keys && (s3_options_name_agent(options) || options->instance_url);
}
