#include "s3/s3_lender.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "event/loop.h"
#include "fetch/fetch.h"
#include "fetch/fetch_target.h"
#include "fetch/transfer.h"
#include "s3/s3_keys.h"
#include "s3/s3_lent.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_HOST     "http://169.254.170.2" /* of what is behind s3.container_path */
#define TOKEN_PATH         "/latest/api/token"
#define ROLES_PATH         "/latest/meta-data/iam/security-credentials/"
#define TOKEN_TTL_S        "21600"
#define ANSWER_MAX         (64 * 1024)
#define TOKEN_MAX          4097
#define CONNECT_TIMEOUT_MS 2000
#define ANSWER_LIMIT_MS    5000
#define EARLY_MS           (5 * 60 * 1000)  /* before their end */
#define UNSAID_MS          (15 * 60 * 1000) /* those that say no end are looked at as often */
#define LOOK_MS            10000            /* at the clock, which may be set */
#define DOUBT_EACH_MS      10000
#define AGAIN_FIRST_MS     1000
#define AGAIN_MOST_MS      60000

/* What is asked just now. */
enum step {
	STEP_NONE,  /* nothing */
	STEP_TOKEN, /* of a machine: a token to ask with, */
	STEP_ROLE,  /* the name of its role, */
	STEP_KEYS,  /* and the keys */
};

struct s3_lender {
	struct loop *loop;
	struct s3_keys *keys;
	struct s3_borrower *borrower;
	struct fetch *fetch;
	char *url; /* of a container: whole; of a machine: its origin */
	bool is_machine;
	char *token_given, *token_file; /* a container's, NULL: none */

	enum step step;
	struct transfer *transfer;
	struct transfer_receiver receiver;
	int status;
	struct buf answer;
	char token[TOKEN_MAX]; /* to ask with */
	char role[S3_LENT_ROLE_SIZE];

	struct timer timer;
	int64_t due_at_ms;   /* wall clock: five minutes before their end */
	int64_t asked_at_ms; /* monotonic */
	int64_t pause_ms;    /* after the last failure; 0: it answered */
	char trouble[256];
};

/* For free(). */
static char *address_of(const struct s3_options *options)
{
	struct str origin = str_of(options->instance_url);

	if (options->container_url)
		return xstrdup(options->container_url);
	if (options->container_path)
		return xasprintf(CONTAINER_HOST "%s", options->container_path);
	while (str_ends(origin, STR("/")))
		origin.len--;
	return str_dup(origin);
}

bool s3_lender_check(const struct s3_options *options, struct err *err)
{
	AUTO(free) char *url = address_of(options);

	if (options->session_token || options->session_token_file)
		return err_set(
			err, ERR_INVALID,
			"s3.session_token belongs to an s3.access_key_id, which is not set: who "
			"lends keys lends a token with them");
	if (options->container_path && !options->container_url && options->container_path[0] != '/')
		return err_set(err, ERR_INVALID, "s3.container_path: expected a path, as /v2/...");
	return s3_lent_check_address(!s3_options_name_agent(options) ? "s3.instance_url"
				     : options->container_url        ? "s3.container_url"
								     : "s3.container_path",
				     url, err);
}

/* ---- when ---- */

static void ask(struct s3_lender *lender, enum step step);

static void begin(struct s3_lender *lender)
{
	lender->asked_at_ms = loop_now_ms(lender->loop);
	ask(lender, lender->is_machine ? STEP_TOKEN : STEP_KEYS);
}

static void pause_over(struct timer *timer)
{
	begin(container_of(timer, struct s3_lender, timer));
}

/* However the clock is set meanwhile. */
static void wait_for(struct s3_lender *lender, int64_t ms)
{
	timer_start(lender->loop, &lender->timer, ms, pause_over);
}

static void look_due(struct timer *timer);

static void wait_until(struct s3_lender *lender, int64_t due_at_ms)
{
	int64_t left_ms = due_at_ms - clock_wall_ms();

	lender->due_at_ms = due_at_ms;
	timer_start(lender->loop, &lender->timer,
		    left_ms < 0         ? 0
		    : left_ms < LOOK_MS ? left_ms
					: LOOK_MS,
		    look_due);
}

static void look_due(struct timer *timer)
{
	struct s3_lender *lender = container_of(timer, struct s3_lender, timer);

	if (clock_wall_ms() >= lender->due_at_ms)
		begin(lender);
	else
		wait_until(lender, lender->due_at_ms);
}

void s3_lender_doubt(struct s3_lender *lender)
{
	if (lender->step != STEP_NONE ||
	    loop_now_ms(lender->loop) - lender->asked_at_ms < DOUBT_EACH_MS)
		return;
	timer_stop(&lender->timer);
	begin(lender);
}

