#include "common/format/chain.h"

uint8_t *chain_put(struct chain *last, const uint64_t *uchain, uint32_t n, uint8_t *at)
{
	uint32_t same = 0;

	while (same < n && same < last->n && last->pc[same] == uchain[n - 1 - same])
		same++;
	at = put_varint(at, same);
	at = put_varint(at, n - same);
	for (uint32_t i = same; i < n; i++) {
		last->pc[i] = uchain[n - 1 - i];
		at = put_varint(at, zigzag(last->pc[i] - (i ? last->pc[i - 1] : 0)));
	}
	last->n = n;
	return at;
}

bool chain_get(struct chain *last, struct cursor *c)
{
	uint64_t same = get_varint_max(c, last->n), more = get_varint_max(c, UCHAIN_MAX - same);

	if (c->bad)
		return false;
	for (uint64_t i = same; i < same + more; i++)
		last->pc[i] = (i ? last->pc[i - 1] : 0) + get_signed(c);
	last->n = (uint32_t)(same + more);
	return !c->bad;
}
