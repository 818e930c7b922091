/* Processes without samples, or that may not be looked into: counted here, said in chunks. */
#include <errno.h>

#include "record/sink/sink_state.h"

void sink_unsampled(struct sink *s, enum unsampled_reason reason, const char *name)
{
	_Static_assert(UNSAMPLED_MAX <= 64, "a bit for each");
	s->unsampled_changed |= UINT64_C(1) << unsampled_add(&s->unsampled, reason, name);
}

void sink_hidden(struct sink *s, uint32_t pid)
{
	const struct thread *thread = spaces_thread(s->spaces, pid);

	sink_unsampled(s, UNSAMPLED_HIDDEN, thread ? thread->comm : "");
}

const struct unsampled_table *sink_unsampled_so_far(const struct sink *s)
{
	return &s->unsampled;
}

/*
 * In the open chunk, as readers pass over keyframes. One that is refused is said by the keyframe
 * that ends the failure.
 */
void sink_put_unsampled(struct sink *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < s->unsampled.n; i++) {
		if (!(s->unsampled_changed >> i & 1))
			continue;
		if (record_encoder_put_unsampled(s->encoder, &s->unsampled.at[i]) == -ENOSPC) {
			sink_chunk_close(s);
			record_encoder_put_unsampled(s->encoder, &s->unsampled.at[i]);
		}
		if (!s->open_ns)
			s->open_ns = now_ns;
	}
	s->unsampled_changed = 0;
}