const char *s3_lender_trouble(const struct s3_lender *lender)
{
	return lender->trouble;
}

/* ---- what came of it ---- */

static void forget_answer(struct s3_lender *lender)
{
	if (lender->answer.at)
		explicit_bzero(lender->answer.at, lender->answer.len);
	buf_clear(&lender->answer);
}

/* Told once for each run of failures. */
static void fail(struct s3_lender *lender, const char *why)
{
	struct buf text;

	forget_answer(lender);
	lender->step = STEP_NONE;
	buf_over(&text, lender->trouble, sizeof(lender->trouble));
	buf_addf(&text, "%s lends no keys: %.150s",
		 lender->is_machine ? "s3.instance_url" : "the container's agent", why);
	if (lender->pause_ms == 0)
		log_warn(NULL, "%s", lender->trouble);
	lender->pause_ms = lender->pause_ms == 0 ? AGAIN_FIRST_MS : 2 * lender->pause_ms;
	if (lender->pause_ms > AGAIN_MOST_MS)
		lender->pause_ms = AGAIN_MOST_MS;
	wait_for(lender, lender->pause_ms);
}

static void take_keys(struct s3_lender *lender)
{
	int64_t now_ms = clock_wall_ms();
	struct s3_lent lent;
	struct err err;
	bool are_others;

	if (!s3_lent_read(buf_str(&lender->answer), &lent, &err)) {
		fail(lender, err.text);
		return;
	}
	if (lent.expires_at_ms > 0 && lent.expires_at_ms <= now_ms) {
		s3_lent_wipe(&lent);
		fail(lender, "those that it has are over, by this machine's clock");
		return;
	}
	are_others = s3_keys_lend(lender->keys, &(struct s3_credentials){
							.access_key_id = lent.access_key_id,
							.secret_access_key = lent.secret_access_key,
							.session_token = lent.session_token,
							.expires_at_ms = lent.expires_at_ms,
						});
	forget_answer(lender);
	lender->step = STEP_NONE;
	lender->trouble[0] = '\0';
	lender->pause_ms = 0;
	log_debug(NULL, "keys of the bucket are lent for %" PRId64 " s",
		  lent.expires_at_ms > 0 ? (lent.expires_at_ms - now_ms) / 1000 : -1);
	if (lent.expires_at_ms == 0)
		wait_for(lender, UNSAID_MS);
	else if (lent.expires_at_ms - EARLY_MS > now_ms + LOOK_MS)
		wait_until(lender, lent.expires_at_ms - EARLY_MS);
	else /* it has no later ones yet */
		wait_for(lender, LOOK_MS);
	s3_lent_wipe(&lent);
	if (are_others)
		lender->borrower->lent(lender->borrower);
}

static void take_answer(struct s3_lender *lender)
{
	switch (lender->step) {
	case STEP_NONE:
		break;
	case STEP_TOKEN:
		if (s3_lent_line(buf_str(&lender->answer), lender->token, sizeof(lender->token)))
			ask(lender, STEP_ROLE);
		else
			fail(lender, "it gives no token");
		break;
	case STEP_ROLE:
		if (s3_lent_role(buf_str(&lender->answer), lender->role))
			ask(lender, STEP_KEYS);
		else
			fail(lender, "it names no role");
		break;
	case STEP_KEYS:
		take_keys(lender);
		break;
	}
}

static struct s3_lender *lender_of(struct transfer_receiver *receiver)
{
	return container_of(receiver, struct s3_lender, receiver);
}

static bool may_follow(struct transfer_receiver *receiver, const char *url)
{
	(void)receiver;
	(void)url;
	return false;
}

static enum transfer_go on_head(struct transfer_receiver *receiver,
				const struct transfer_head *head)
{
	lender_of(receiver)->status = head->status;
	return TRANSFER_GO_ON;
}

static enum transfer_go on_bytes(struct transfer_receiver *receiver, struct str bytes)
{
	struct s3_lender *lender = lender_of(receiver);

	buf_add_str(&lender->answer, bytes);
	return buf_ok(&lender->answer) ? TRANSFER_GO_ON : TRANSFER_STOP;
}

static void on_end(struct transfer_receiver *receiver, const struct transfer_result *result)
{
	struct s3_lender *lender = lender_of(receiver);
	char why[64];
	struct buf text;

	lender->transfer = NULL;
	buf_over(&text, why, sizeof(why));
	if (!buf_ok(&lender->answer)) {
		fail(lender, "its answer is too long");
	} else if (result->outcome != TRANSFER_OK) {
		fail(lender,
		     result->text[0] ? result->text : transfer_outcome_text(result->outcome));
	} else if (lender->status != 200) {
		buf_addf(&text, "it answers %d", lender->status);
		fail(lender, why);
	} else {
		take_answer(lender);
	}
}

