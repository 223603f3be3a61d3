/* A settings file of any bytes is read to its end or refused at a line; slices stay within it. */
#include "config/config_file.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct config_file file;
	struct config_line line;
	struct err err;
	enum config_result result;

	config_file_start(&file, text);
	while ((result = config_file_next(&file, &line, &err)) == CONFIG_LINE) {
		if (line.key.len == 0 || line.key.at < text.at ||
		    line.value.at + line.value.len > text.at + text.len)
			abort();
		free(config_line_value(&line));
	}
	return 0;
}
