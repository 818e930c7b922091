#include "record/pace.h"

#include "common/base/bits.h"

static const uint64_t window_ns = 100000000;
enum {
	STORM_EXITS =
		20, /* in a window: what their wake-ups cost is what looking by the clock costs */
	FILL_HURRY = 25,   /* percent of a ring, as the watermark */
	FILL_RELAXED = 10, /* so little that twice the pause is still safe */
};

static void set_pause(struct pace *p, unsigned int fill_percent)
{
	if (fill_percent >= FILL_HURRY)
		p->pause_ms = MAX(p->pause_ms / 2, 1);
	else if (fill_percent <= FILL_RELAXED)
		p->pause_ms = MIN(p->pause_ms * 2, (int)PACE_STORM_MS);
}

void pace_round(struct pace *p, uint64_t now_ns, uint64_t n_exits, unsigned int fill_percent)
{
	p->n_exits += n_exits;
	set_pause(p, fill_percent);
	if (now_ns - p->from_ns < window_ns && p->n_exits < STORM_EXITS)
		return;
	bool storm = p->n_exits >= STORM_EXITS;
	if (storm && !p->by_clock)
		p->pause_ms = PACE_STORM_MS;
	p->by_clock = storm;
	p->n_exits = 0;
	p->from_ns = now_ns;
}

int pace_pause_ms(const struct pace *p)
{
	return p->by_clock ? p->pause_ms : PACE_MS;
}
