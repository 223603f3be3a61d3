#include "web/forwarded.h"

#include "web/web.h"

#include <arpa/inet.h>
#include <string.h>

/* An address as 16 bytes; IPv4 is mapped (RFC 4291, 2.5.5.2), so that both kinds compare alike. */
static bool parse_address(struct str text, uint8_t out[16], unsigned *out_bits)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char address[INET6_ADDRSTRLEN];

	if (!str_copy(text, address, sizeof(address)))
		return false;
	if (inet_pton(AF_INET6, address, out) == 1) {
		*out_bits = 128;
		return true;
	}
	memcpy(out, mapped, sizeof(mapped));
	*out_bits = 32;
	return inet_pton(AF_INET, address, out + 12) == 1;
}

static bool parse_network(struct str text, uint8_t out[16], unsigned *out_prefix)
{
	size_t slash = str_find(text, '/');
	uint64_t prefix;
	unsigned bits;

	if (!parse_address(str_first(text, slash), out, &bits))
		return false;
	prefix = bits;
	if (slash < text.len && (!str_to_u64(str_after(text, slash + 1), &prefix) || prefix > bits))
		return false;
	*out_prefix = (unsigned)prefix + 128 - bits;
	return true;
}

bool forwarded_network_is_valid(struct str network)
{
	uint8_t bytes[16];
	unsigned prefix;

	return parse_network(network, bytes, &prefix);
}

bool forwarded_network_holds(struct str network, struct str address)
{
	uint8_t net[16], host[16];
	unsigned prefix, bits;

	if (!parse_network(network, net, &prefix) || !parse_address(address, host, &bits))
		return false;
	if (memcmp(net, host, prefix / 8) != 0)
		return false;
	return prefix % 8 == 0 || (net[prefix / 8] ^ host[prefix / 8]) >> (8 - prefix % 8) == 0;
}

bool forwarded_is_trusted(const struct exchange *x)
{
	const char *const *networks = web_local_of(x)->web->options.trusted_proxies;

	if (x->over_unix)
		return true;
	for (; networks && *networks; networks++)
		if (forwarded_network_holds(str_of(*networks), str_of(x->peer)))
			return true;
	return false;
}

/* Of a list that proxies appended to, the last piece: the one that our own proxy wrote. */
static struct str last_piece(struct str list)
{
	struct str piece = STR_NONE;

	while (str_cut(&list, ',', &piece))
		;
	return str_trim(piece);
}

struct str forwarded_client(const struct exchange *x)
{
	struct str client = forwarded_is_trusted(x)
				    ? last_piece(x->request.known[HTTP_X_FORWARDED_FOR])
				    : STR_NONE;

	return client.len > 0 ? client : str_of(x->peer);
}

void forwarded_add_origin(const struct exchange *x, struct buf *url)
{
	const char *public_url = web_local_of(x)->web->options.public_url;
	bool is_trusted = forwarded_is_trusted(x);
	struct str proto = is_trusted ? last_piece(x->request.known[HTTP_X_FORWARDED_PROTO])
				      : STR_NONE;
	struct str host = is_trusted ? last_piece(x->request.known[HTTP_X_FORWARDED_HOST])
				     : STR_NONE;

	if (public_url) {
		buf_add_text(url, public_url);
		return;
	}
	buf_add_str(url, proto.len > 0 ? proto : STR("http"));
	buf_add_text(url, "://");
	buf_add_str(url, host.len > 0 ? host : x->request.known[HTTP_HOST]);
}
