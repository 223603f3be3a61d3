/*
 * What goes into the bucket, and what comes out of it, goes through the hands of three:
 *
 *	put	worker: hashes the file -> bucket's loop: PUT -> worker: into the cache -> who asked
 *	get	worker: a file without a name -> bucket's loop: GET -> worker: checked, into the cache -> all who asked
 *
 * One get for a name at a time, and whoever asks meanwhile waits for it.
 */
#include "blob/blob_s3.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "blob/blob_cache.h"
#include "blob/blob_local.h"
#include "blob/blob_marker.h"
#include "blob/blob_request.h"
#include "blob/blob_s3_private.h"

#define WORKERS        8
#define PIECE_BYTES    (256 * 1024)
#define PUT_GIVE_UP_MS 30000 /* of who stands there and waits */
#define CLAIM_LIMIT_MS 3000  /* a start does not wait longer for a bucket that is away */

struct blob_s3 {
	struct blob_store store;
	struct blob_store *files; /* what is arriving, and the cache */
	struct blob_cache *cache; /* NULL: nothing is kept here */
	struct s3 *s3;
	struct s3_listener listener;
	atomic_bool is_away; /* the bucket's loop says so */
	struct workers *workers;
	struct blob_marker marker;
	atomic_uint removals[256]; /* by the folder of what was removed */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t changed;
	struct map gets;
	uint64_t pending;
};

struct s3_arriving {
	struct blob_arriving arriving;
	struct blob_arriving *inner;
};

static const struct blob_want anything; /* all zero */

static struct blob_s3 *bucket_of(struct blob_store *store)
{
	return container_of(store, struct blob_s3, store);
}

static struct blob_arriving *inner_of(struct blob_arriving *arriving)
{
	return container_of(arriving, struct s3_arriving, arriving)->inner;
}

static atomic_uint *removals_of(struct blob_s3 *bucket, const char *name)
{
	return &bucket->removals[16 * (unsigned)ascii_hex_value(name[0]) +
				 (unsigned)ascii_hex_value(name[1])];
}

/*
 * It is in the cache now.  If any of its folder was removed since it began to come it was this one, perhaps: then it goes, for it would
 * be played on.  s3_remove() counts before it drops, so that one of both sees the other.
 */
static void kept(struct blob_s3 *bucket, const char *name, uint64_t size, unsigned removals)
{
	blob_cache_added(bucket->cache, name, size);
	if (*removals_of(bucket, name) != removals)
		blob_cache_drop(bucket->cache, name);
}

/* ---- a full disk ---- */

/* Is it worth another try?  What the cache has goes first: all of it can be had again. */
static bool has_given_room(struct blob_s3 *bucket, const struct err *err)
{
	return err->kind == ERR_UNAVAILABLE && bucket->cache && blob_cache_give_room(bucket->cache);
}

static bool seal_here(struct blob_s3 *bucket, struct blob_arriving *arriving, struct str name,
		      struct err *err)
{
	enum blob_seal_result result;

	do
		result = blob_arriving_seal(arriving, name, err);
	while (result == BLOB_UNSEALED && has_given_room(bucket, err));
	return result == BLOB_SEALED;
}

/* ---- answering ---- */

static void deliver_answer(struct mail *mail)
{
	struct job *job = container_of(mail, struct job, mail);
	struct blob_request *request = container_of(job, struct blob_request, job);

	request->done(request);
}

/* It is its owner's again. */
static void answer(struct blob_s3 *bucket, struct blob_request *request)
{
	if (request->reply) {
		request->job.mail.deliver = deliver_answer;
		mailbox_post(request->reply, &request->job.mail);
	} else {
		request->done(request);
	}
	pthread_mutex_lock(&bucket->mutex);
	bucket->pending--;
	pthread_cond_broadcast(&bucket->changed);
	pthread_mutex_unlock(&bucket->mutex);
}

static void await(struct blob_s3 *bucket)
{
	pthread_mutex_lock(&bucket->mutex);
	bucket->pending++;
	pthread_mutex_unlock(&bucket->mutex);
}

/* ---- put ---- */

struct put {
	struct job job;
	struct s3_request ask;
	struct marker_check check;
	struct blob_s3 *bucket;
	struct blob_request *request;
	int64_t give_up_after_ms;
	unsigned removals; /* as it began */
};

static void put_end(struct put *put, bool is_sealed)
{
	struct blob_request *request = put->request;
	struct blob_s3 *bucket = put->bucket;

	request->sealed = is_sealed ? BLOB_SEALED : BLOB_UNSEALED;
	request->succeeded = is_sealed;
	if (is_sealed)
		trouble_worked(&bucket->store.writing);
	s3_request_release(&put->ask);
	free(put);
	answer(bucket, request);
}

static void put_fail(struct put *put, const struct err *err)
{
	put->request->err = *err;
	put_end(put, false);
}

