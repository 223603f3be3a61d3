#include "manual/manual.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1024 * 1024)

static const struct manual_form forms[] = {
	{ "--man", manual_write_commands }, { "--man-settings", manual_write_settings },
	{ "--bash", manual_write_bash },    { "--zsh", manual_write_zsh },
	{ "--fish", manual_write_fish },
};

const struct manual_form *manual_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (strcmp(forms[i].name, name) == 0)
			return &forms[i];
	return NULL;
}

static int64_t date_s(void)
{
	int64_t told_s;

	if (str_to_i64(str_of(getenv("SOURCE_DATE_EPOCH")), &told_s))
		return told_s;
	return clock_wall_ms() / 1000;
}

void manual_print(const struct manual_form *form, const struct cmd *const *commands, size_t count)
{
	const struct manual manual = { commands, count, date_s() };
	__attribute__((cleanup(buf_release_at))) struct buf text;

	buf_init(&text, TEXT_MAX);
	form->write(&manual, &text);
	fwrite(text.at, 1, text.len, stdout);
}
