#include "base/own.h"
#include "rest/upstream.h"
#include "tap.h"
#include "twilio/accounts.h"

#include <stdlib.h>
#include <unistd.h>

#define FIRST  "AC00000000000000000000000000000001"
#define SECOND "AC00000000000000000000000000000002"

static int log_fd;

/* What was logged since the last call. */
static struct str logged(void)
{
	static char text[4096];
	ssize_t length = pread(log_fd, text, sizeof(text), 0);

	if (length < 0 || ftruncate(log_fd, 0) < 0)
		length = 0;
	lseek(log_fd, 0, SEEK_SET);
	return (struct str){ text, (size_t)length };
}

static bool has(struct str text, const char *part)
{
	return str_find_str(text, str_of(part)) < text.len;
}

static struct upstream_facts facts_of(struct upstream *upstream)
{
	struct upstream_facts facts;

	upstream_read(upstream, &facts);
	return facts;
}

static void check_outage(struct upstream *upstream)
{
	struct str text;

	upstream_told(upstream, UPSTREAM_IS_DOWN, "no answer", 1000);
	upstream_told(upstream, UPSTREAM_IS_DOWN, "no answer", 2000);
	upstream_told(upstream, UPSTREAM_GAVE_MEDIA, "", 3000);
	upstream_told(upstream, UPSTREAM_IS_DOWN, "no answer", 10000);
	upstream_told(upstream, UPSTREAM_IS_DOWN, "no answer", 11000);
	IS_INT(logged().len, 0, "failures with a success between them are no outage");
	IS_INT(facts_of(upstream).outage_since_ms, 0, "nor does status call them one");
	IS_INT(facts_of(upstream).last_stored_at_ms, 3000, "the success is remembered");

	upstream_told(upstream, UPSTREAM_IS_DOWN, "connection refused", 12000);
	text = logged();
	OK(has(text, "level=warn") && has(text, "connection refused"),
	   "the third in a row is, and the log warns of it");
	IS_INT(facts_of(upstream).outage_since_ms, 10000, "since the first of them");
	upstream_told(upstream, UPSTREAM_IS_DOWN, "503", 13000);
	upstream_told(upstream, UPSTREAM_SAYS_NOTHING, "our disk", 14000);
	IS_INT(logged().len, 0, "one line, however long it lasts and whatever else fails");
	IS_STR(str_of(facts_of(upstream).outage_text), STR("503"), "status has the latest reason");

	upstream_told(upstream, UPSTREAM_ANSWERS, "404", 70000);
	text = logged();
	OK(has(text, "level=info") && has(text, "answers again, after 60 s"),
	   "any answer ends it, which is a line");
	IS_INT(facts_of(upstream).outage_since_ms, 0, "and status knows");
	IS_STR(str_of(facts_of(upstream).outage_text), STR(""), "and has no reason any more");
	IS_INT(facts_of(upstream).last_stored_at_ms, 3000, "an answer alone stored nothing");
}

static void check_refused(struct upstream *upstream)
{
	upstream_refuses(upstream, SECOND, true);
	upstream_refuses(upstream, SECOND, true);
	IS_INT(facts_of(upstream).refused_count, 1, "an account counts once");
	IS_STR(str_of(facts_of(upstream).refused_account), STR(SECOND), "and is named");
	upstream_refuses(upstream, FIRST, true);
	IS_INT(facts_of(upstream).refused_count, 2, "two accounts");
	upstream_refuses(upstream, SECOND, false);
	upstream_refuses(upstream, "AC9", true);
	IS_INT(facts_of(upstream).refused_count, 1, "accepted again; a stranger is no account");
	IS_STR(str_of(facts_of(upstream).refused_account), STR(FIRST), "the other is left");
}

int main(void)
{
	AUTO(accounts_release) struct accounts accounts = { 0 };
	char path[] = "/tmp/callspool-log.XXXXXX";
	int stderr_fd = dup(STDERR_FILENO);
	struct upstream *upstream;
	struct err err;

	log_fd = mkstemp(path);
	unlink(path);
	if (log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return 1;
	if (!accounts_add_line(&accounts, STR(FIRST " - token"), &err) ||
	    !accounts_add_line(&accounts, STR(SECOND " - token"), &err))
		return 1;
	upstream = upstream_new(&accounts);
	check_outage(upstream);
	check_refused(upstream);
	upstream_free(upstream);
	dup2(stderr_fd, STDERR_FILENO);
	return tap_end();
}
