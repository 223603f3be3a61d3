/* Any text as a configuration: no crash, and each directive's bytes lie in its file, in order, inside its parent's. */
#include "nginx/nginx_conf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct nginx_directive *block, uint32_t from, uint32_t end)
{
	for (const struct nginx_directive *d = block->first; d; d = d->next) {
		bool is_here = d->file == block->file && !block->is_include;

		if (d->word_count == 0 || d->at >= d->end || d->end > d->file->text.len ||
		    (is_here && (d->at < from || d->end > end)))
			abort();
		if (is_here)
			from = d->end;
		check(d, d->at, d->end);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nginx_conf_options options = { .path = "-",
					      .text = { (const char *)data, size },
					      .is_alone = true };
	struct nginx_conf *conf = NULL;
	struct err err;

	if (nginx_conf_read(&options, &conf, &err))
		check(nginx_conf_root(conf), 0, (uint32_t)nginx_conf_files(conf)->text.len);
	nginx_conf_free(conf);
	return 0;
}