/* It is stored whatever becomes of this: where it cannot be kept here, it is fetched when it is played. */
static void run_keep_put(struct job *job)
{
	struct put *put = container_of(job, struct put, job);
	struct blob_arriving *inner = inner_of(put->request->arriving);
	struct str name = str_of(put->request->name);
	struct err err;

	if (seal_here(put->bucket, inner, name, &err))
		kept(put->bucket, put->request->name, inner->size, put->removals);
	else
		log_debug(NULL, "'%s' is not kept in the cache: %s", put->request->name, err.text);
	put_end(put, true);
}

static void object_done(struct s3_request *ask)
{
	struct put *put = container_of(ask, struct put, ask);

	if (!ask->succeeded) {
		put_fail(put, &ask->err);
		return;
	}
	if (!put->bucket->cache) {
		put_end(put, true);
		return;
	}
	put->job = (struct job){ .run = run_keep_put };
	workers_post(put->bucket->workers, &put->job);
}

static const char *content_type(struct str name)
{
	return str_ends(name, STR(".mp3"))   ? "audio/mpeg"
	       : str_ends(name, STR(".wav")) ? "audio/wav"
					     : "application/octet-stream";
}

static void put_object(struct put *put)
{
	const struct blob_request *request = put->request;
	const struct blob_arriving *arriving = request->arriving;
	struct s3_request *ask = &put->ask;

	s3_request_release(ask);
	*ask = (struct s3_request){
		.method = S3_PUT,
		.sends_file = true,
		.file_fd = arriving->fd,
		.file_size = arriving->size,
		.content_type = content_type(str_of(request->name)),
		.give_up_after_ms = put->give_up_after_ms,
		.done = object_done,
	};
	snprintf(ask->key, sizeof(ask->key), "%s", request->name);
	memcpy(ask->file_sha256, arriving->sha256, sizeof(ask->file_sha256));
	memcpy(ask->file_md5, arriving->md5, sizeof(ask->file_md5));
	s3_ask(put->bucket->s3, ask);
}

static void object_looked_at(struct s3_request *ask)
{
	struct put *put = container_of(ask, struct put, ask);
	const struct blob_arriving *arriving = put->request->arriving;

	if (!ask->succeeded && ask->err.kind != ERR_NOT_FOUND)
		put_fail(put, &ask->err);
	else if (ask->succeeded && ask->size == arriving->size && s3_has_md5(ask, arriving->md5))
		put_end(put, true);
	else
		put_object(put);
}

static void look_at_object(struct put *put)
{
	struct s3_request *ask = &put->ask;

	*ask = (struct s3_request){
		.method = S3_HEAD,
		.give_up_after_ms = put->give_up_after_ms,
		.done = object_looked_at,
	};
	snprintf(ask->key, sizeof(ask->key), "%s", put->request->name);
	s3_ask(put->bucket->s3, ask);
}

static void put_or_leave(struct put *put)
{
	if (put->request->leaves_same)
		look_at_object(put);
	else
		put_object(put);
}

static void marker_checked(struct marker_check *check)
{
	struct put *put = container_of(check, struct put, check);

	if (check->is_ours) {
		put_or_leave(put);
		return;
	}
	trouble_failed(&put->bucket->store.writing, check->err.text);
	put_fail(put, &check->err);
}

/* Once for a process: what is there stays there. */
static void check_marker(struct put *put)
{
	put->check = (struct marker_check){ .may_write = true,
					    .give_up_after_ms = put->give_up_after_ms,
					    .done = marker_checked };
	blob_marker_check(&put->bucket->marker, &put->check);
}

