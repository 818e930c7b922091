/* long_run.h knows what the values mean. */
#include "record/options_long.h"

#include "common/base/err.h"
#include "record/control.h"
#include "record/options.h"

static struct long_run_options *long_run(void *ctx)
{
	return &((struct options *)ctx)->session.long_run;
}

int set_duration(void *ctx, const char *value, struct err *err)
{
	return long_run_parse_time(value, &((struct options *)ctx)->session.duration_ns, err);
}

int set_max_size(void *ctx, const char *value, struct err *err)
{
	return long_run_parse_size(value, &long_run(ctx)->max_bytes, err);
}

int set_sync(void *ctx, const char *value, struct err *err)
{
	return long_run_set_sync(long_run(ctx), value, err);
}

int set_last(void *ctx, const char *value, struct err *err)
{
	return long_run_set_last(long_run(ctx), value, err);
}

int set_trigger_cpu(void *ctx, const char *value, struct err *err)
{
	return long_run_set_trigger(long_run(ctx), value, err);
}

int set_start_paused(void *ctx, const char *value, struct err *err)
{
	return opt_parse_switch(value, &long_run(ctx)->start_paused, err);
}

int set_delay(void *ctx, const char *value, struct err *err)
{
	return long_run_set_delay(long_run(ctx), value, err);
}

int set_control(void *ctx, const char *value, struct err *err)
{
	long_run(ctx)->control = value;
	return control_check(value, err);
}

int set_rotate(void *ctx, const char *value, struct err *err)
{
	return long_run_set_rotate(long_run(ctx), value, err);
}
