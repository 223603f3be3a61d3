#include "web/web_keys.h"

#include "access/web_refusal.h"
#include "api/web.h"
#include "api/web_json.h"
#include "api/web_read.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "chores/recordings_locked.h"
#include "dispatch/fetcher.h"
#include "event/workers.h"
#include "keeping/keeper.h"
#include "ledger/ledger.h"
#include "vault/vault.h"

#include <stdlib.h>

#define BODY_MAX (VAULT_KEYS_MAX * 160 + 256)

struct asking {
	struct job job;
	struct ledger_job ledger_job;
	struct parked parked;
	struct exchange *x; /* NULL: the client is gone */
	const struct web *web;
	struct mailbox *reply;
	bool is_read, has_changed; /* the files, anew; the keys are others */
	int64_t locked;
	struct err err;
};

static void add_key(struct json *json, const struct vault_key *key)
{
	json_open(json, NULL, '{');
	json_text(json, "public_key_sid",
		  key->public_key_sid[0] ? str_of(key->public_key_sid) : STR_NONE);
	json_int(json, "bits", key->bits);
	json_text(json, "fingerprint", str_of(key->fingerprint));
	json_text(json, "kept_in", key->is_own ? STR("data_dir") : STR("settings"));
	json_close(json, '}');
}

static void reply_keys(const struct asking *asking)
{
	AUTO(free) struct vault_key *keys = NULL;
	AUTO(free) char *text = xmalloc(BODY_MAX);
	size_t count = vault_list(asking->web->vault, &keys);
	struct json json;
	struct buf body;

	buf_over(&body, text, BODY_MAX);
	json_start(&json, &body);
	json_open(&json, NULL, '{');
	json_bool(&json, "success", true);
	json_open(&json, "keys", '[');
	for (size_t i = 0; i < count; i++)
		add_key(&json, &keys[i]);
	json_close(&json, ']');
	json_int(&json, "key_missing", asking->locked);
	json_close(&json, '}');
	buf_add_byte(&body, '\n');
	web_send_json(asking->x, buf_str(&body));
}

static bool run_count(struct ledger_job *job, struct catalog *catalog, struct err *err)
{
	struct asking *asking = container_of(job, struct asking, ledger_job);

	return recordings_count_locked(catalog, &asking->locked, err);
}

static void counted(struct ledger_job *job)
{
	AUTO(free) struct asking *asking = container_of(job, struct asking, ledger_job);

	if (asking->x && job->succeeded)
		reply_keys(asking);
	else if (asking->x)
		web_refuse_change(asking->x, &job->err, WEB_NOT_FOUND, WEB_CONFLICT);
}

static void count_locked(struct asking *asking)
{
	asking->ledger_job =
		(struct ledger_job){ .run = run_count, .done = counted, .reply = asking->reply };
	ledger_read(asking->web->ledger, &asking->ledger_job);
}

static void client_gone(struct parked *parked)
{
	container_of(parked, struct asking, parked)->x = NULL;
}

static struct asking *asking_new(struct exchange *x)
{
	const struct web_local *local = web_local_of(x);
	struct asking *asking = xcalloc(1, sizeof(*asking));

	asking->x = x;
	asking->web = local->web;
	asking->reply = local->mailbox;
	asking->parked.gone = client_gone;
	exchange_park(x, &asking->parked);
	return asking;
}

void web_keys_list(struct exchange *x)
{
	count_locked(asking_new(x));
}

/* ---- reading anew ---- */

static void run_reread(struct job *job)
{
	struct asking *asking = container_of(job, struct asking, job);

	asking->is_read = vault_reread(asking->web->vault, &asking->has_changed, &asking->err);
}

static void reread(struct job *job)
{
	struct asking *asking = container_of(job, struct asking, job);

	if (asking->has_changed)
		log_info(NULL, "the private keys have changed");
	if (asking->has_changed && asking->web->keeper)
		keeper_keys_changed(asking->web->keeper);
	if (asking->is_read && asking->x) {
		count_locked(asking);
		return;
	}
	if (asking->x)
		web_refuse(asking->x, WEB_CONFLICT, asking->err.text, WEB_NO_RETRY);
	free(asking);
}

void web_keys_reread(struct exchange *x)
{
	struct asking *asking = asking_new(x);

	asking->job = (struct job){ .run = run_reread, .done = reread, .reply = asking->reply };
	workers_post(fetcher_sealers(asking->web->fetcher), &asking->job);
}