static bool hash_file(struct blob_arriving *arriving, struct err *err)
{
	AUTO(sha256_free) struct sha256 *sha = sha256_new();
	AUTO(md5_free) struct md5 *md5 = md5_new();
	AUTO(free) char *piece = xmalloc(PIECE_BYTES);
	uint8_t digest[SHA256_BYTES];
	uint64_t at = 0;
	struct buf hex;

	while (at < arriving->size) {
		uint64_t left = arriving->size - at;
		ssize_t n = pread(arriving->fd, piece,
				  left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read what has arrived");
		if (n == 0)
			return err_set(err, ERR_INTERNAL, "what has arrived became shorter");
		sha256_add(sha, piece, (size_t)n);
		md5_add(md5, piece, (size_t)n);
		at += (uint64_t)n;
	}
	md5_end(md5, arriving->md5);
	sha256_end(sha, digest);
	buf_over(&hex, arriving->sha256, sizeof(arriving->sha256));
	hex_add(&hex, digest, sizeof(digest));
	return true;
}

/* What is not what was stored is not put anywhere under its name. */
static bool is_as_known(const struct blob_request *request, struct err *err)
{
	return !request->want_sha256[0] ||
	       strcmp(request->want_sha256, request->arriving->sha256) == 0 ||
	       err_set(err, ERR_INTERNAL, "its bytes are not those of its SHA-256");
}

static void run_hash(struct job *job)
{
	struct put *put = container_of(job, struct put, job);
	struct err err;

	if (!hash_file(put->request->arriving, &err) || !is_as_known(put->request, &err))
		put_fail(put, &err);
	else if (put->bucket->marker.is_sure)
		put_or_leave(put);
	else
		check_marker(put);
}

static void start_put(struct blob_s3 *bucket, struct blob_request *request,
		      int64_t give_up_after_ms)
{
	struct put *put = xcalloc(1, sizeof(*put));

	await(bucket);
	put->job.run = run_hash;
	put->bucket = bucket;
	put->request = request;
	put->give_up_after_ms = give_up_after_ms;
	put->removals = *removals_of(bucket, request->name);
	workers_post(bucket->workers, &put->job);
}

/* ---- get ---- */

struct get {
	struct map_node node; /* key: name */
	struct list waiters;  /* of struct blob_request */
	struct job job;
	struct s3_request ask;
	struct marker_check check;
	struct blob_s3 *bucket;
	char name[BLOB_NAME_SIZE];
	struct blob_arriving *arriving; /* of the cache's store */
	int fd;
	uint64_t size;
	uint64_t want_size;      /* 0: not known */
	uint64_t size_most;      /* what is longer is not it; 0: however long it is */
	unsigned removals;       /* as it began */
	bool is_kept;            /* somebody wants it to be */
	bool is_again;           /* it came damaged, from a store of ours: asked for once more */
	char sha256[SHA256_HEX]; /* of what came just now; "": it was here */
	struct err err;          /* fd -1: why */
};

static void answer_get(struct get *get, struct blob_request *request)
{
	request->succeeded = false;
	request->err = get->err;
	request->size = get->size;
	if (get->fd < 0) {
		answer(get->bucket, request);
		return;
	}
	if (request->want_sha256[0] && get->sha256[0] &&
	    strcmp(request->want_sha256, get->sha256) != 0) {
		request->is_other = get->is_again;
		err_set(&request->err, get->is_again ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
			"the bytes of '%s' in the bucket are not those that were stored",
			get->name);
	} else {
		request->fd = fcntl(get->fd, F_DUPFD_CLOEXEC, 0);
		request->succeeded = request->fd >= 0;
		if (!request->succeeded)
			err_errno(&request->err, "cannot open '%s'", get->name);
	}
	answer(get->bucket, request);
}

static void get_end(struct get *get)
{
	struct blob_s3 *bucket = get->bucket;
	struct list *first;

	pthread_mutex_lock(&bucket->mutex);
	map_remove(&bucket->gets, &get->node); /* nobody joins any more */
	pthread_mutex_unlock(&bucket->mutex);
	while ((first = list_first(&get->waiters)) != NULL) {
		list_remove(first);
		answer_get(get, container_of(first, struct blob_request, link));
	}
	s3_request_release(&get->ask);
	blob_arriving_free(get->arriving);
	if (get->fd >= 0)
		close(get->fd);
	free(get);
}

/* Is it what was stored, as those say who wait for it? */
enum like { LIKE_UNKNOWN, LIKE_THAT, LIKE_NOT };

static enum like compare(struct get *get)
{
	enum like like = LIKE_UNKNOWN;

	pthread_mutex_lock(&get->bucket->mutex);
	LIST_EACH (item, &get->waiters) {
		const struct blob_request *request = container_of(item, struct blob_request, link);

		get->is_kept |= !request->is_passing;
		if (request->want_sha256[0] && like != LIKE_NOT)
			like = strcmp(request->want_sha256, get->sha256) == 0 ? LIKE_THAT
									      : LIKE_NOT;
	}
	pthread_mutex_unlock(&get->bucket->mutex);
	if (get->want_size > 0 && get->arriving->size != get->want_size)
		like = LIKE_NOT;
	return like;
}

static void object_came(struct s3_request *ask);

static bool make_room(struct s3_request *ask)
{
	struct blob_s3 *bucket = container_of(ask, struct get, ask)->bucket;

	return bucket->cache && blob_cache_give_room(bucket->cache);
}

static void ask_for_object(struct get *get)
{
	s3_request_release(&get->ask);
	get->ask = (struct s3_request){
		.method = S3_GET,
		.takes_file = true,
		.into_fd = get->arriving->fd,
		.size_most = get->size_most,
		.make_room = make_room,
		.give_up_after_ms = BUCKET_GIVE_UP_MS,
		.done = object_came,
	};
	snprintf(get->ask.key, sizeof(get->ask.key), "%s", get->name);
	s3_ask(get->bucket->s3, &get->ask);
}

static void set_gone(struct get *get)
{
	err_set(&get->err, ERR_NOT_FOUND, "the bucket does not have '%s'", get->name);
	get_end(get);
}

/* Of a store of ours what is not there is a loss; what came damaged is asked for once more. */
static void marker_seen(struct marker_check *check)
{
	struct get *get = container_of(check, struct get, check);

	get->err = check->err;
	if (!check->is_ours)
		get_end(get);
	else if (get->is_again)
		ask_for_object(get);
	else
		set_gone(get);
}

static void look_for_marker(struct get *get)
{
	get->check =
		(struct marker_check){ .give_up_after_ms = BUCKET_GIVE_UP_MS, .done = marker_seen };
	blob_marker_check(&get->bucket->marker, &get->check);
}

/* Where it cannot be kept, for want of room perhaps, it is played from where it is. */
static void run_keep_get(struct job *job)
{
	struct get *get = container_of(job, struct get, job);
	struct blob_arriving *arriving = get->arriving;
	enum like like = compare(get);
	struct err err;

	if (like == LIKE_NOT && !get->is_again) {
		get->is_again = true;
		look_for_marker(get);
		return;
	}
	get->size = arriving->size;
	if (!blob_arriving_reader(arriving, &get->fd, &get->err))
		get->fd = -1;
	else if (like == LIKE_NOT)
		log_debug(NULL, "'%s' came damaged from the bucket", get->name);
	else if (like == LIKE_UNKNOWN || !get->is_kept || !get->bucket->cache)
		log_debug(NULL, "'%s' is not kept in the cache", get->name);
	else if (!seal_here(get->bucket, arriving, str_of(get->name), &err))
		log_debug(NULL, "'%s' is not kept in the cache: %s", get->name, err.text);
	else
		kept(get->bucket, get->name, get->size, get->removals);
	get_end(get);
}

static void object_came(struct s3_request *ask)
{
	struct get *get = container_of(ask, struct get, ask);
	struct buf hex;

	if (!ask->succeeded && ask->err.kind == ERR_NOT_FOUND) {
		if (get->is_again) /* the marker was there */
			set_gone(get);
		else
			look_for_marker(get);
	} else if (!ask->succeeded) {
		get->err = ask->err;
		get_end(get);
	} else {
		get->arriving->size = ask->size;
		buf_over(&hex, get->sha256, sizeof(get->sha256));
		hex_add(&hex, ask->sha256, sizeof(ask->sha256));
		get->job = (struct job){ .run = run_keep_get };
		workers_post(get->bucket->workers, &get->job);
	}
}

static void run_get(struct job *job)
{
	struct get *get = container_of(job, struct get, job);
	struct blob_store *files = get->bucket->files;
	struct err err;

	/* Another came here first, perhaps. */
	if (get->bucket->cache &&
	    files->driver->open_read(files, get->name, &anything, &get->fd, &get->size, &err)) {
		get_end(get);
		return;
	}
	get->fd = -1;
	while (!files->driver->arriving_open_unnamed(files, get->name + 3, &get->arriving,
						     &get->err))
		if (!has_given_room(get->bucket, &get->err)) {
			get_end(get);
			return;
		}
	ask_for_object(get);
}

/* bucket->mutex is held. */
static struct get *get_new(struct blob_s3 *bucket, const char *name)
{
	struct get *get = xcalloc(1, sizeof(*get));

	list_init(&get->waiters);
	get->bucket = bucket;
	get->removals = *removals_of(bucket, name);
	get->fd = -1;
	get->job.run = run_get;
	str_fit(str_of(name), get->name, sizeof(get->name));
	map_add(&bucket->gets, &get->node, str_of(get->name));
	return get;
}

/* Whoever comes here wants its bytes, and they are not here: who is sent to the bucket for them missed nothing. */
static void start_get(struct blob_s3 *bucket, struct blob_request *request)
{
	struct map_node *node;
	struct get *fresh = NULL, *get;

	if (bucket->cache)
		blob_cache_missed(bucket->cache);
	pthread_mutex_lock(&bucket->mutex);
	bucket->pending++;
	node = map_find(&bucket->gets, str_of(request->name));
	get = node ? container_of(node, struct get, node)
		   : (fresh = get_new(bucket, request->name));
	list_append(&get->waiters, &request->link);
	if (fresh) {
		fresh->want_size = request->want_size;
		fresh->size_most = request->want_size > 0 ? request->want_size : request->size_most;
	}
	pthread_mutex_unlock(&bucket->mutex);
	if (fresh)
		workers_post(bucket->workers, &fresh->job);
}

static void s3_ask_blob(struct blob_store *store, struct blob_request *request)
{
	if (request->verb == BLOB_PUT)
		start_put(bucket_of(store), request, S3_NEVER_GIVE_UP);
	else
		start_get(bucket_of(store), request);
}

/* ---- the same, waited for ---- */

struct standing {
	struct blob_request request;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool is_done;
};

static void standing_done(struct blob_request *request)
{
	struct standing *standing = container_of(request, struct standing, request);

	pthread_mutex_lock(&standing->mutex);
	standing->is_done = true;
	pthread_cond_signal(&standing->changed);
	pthread_mutex_unlock(&standing->mutex);
}

static void stand_up(struct standing *standing, enum blob_verb verb, const char *name)
{
	*standing = (struct standing){ .request = { .verb = verb, .done = standing_done, .fd = -1 },
				       .mutex = PTHREAD_MUTEX_INITIALIZER,
				       .changed = PTHREAD_COND_INITIALIZER };
	list_init(&standing->request.link);
	str_fit(str_of(name), standing->request.name, sizeof(standing->request.name));
}

static bool stand(struct standing *standing, struct err *err)
{
	pthread_mutex_lock(&standing->mutex);
	while (!standing->is_done)
		pthread_cond_wait(&standing->changed, &standing->mutex);
	pthread_mutex_unlock(&standing->mutex);
	pthread_mutex_destroy(&standing->mutex);
	pthread_cond_destroy(&standing->changed);
	if (!standing->request.succeeded)
		*err = standing->request.err;
	return standing->request.succeeded;
}

static enum blob_seal_result s3_arriving_seal(struct blob_arriving *arriving, const char *name,
					      struct err *err)
{
	struct standing standing;

	stand_up(&standing, BLOB_PUT, name);
	standing.request.arriving = arriving;
	start_put(bucket_of(arriving->store), &standing.request, PUT_GIVE_UP_MS);
	return stand(&standing, err) ? BLOB_SEALED : BLOB_UNSEALED;
}

static void s3_forget_here(struct blob_store *store, const char *name)
{
	struct blob_s3 *bucket = bucket_of(store);

	log_warn(NULL, "'%s' is damaged in the cache: it is brought from the bucket anew", name);
	if (bucket->cache)
		blob_cache_drop(bucket->cache, name);
}

/* As far as it is here; what cannot be read here, or has another length, is as good as not there: ERR_NOT_FOUND. */
static bool open_cached(struct blob_s3 *bucket, const char *name, const struct blob_want *want,
			int *out_fd, uint64_t *out_size, struct err *err)
{
	struct blob_store *files = bucket->files;
	AUTO(close) int fd = -1;
	bool is_open;

	if (!bucket->cache)
		return err_set(err, ERR_NOT_FOUND, "nothing is kept here");
	is_open = files->driver->open_read(files, name, want, &fd, out_size, err);
	if (!is_open && err->kind != ERR_INTERNAL)
		return false;
	if (!is_open || (want->size > 0 && *out_size != want->size)) {
		s3_forget_here(&bucket->store, name);
		return err_set(err, ERR_NOT_FOUND, "'%s' is damaged here", name);
	}
	blob_cache_hit(bucket->cache);
	blob_cache_used(bucket->cache, name, fd);
	*out_fd = TAKE_FD(fd);
	return true;
}

static bool s3_open_here(struct blob_store *store, const char *name, int *out_fd,
			 uint64_t *out_size, struct err *err)
{
	if (open_cached(bucket_of(store), name, &anything, out_fd, out_size, err))
		return true;
	*out_fd = -1;
	return err->kind == ERR_NOT_FOUND;
}

static bool s3_open_read(struct blob_store *store, const char *name, const struct blob_want *want,
			 int *out_fd, uint64_t *out_size, struct err *err)
{
	struct standing standing;
	struct blob_request *request = &standing.request;

	if (open_cached(bucket_of(store), name, want, out_fd, out_size, err))
		return true;
	if (err->kind != ERR_NOT_FOUND)
		return false;
	stand_up(&standing, BLOB_GET, name);
	request->want_size = want->size;
	request->size_most = want->size_most;
	request->is_passing = true;
	if (want->sha256)
		str_fit(str_of(want->sha256), request->want_sha256, sizeof(request->want_sha256));
	start_get(bucket_of(store), request);
	if (!stand(&standing, err)) {
		if (request->is_other)
			err->kind = ERR_INVALID;
		return false;
	}
	*out_fd = standing.request.fd;
	*out_size = standing.request.size;
	return true;
}

/* ---- what is arriving: files ---- */

static struct blob_arriving *arriving_over(struct blob_store *store, struct blob_arriving *inner)
{
	struct s3_arriving *mine = xcalloc(1, sizeof(*mine));

	mine->arriving =
		(struct blob_arriving){ .store = store, .fd = inner->fd, .size = inner->size };
	mine->inner = inner;
	return &mine->arriving;
}

static bool s3_arriving_open(struct blob_store *store, const char *base, struct blob_arriving **out,
			     struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);
	struct blob_store *files = bucket->files;
	struct blob_arriving *inner;

	while (!files->driver->arriving_open(files, base, &inner, err))
		if (!has_given_room(bucket, err))
			return false;
	*out = arriving_over(store, inner);
	return true;
}

