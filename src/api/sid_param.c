#include "api/sid_param.h"

#include "base/buf.h"
#include "http/form.h"

struct str sid_param_decode(struct str raw, char room[SID_PARAM_SIZE])
{
	struct buf decoded;

	buf_over(&decoded, room, SID_PARAM_SIZE);
	return url_decode(raw, &decoded) ? buf_str(&decoded) : raw;
}
