#include "base/log.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd;

/* The last line that was logged. */
static struct str logged(void)
{
	static char text[4096];
	ssize_t length = pread(log_fd, text, sizeof(text), 0);

	if (length < 0 || ftruncate(log_fd, 0) < 0)
		length = 0;
	lseek(log_fd, 0, SEEK_SET);
	return (struct str){ text, (size_t)length };
}

/* "time=2026-11-28T14:06:53.123Z " */
static bool begins_with_time(struct str line)
{
	static const char form[] = "time=dddd-dd-ddTdd:dd:dd.dddZ level=";

	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (i >= line.len ||
		    (form[i] == 'd' ? line.at[i] < '0' || line.at[i] > '9' : line.at[i] != form[i]))
			return false;
	return true;
}

static void check_lines(void)
{
	struct log_tag tag = { .name = "conn", .id = "17" };

	log_warn(NULL, "a %s", "line");
	OK(begins_with_time(logged()), "a line begins with the time");
	log_set_form(LOG_WITH_PRIORITY);
	log_error(NULL, "x");
	IS_STR(logged(), STR("<3>level=error msg=\"x\"\n"), "for the journal with the priority");
	log_warn(&tag, "x");
	IS_STR(logged(), STR("<4>level=warn conn=17 msg=\"x\"\n"), "a warning's, and a tag");
	log_info(NULL, "x");
	IS_STR(logged(), STR("<6>level=info msg=\"x\"\n"), "that of information");
	log_debug(NULL, "x");
	IS_INT(logged().len, 0, "what is below the level is not written");
	log_set_level(LOG_DEBUG);
	log_debug(NULL, "x");
	IS_STR(logged(), STR("<7>level=debug msg=\"x\"\n"), "that of debugging");
	log_info(NULL, "two\nlines, a \"quote\" and \x01");
	IS_STR(logged(), STR("<6>level=info msg=\"two\\nlines, a \\\"quote\\\" and \\x01\"\n"),
	       "what it is told stays one line");
}

static void check_form(void)
{
	char stream[64];
	struct stat info;

	fstat(log_fd, &info);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)info.st_dev,
		 (unsigned long long)info.st_ino);
	IS_INT(log_form_of(stream, log_fd), LOG_WITH_PRIORITY, "the journal's own stream");
	IS_INT(log_form_of(NULL, log_fd), LOG_WITH_TIME, "no journal");
	IS_INT(log_form_of("", log_fd), LOG_WITH_TIME, "an empty name");
	IS_INT(log_form_of("8:1", log_fd), LOG_WITH_TIME, "redirected since");
	IS_INT(log_form_of(stream, -1), LOG_WITH_TIME, "closed");
}

int main(void)
{
	char path[] = "/tmp/callspool-log.XXXXXX";
	int stderr_fd = dup(STDERR_FILENO);

	log_fd = mkstemp(path);
	unlink(path);
	if (log_fd < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		return 1;
	check_form();
	check_lines();
	dup2(stderr_fd, STDERR_FILENO);
	return tap_end();
}
