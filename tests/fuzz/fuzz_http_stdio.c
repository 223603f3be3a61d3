/* The same over two pipes, as serve --stdio may be given: conversation.h. */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		abort();
	fcntl(out[1], F_SETPIPE_SZ, 4096); /* so that a reply does not vanish into the kernel */
	converse((struct str){ (const char *)data, size }, in[0], out[1], in[1], out[0]);
	return 0;
}
