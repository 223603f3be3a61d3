#include "peer/peers.h"

#include "base/mem.h"
#include "base/trouble.h"
#include "fetch/fetch.h"
#include "peer/peer_answer.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_MS 1000
#define STALL_MS \
	10000 /* it says within PEER_PATIENCE_MS (play/peer_play.c) that nothing is there yet */
#define URL_MAX 400

#define TROUBLE_RECENT_MS \
	15000 /* who is in trouble is asked more often than that, or not at all any more */

struct peers {
	struct loop *loop;
	struct fetch *fetch;
	struct peer_counts counts;
	struct trouble trouble; /* with the one at this address, and no other */
	char troubled[PEER_ADDRESS_SIZE];
};

const char *peer_result_text(enum peer_result result)
{
	static const char *const texts[PEER_RESULTS] = {
		[PEER_RESULT_MEDIA] = "media",     [PEER_RESULT_BROKEN] = "broken",
		[PEER_RESULT_WAITS] = "waits",     [PEER_RESULT_ELSEWHERE] = "elsewhere",
		[PEER_RESULT_REFUSED] = "refused", [PEER_RESULT_UNREACHABLE] = "unreachable",
		[PEER_RESULT_STRANGE] = "strange",
	};

	return texts[result];
}

bool peers_new(struct loop *loop, struct peers **out, struct err *err)
{
	AUTO(peers_free) struct peers *peers = xcalloc(1, sizeof(*peers));
	const struct fetch_options options = {
		.allows_all = true,
		.connect_timeout_ms = CONNECT_MS,
		.stall_timeout_ms = STALL_MS,
		.stall_bytes_per_s = 1,
		.max_transfers = PEERS_AT_ONCE,
		.max_per_origin = PEERS_AT_ONE,
	};

	peers->loop = loop;
	peers->trouble = (struct trouble)TROUBLE_NONE;
	if (!fetch_new(loop, &options, &peers->fetch, err))
		return false;
	*out = TAKE(peers);
	return true;
}

void peers_free(struct peers *peers)
{
	if (!peers)
		return;
	fetch_free(peers->fetch);
	free(peers);
}

struct loop *peers_loop(const struct peers *peers)
{
	return peers->loop;
}

struct peer_counts *peers_counts(struct peers *peers)
{
	return &peers->counts;
}

static bool is_trouble(enum peer_result result)
{
	return result == PEER_RESULT_REFUSED || result == PEER_RESULT_UNREACHABLE ||
	       result == PEER_RESULT_STRANGE;
}

void peers_told(struct peers *peers, const char *address, enum peer_result result, const char *text)
{
	bool is_troubled = strcmp(peers->troubled, address) == 0;
	struct trouble_facts now;
	char why[TROUBLE_TEXT_SIZE];

	counter_add(&peers->counts.requests[result], 1);
	peers_read_trouble(peers, &now);
	if (!is_trouble(result)) {
		if (is_troubled)
			trouble_worked(&peers->trouble);
		return;
	}
	if (!is_troubled && now.for_ms >= 0)
		return;
	if (!is_troubled || now.for_ms < 0)
		trouble_worked(&peers->trouble); /* another one, or anew */
	str_fit(str_of(address), peers->troubled, sizeof(peers->troubled));
	snprintf(why, sizeof(why), "%.100s: %s", address, text);
	trouble_failed(&peers->trouble, why);
}

void peers_read_trouble(struct peers *peers, struct trouble_facts *out)
{
	trouble_read(&peers->trouble, TROUBLE_RECENT_MS, out);
}

bool peers_ask(struct peers *peers, const struct peer_address *whom, const char *recording_sid,
	       uint64_t first, const char *etag, struct transfer_receiver *receiver,
	       struct transfer **out, struct err *err)
{
	char url[URL_MAX], bearer[sizeof("Bearer ") + PEER_TOKEN_SIZE];
	const struct transfer_header headers[] = { { "Authorization", bearer },
						   { "If-Match", etag } };
	const struct transfer_request request = {
		.method = TRANSFER_GET,
		.url = url,
		.headers = headers,
		.header_count = etag ? 2 : 1,
		.ranged = first > 0,
		.first = first,
		.last = TRANSFER_OPEN,
	};
	bool is_started;

	snprintf(url, sizeof(url), "http://%s" PEER_PATH "%s", whom->address, recording_sid);
	snprintf(bearer, sizeof(bearer), "Bearer %s", whom->token);
	is_started = transfer_start(peers->fetch, &request, receiver, out, err);
	explicit_bzero(bearer, sizeof(bearer));
	return is_started;
}
