#include "http/http_request_id.h"

#include "http/http_conn_memory.h"

/*
 * SipHash-1-3 of the counter under a random key of the server's: 64 bits that nobody can
 * foretell from those before, for some nanoseconds and no system call.
 */
static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static uint64_t sip_hash(const uint64_t key[2], uint64_t word)
{
	const uint64_t length = (uint64_t)sizeof(word)
				<< 56; /* the final block: no bytes but the length */
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
			  key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };

	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
	v[3] ^= length;
	sip_round(v);
	v[0] ^= length;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static bool id_is_valid(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		char c = ascii_lower(id.at[i]);

		if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'z') && c != '-' && c != '_' &&
		    c != '.')
			return false;
	}
	return id.len > 0;
}

void http_request_name(struct exchange *x)
{
	static const char digits[] = "0123456789abcdef";
	struct http_server_inner *inner = x->server->inner;
	struct str given = x->request.known[HTTP_X_REQUEST_ID];
	uint64_t id;

	if (given.at && x->is_trusted && id_is_valid(given) &&
	    str_copy(given, x->id, sizeof(x->id)))
		return;
	id = sip_hash(inner->id_key, inner->id_count++);
	for (unsigned i = 0; i < 16; i++)
		x->id[i] = digits[id >> (60 - 4 * i) & 15];
	x->id[16] = '\0';
}
