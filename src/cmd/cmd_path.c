/* callspool path: where a recording's file lies. */
#include "cmd/commands.h"

#include "cli/cmd_options.h"
#include "server/server.h"

#include "base/mem.h"
#include "blob/blob.h"
#include "catalog/calls.h"
#include "catalog/recordings.h"
#include "twilio/sid.h"

#include <stdio.h>

#define RECORDINGS_MAX 200 /* of one call */

static bool find(const struct settings *settings, struct str sid, struct recording *out,
		 size_t *out_count, struct err *err)
{
	AUTO(free) char *path = server_ledger(settings);
	AUTO(catalog_free) struct catalog *catalog = NULL;
	struct call call;

	if (!catalog_open(path, CATALOG_READ, &catalog, err))
		return false;
	if (sid_is_call(sid))
		return calls_find(catalog, sid, &call, err) &&
		       recordings_list_of_call(catalog, sid, out, RECORDINGS_MAX, out_count, err);
	*out_count = 1;
	return recordings_find(catalog, sid, out, err);
}

static bool print(const struct cmd_options *options, const struct recording *recordings,
		  size_t count, struct err *err)
{
	AUTO(blob_store_free) struct blob_store *store = NULL;
	size_t printed = 0;

	if (!server_store_open(&options->settings, &store, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		AUTO(free) char *path = NULL;

		if (recordings[i].state != RECORDING_STORED)
			continue;
		if (!blob_path(store, str_of(recordings[i].path), &path, err))
			return false;
		printf("%s\n", path);
		printed++;
	}
	if (printed == 0)
		return err_set(err, ERR_NOT_FOUND, "nothing of it is stored (%s)",
			       count ? recording_state_text(recordings[0].state) : "no recording");
	return true;
}

static int run_path(int argc, char **argv)
{
	__attribute__((cleanup(cmd_options_release_at))) struct cmd_options options = { 0 };
	AUTO(free) struct recording *recordings = NULL;
	size_t count = 0;
	struct err err;
	struct str sid;
	int status;

	if (!cmd_options_read(&cmd_path, argc, argv, &options, &status))
		return status;
	sid = str_of(options.operands.at[0]);
	if (!sid_is_call(sid) && !sid_is_recording(sid))
		return cmd_misused(&cmd_path,
				   "expected one call SID (CA...) or recording SID (RE...)");
	recordings = xcalloc(RECORDINGS_MAX, sizeof(*recordings));
	if (!cmd_options_resolve(&options, &err) ||
	    !find(&options.settings, sid, recordings, &count, &err) ||
	    !print(&options, recordings, count, &err))
		return cmd_fail(&err);
	return 0;
}

const struct cmd cmd_path = {
	.name = "path",
	.summary = "print where the recording of a call lies",
	.usage = "CALL_SID|RECORDING_SID [--set data_dir=DIR]",
	.help = "Prints the absolute path of each stored recording, one a line.\n"
		"Exit status 3 when the call is not known or nothing of it is stored.\n",
	.examples = "  mpv \"$(callspool path CA0123456789abcdef0123456789abcdef)\"\n",
	.takes_settings = true,
	.operands_max = 1,
	.run = run_path,
};