static bool s3_arriving_open_unnamed(struct blob_store *store, const char *base,
				     struct blob_arriving **out, struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);
	struct blob_store *files = bucket->files;
	struct blob_arriving *inner;

	while (!files->driver->arriving_open_unnamed(files, base, &inner, err))
		if (!has_given_room(bucket, err))
			return false;
	*out = arriving_over(store, inner);
	return true;
}

static bool s3_arriving_take(struct blob_store *store, const char *base, struct blob_arriving **out,
			     struct err *err)
{
	struct blob_store *files = bucket_of(store)->files;
	struct blob_arriving *inner;

	if (!files->driver->arriving_take(files, base, &inner, err))
		return false;
	*out = arriving_over(store, inner);
	return true;
}

static bool s3_arriving_write(struct blob_arriving *arriving, struct str bytes, struct err *err)
{
	struct blob_arriving *inner = inner_of(arriving);
	bool is_written;

	do
		is_written = inner->store->driver->arriving_write(inner, bytes, err);
	while (!is_written && has_given_room(bucket_of(arriving->store), err));
	arriving->size = inner->size;
	return is_written;
}

static bool s3_arriving_truncate(struct blob_arriving *arriving, uint64_t size, struct err *err)
{
	struct blob_arriving *inner = inner_of(arriving);
	bool is_cut = inner->store->driver->arriving_truncate(inner, size, err);

	arriving->size = inner->size;
	return is_cut;
}

