/* What a successor is given of a foothold: told by the one, understood by the other. */
#include "foothold/foothold.h"

#include "base/mem.h"
#include "service/handover.h"
#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;

static int any_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

/* `listen` in so many words, or as many sockets of the service manager; NULL: no cluster_listen. */
static struct foothold *make(size_t count, bool is_passed, const char *cluster)
{
	struct foothold *foothold = xcalloc(1, sizeof(*foothold));

	foothold->folder = xstrdup("/nonexistent");
	foothold->lock_fd = any_fd();
	foothold->admin_fd = any_fd();
	foothold->cluster.fd = cluster ? any_fd() : -1;
	foothold->cluster.word = cluster ? xstrdup(cluster) : NULL;
	foothold->is_passed = is_passed;
	while (foothold->count < count) {
		struct foothold_listener *listener = &foothold->at[foothold->count];

		listener->fd = any_fd();
		listener->word = is_passed ? NULL
					   : xasprintf("127.0.0.1:%zu", 8000 + foothold->count);
		foothold->count++;
	}
	return foothold;
}

/* Each has it whole: what was taken of the message is the gift's, the rest is closed with the message. */
static bool give(const struct foothold *foothold, const char *more, struct foothold_gift *out)
{
	struct handover_message message;
	size_t used;
	bool is_taken;

	foothold_describe(foothold, &message);
	for (size_t i = 0; i < message.fd_count; i++)
		message.fd[i] = dup(message.fd[i]);
	used = strlen(message.text);
	snprintf(message.text + used, sizeof(message.text) - used, "%s", more);
	if (more[0])
		message.fd[message.fd_count++] = any_fd();
	is_taken = foothold_gift_of_message(&message, out, &err);
	handover_close_fds(&message);
	return is_taken;
}

static const struct {
	const char *name;
	size_t count;
	bool is_passed;
	const char *cluster, *more; /* a line that is added */
	bool is_taken;
} cases[] = {
	{ "one address", 1, false, NULL, "", true },
	{ "one address, and one for other processes", 1, false, "10.0.0.1:8081", "", true },
	{ "as many as may be", SETTINGS_LIST_MAX, false, NULL, "", true },
	{ "as many, and one for other processes", SETTINGS_LIST_MAX, false, "10.0.0.1:8081", "",
	  true },
	{ "as many of the service manager's, and one for other processes", SETTINGS_LIST_MAX, true,
	  "10.0.0.1:8081", "", true },
	{ "one more than may be", SETTINGS_LIST_MAX, false, NULL, "listen [::1]:80\n", false },
	{ "one more of the service manager's", SETTINGS_LIST_MAX, true, NULL, "passed\n", false },
	{ "two for other processes", 1, false, "10.0.0.1:8081", "cluster 10.0.0.2:8081\n", false },
	{ "what another version gives", 1, false, NULL, "quic [::1]:443\n", false },
};

static void test_gifts(void)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(foothold_free)
		struct foothold *foothold =
			make(cases[i].count, cases[i].is_passed, cases[i].cluster);
		struct foothold_gift gift = FOOTHOLD_NO_GIFT;

		foothold->is_given = true; /* no name of it is on the disk */
		err.kind = ERR_INTERNAL;
		IS_INT(give(foothold, cases[i].more, &gift), cases[i].is_taken, "%s",
		       cases[i].name);
		IS_INT(err.kind, cases[i].is_taken ? ERR_INTERNAL : ERR_INVALID, "... and why not");
		IS_INT(gift.count, cases[i].is_taken ? cases[i].count : 0, "... all of it");
		IS_STR(str_of(gift.cluster.word),
		       str_of(cases[i].is_taken ? cases[i].cluster : NULL), "... the other too");
		if (gift.count > 0 && !cases[i].is_passed)
			IS_STR(str_of(gift.at[gift.count - 1].word),
			       str_of(foothold->at[gift.count - 1].word), "... in its order");
		OK(gift.is_passed == (cases[i].is_taken && cases[i].is_passed), "... whose it is");
		foothold_gift_release(&gift);
	}
}

int main(void)
{
	test_gifts();
	return tap_end();
}