/* ---- asking ---- */

/* A token in a file is given out anew from time to time. */
static bool read_token(struct s3_lender *lender, struct err *err)
{
	AUTO(free) char *text = NULL;
	bool is_read;
	size_t len;

	lender->token[0] = '\0';
	if (!lender->token_file)
		return !lender->token_given ||
		       s3_lent_line(str_of(lender->token_given), lender->token,
				    sizeof(lender->token)) ||
		       err_set(err, ERR_UNAVAILABLE, "s3.container_token is no token");
	if (!file_read(lender->token_file, TOKEN_MAX, &text, &len, err))
		return false;
	is_read = s3_lent_line((struct str){ text, len }, lender->token, sizeof(lender->token));
	explicit_bzero(text, len);
	return is_read ||
	       err_set(err, ERR_UNAVAILABLE, "'%s' does not hold one line", lender->token_file);
}

/* For free(). */
static char *url_of(const struct s3_lender *lender, enum step step)
{
	if (!lender->is_machine)
		return xstrdup(lender->url);
	return step == STEP_TOKEN ? xasprintf("%s" TOKEN_PATH, lender->url)
				  : xasprintf("%s" ROLES_PATH "%s", lender->url,
					      step == STEP_KEYS ? lender->role : "");
}

static bool send(struct s3_lender *lender, struct err *err)
{
	AUTO(free) char *url = url_of(lender, lender->step);
	const struct transfer_header ttl = { "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_S };
	const struct transfer_header token = { lender->is_machine ? "X-aws-ec2-metadata-token"
								  : "Authorization",
					       lender->token };
	const bool asks_for_token = lender->step == STEP_TOKEN;
	struct transfer_request request = {
		.method = asks_for_token ? TRANSFER_PUT : TRANSFER_GET,
		.url = url,
		.headers = asks_for_token ? &ttl : &token,
		.header_count = 1,
		.body = STR(""),
		.time_limit_ms = ANSWER_LIMIT_MS,
	};

	if (!lender->is_machine && !read_token(lender, err))
		return false;
	if (!asks_for_token && lender->token[0] == '\0')
		request.header_count = 0;
	lender->receiver = (struct transfer_receiver){
		.may_follow = may_follow,
		.on_head = on_head,
		.on_bytes = on_bytes,
		.on_end = on_end,
	};
	return transfer_start(lender->fetch, &request, &lender->receiver, &lender->transfer, err);
}

static void ask(struct s3_lender *lender, enum step step)
{
	struct err err;

	lender->step = step;
	lender->status = 0;
	forget_answer(lender);
	if (!send(lender, &err))
		fail(lender, err.text);
}

/* ---- life cycle ---- */

bool s3_lender_open(struct loop *loop, const struct s3_options *options, struct s3_keys *keys,
		    struct s3_borrower *borrower, struct s3_lender **out, struct err *err)
{
	AUTO(s3_lender_free) struct s3_lender *lender = xcalloc(1, sizeof(*lender));
	AUTO(fetch_target_release) struct fetch_target target = { 0 };
	const char *allowed[2] = { NULL };
	struct fetch_options fetch = {
		.ca_file = options->ca_file,
		.allowed_hosts = allowed,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.max_transfers = 1,
	};

	buf_init(&lender->answer, ANSWER_MAX);
	lender->loop = loop;
	lender->keys = keys;
	lender->borrower = borrower;
	lender->url = address_of(options);
	lender->is_machine = !s3_options_name_agent(options);
	lender->token_given = options->container_token ? xstrdup(options->container_token) : NULL;
	lender->token_file = options->container_token_file ? xstrdup(options->container_token_file)
							   : NULL;
	if (!fetch_target_read(lender->url, false, &target, err))
		return false;
	allowed[0] = target.host;
	if (!fetch_new(loop, &fetch, &lender->fetch, err))
		return false;
	begin(lender);
	*out = TAKE(lender);
	return true;
}

void s3_lender_free(struct s3_lender *lender)
{
	if (!lender)
		return;
	timer_stop(&lender->timer);
	fetch_free(lender->fetch); /* what is under way ends with it */
	forget_answer(lender);
	buf_release(&lender->answer);
	if (lender->token_given)
		explicit_bzero(lender->token_given, strlen(lender->token_given));
	explicit_bzero(lender->token, sizeof(lender->token));
	free(lender->token_given);
	free(lender->token_file);
	free(lender->url);
	free(lender);
}