static bool s3_arriving_reader(struct blob_arriving *arriving, int *out_fd, struct err *err)
{
	return blob_arriving_reader(inner_of(arriving), out_fd, err);
}

static void s3_arriving_free(struct blob_arriving *arriving)
{
	blob_arriving_free(inner_of(arriving));
	free(container_of(arriving, struct s3_arriving, arriving));
}

static bool s3_scratch(struct blob_store *store, int *out_fd, struct err *err)
{
	return blob_scratch(bucket_of(store)->files, out_fd, err);
}

static bool s3_sweep_arriving(struct blob_store *store, uint64_t *out_removed, struct err *err)
{
	return blob_sweep_arriving(bucket_of(store)->files, out_removed, err);
}

static bool s3_free_bytes(struct blob_store *store, uint64_t *out, struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);

	if (bucket->cache)
		blob_cache_make_room(bucket->cache);
	return blob_free_bytes(bucket->files, out, err);
}

/* ---- what the bucket is asked ---- */

static bool s3_stat(struct blob_store *store, const char *name, uint64_t *out_size, struct err *err)
{
	return bucket_stat(bucket_of(store)->s3, name, out_size, err);
}

static bool s3_read_content(struct blob_store *store, const char *name, uint64_t size_most,
			    struct blob_content *out, struct err *err)
{
	return bucket_read_content(bucket_of(store)->s3, name, size_most, out, err);
}

