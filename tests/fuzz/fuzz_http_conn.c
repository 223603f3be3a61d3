/* A client of any manners on a socket: conversation.h says how the input is read and what must hold. */
#include "conversation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int send_buffer = 4096; /* so that a reply does not vanish into the kernel */
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		abort();
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
	converse((struct str){ (const char *)data, size }, ends[0], ends[0], ends[1], ends[1]);
	return 0;
}