static bool s3_has_place(struct blob_store *store, const char *name)
{
	struct marker_check check = { .give_up_after_ms = BUCKET_GIVE_UP_MS };
	struct err err;

	(void)name;
	return blob_marker_check_now(&bucket_of(store)->marker, &check, &err);
}

static bool s3_list(struct blob_store *store, struct str prefix, struct str after,
		    struct blob_names *out, struct err *err)
{
	return bucket_list(bucket_of(store)->s3, prefix, after, out, err);
}

static bool s3_walk(struct blob_store *store, const char *folder, struct blob_folder *out,
		    struct err *err)
{
	return bucket_walk(bucket_of(store)->s3, folder, out, err);
}

static bool s3_here_walk(struct blob_store *store, const char *folder, struct blob_folder *out,
			 struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);

	return !bucket->cache || bucket->files->driver->walk(bucket->files, folder, out, err);
}

static void s3_here_doubt(struct blob_store *store, const char *folder)
{
	(*removals_of(bucket_of(store), folder))++;
}

static void s3_here_drop(struct blob_store *store, const char *name)
{
	struct blob_s3 *bucket = bucket_of(store);

	if (bucket->cache)
		blob_cache_drop(bucket->cache, name);
}

struct use {
	struct job job;
	struct blob_s3 *bucket;
	char name[BLOB_NAME_SIZE];
};

static void run_use(struct job *job)
{
	AUTO(free) struct use *use = container_of(job, struct use, job);
	struct blob_store *files = use->bucket->files;
	AUTO(close) int fd = -1;
	struct err err;
	uint64_t size;

	if (files->driver->open_read(files, use->name, &anything, &fd, &size, &err))
		blob_cache_used(use->bucket->cache, use->name, fd);
}

/* By a worker: the cache's lock, and its file, may have to be waited for. */
static void s3_here_used(struct blob_store *store, const char *name)
{
	struct blob_s3 *bucket = bucket_of(store);
	struct use *use;

	if (!bucket->cache)
		return;
	use = xcalloc(1, sizeof(*use));
	use->job.run = run_use;
	use->bucket = bucket;
	str_fit(str_of(name), use->name, sizeof(use->name));
	workers_post(bucket->workers, &use->job);
}

/* What is dropped is not listed again; a page that cannot be read is left to the next comparison with the ledger. */
static void s3_here_forget(struct blob_store *store, const char *beginning)
{
	struct blob_s3 *bucket = bucket_of(store);
	struct blob_names names;
	struct err err;

	if (!bucket->cache)
		return;
	(*removals_of(bucket, beginning))++;
	do {
		if (!blob_list(bucket->files, str_of(beginning), STR(""), &names, &err))
			return;
		for (size_t i = 0; i < names.count; i++)
			blob_cache_drop(bucket->cache, names.at[i]);
	} while (names.count == BLOB_LIST_MAX);
}

/* From here first: what is gone from the bucket alone would be played on. */
static bool s3_remove(struct blob_store *store, const char *name, struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);

	bool is_removed;

	if (bucket->cache)
		blob_cache_drop(bucket->cache, name);
	is_removed = bucket_remove(bucket->s3, name, err);
	(*removals_of(bucket, name))++;
	if (bucket->cache) /* what came meanwhile */
		blob_cache_drop(bucket->cache, name);
	return is_removed;
}

/* What the bucket has answered lasts. */
static bool s3_sync_place(struct blob_store *store, const char *name, struct err *err)
{
	(void)store;
	(void)name;
	(void)err;
	return true;
}

static char *s3_path(struct blob_store *store, const char *name)
{
	return s3_url(bucket_of(store)->s3, str_of(name));
}

/* ---- others may ask it, too ---- */

static bool s3_address(struct blob_store *store, const char *name,
		       const struct blob_address_terms *terms, struct buf *out)
{
	const struct s3_pair query[] = {
		{ "response-cache-control", terms->cache_control },
		{ "response-content-disposition", terms->disposition },
		{ "response-content-type", terms->content_type },
	};

	return s3_presigned(bucket_of(store)->s3, str_of(name), query, ARRAY_LEN(query),
			    terms->expires_s, out);
}

static void s3_remote_facts(struct blob_store *store, struct blob_remote_facts *out)
{
	struct blob_s3 *bucket = bucket_of(store);

	*out = (struct blob_remote_facts){ .answers = !bucket->is_away,
					   .asked = s3_counts(bucket->s3) };
	if (bucket->cache)
		blob_cache_read(bucket->cache, out);
}

static bool s3_gives_addresses(struct blob_store *store)
{
	return !bucket_of(store)->is_away && s3_presigns(bucket_of(store)->s3);
}

static const char *s3_origin_of(struct blob_store *store)
{
	return s3_origin(bucket_of(store)->s3);
}

/* ---- is it away? ---- */

static void bucket_away(struct s3_listener *listener, const char *why)
{
	struct blob_s3 *bucket = container_of(listener, struct blob_s3, listener);

	trouble_failed(&bucket->store.writing, why);
	trouble_failed(&bucket->store.reading, why);
	if (bucket->is_away)
		return;
	bucket->is_away = true;
	log_warn(
		NULL,
		"%s: what has arrived waits to be stored, and what is not in the cache cannot be played",
		why);
}

static void bucket_back(struct s3_listener *listener)
{
	struct blob_s3 *bucket = container_of(listener, struct blob_s3, listener);

	if (!bucket->is_away)
		return;
	bucket->is_away = false;
	trouble_worked(&bucket->store.writing);
	trouble_worked(&bucket->store.reading);
	log_info(NULL, "the bucket answers again");
}

/* ---- the store ---- */

static void s3_store_stop(struct blob_store *store)
{
	struct blob_s3 *bucket = bucket_of(store);

	s3_stop(bucket->s3);
	pthread_mutex_lock(&bucket->mutex);
	while (bucket->pending > 0)
		pthread_cond_wait(&bucket->changed, &bucket->mutex);
	pthread_mutex_unlock(&bucket->mutex);
}

static struct mailbox *s3_mailbox_of(struct blob_store *store)
{
	return s3_mailbox(bucket_of(store)->s3);
}

static void s3_know(struct blob_store *store, const char *id, bool is_used)
{
	struct blob_marker *marker = &bucket_of(store)->marker;

	str_fit(str_of(id), marker->id, sizeof(marker->id));
	marker->is_used = is_used;
}

/* One that does not answer, or is not what it was, is told of while it is served from what is here. */
static bool s3_claim(struct blob_store *store, struct err *err)
{
	struct blob_s3 *bucket = bucket_of(store);
	struct marker_check check = { .may_write = true,
				      .limit_ms = CLAIM_LIMIT_MS,
				      .is_once = true };

	if (blob_marker_check_now(&bucket->marker, &check, err))
		return true;
	if (err->kind == ERR_CONFLICT)
		return false;
	trouble_failed(&bucket->store.writing, err->text);
	return true;
}

static void s3_store_free(struct blob_store *store)
{
	struct blob_s3 *bucket = bucket_of(store);

	if (bucket->workers)
		s3_store_stop(store);
	workers_stop(bucket->workers);
	s3_free(bucket->s3);
	blob_cache_free(bucket->cache);
	blob_store_free(bucket->files);
	map_release(&bucket->gets);
	pthread_cond_destroy(&bucket->changed);
	pthread_mutex_destroy(&bucket->mutex);
	free(bucket);
}

static const struct blob_driver s3_driver = {
	.name = "s3",
	.is_one_place = true,
	.store_free = s3_store_free,
	.arriving_open = s3_arriving_open,
	.arriving_open_unnamed = s3_arriving_open_unnamed,
	.arriving_take = s3_arriving_take,
	.arriving_write = s3_arriving_write,
	.arriving_truncate = s3_arriving_truncate,
	.arriving_reader = s3_arriving_reader,
	.scratch = s3_scratch,
	.arriving_seal = s3_arriving_seal,
	.arriving_free = s3_arriving_free,
	.sweep_arriving = s3_sweep_arriving,
	.open_read = s3_open_read,
	.has_place = s3_has_place,
	.list = s3_list,
	.walk = s3_walk,
	.remove = s3_remove,
	.sync_place = s3_sync_place,
	.path = s3_path,
	.free_bytes = s3_free_bytes,
	.stop = s3_store_stop,
	.mailbox = s3_mailbox_of,
	.know = s3_know,
	.claim = s3_claim,
	.open_here = s3_open_here,
	.forget_here = s3_forget_here,
	.here_walk = s3_here_walk,
	.here_doubt = s3_here_doubt,
	.here_drop = s3_here_drop,
	.here_used = s3_here_used,
	.here_forget = s3_here_forget,
	.stat = s3_stat,
	.read_content = s3_read_content,
	.address = s3_address,
	.remote_facts = s3_remote_facts,
	.gives_addresses = s3_gives_addresses,
	.origin = s3_origin_of,
	.ask = s3_ask_blob,
};

static void close_folder(DIR *folder)
{
	if (folder)
		closedir(folder);
}
DEFINE_AUTO(DIR *, close_folder)

/* Recordings that lie in files belong to a ledger that would look for them in the bucket. */
bool blob_check_no_files(const char *data_dir, struct err *err)
{
	AUTO(free) char *path = xasprintf("%s/recordings", data_dir);
	AUTO(close_folder) DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			return err_set(
				err, ERR_CONFLICT,
				"there are recordings in '%s', and `store` names a bucket: begin with an empty data_dir",
				path);
	return true;
}

static bool open_bucket(const struct blob_options *options, struct blob_store **out,
			struct err *err)
{
	struct blob_s3 *bucket = xcalloc(1, sizeof(*bucket));
	AUTO(blob_store_free) struct blob_store *store = &bucket->store;

	bucket->store = (struct blob_store)BLOB_STORE(&s3_driver);
	bucket->listener = (struct s3_listener){ .away = bucket_away, .back = bucket_back };
	pthread_mutex_init(&bucket->mutex, NULL);
	pthread_cond_init(&bucket->changed, NULL);
	map_init(&bucket->gets);
	if ((!options->is_beside_files && !blob_check_no_files(options->data_dir, err)) ||
	    !blob_local_open_in(options->data_dir, "cache", &bucket->files, err) ||
	    (options->cache_max_bytes > 0 &&
	     !blob_cache_open(bucket->files, options->cache_max_bytes, 2 * options->min_free_bytes,
			      &bucket->cache, err)) ||
	    !s3_open(options->s3, &bucket->s3, err))
		return false;
	bucket->marker.s3 = bucket->s3;
	str_fit(str_of(options->claim), bucket->marker.claim, sizeof(bucket->marker.claim));
	s3_listen(bucket->s3, &bucket->listener);
	if (!workers_start("bucket", WORKERS, &bucket->workers, err))
		return false;
	*out = TAKE(store);
	return true;
}

bool blob_check(const struct s3_options *s3, struct err *err)
{
	return !s3->store || s3_check(s3, err);
}

bool blob_open(const struct blob_options *options, struct blob_store **out, struct err *err)
{
	return options->s3 && options->s3->store ? open_bucket(options, out, err)
						 : blob_local_open(options->data_dir, out, err);
}
