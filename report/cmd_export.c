/* `export FORMAT -o OUT`: pprof today; one function for each further format. */
#include "report/cmd.h"

#include <string.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "report/output.h"
#include "report/profile/profile.h"
#include "report/read/read.h"

static bool is_gzip(const uint8_t start[OUTPUT_START_BYTES], size_t n)
{
	return n >= 2 && start[0] == 0x1f && start[1] == 0x8b;
}

static const struct output_kind pprof = { "a pprof profile", is_gzip };

static int write_result(const char *path, const struct buf *bytes, struct err *err)
{
	struct output out;
	int status = output_open(path, &pprof, &out, err);

	if (status == 0)
		status = output_write(&out, bytes->data, bytes->n, err);
	if (status == 0)
		status = output_commit(&out, err);
	output_drop(&out);
	return status;
}

static int export_profile(struct command *c, struct err *err)
{
	struct recording *recording;
	struct profile *profile;
	struct buf bytes;
	int status = command_run(c, &recording, &profile, err);

	if (status < 0)
		return status;
	buf_init(&bytes);
	status = export_pprof(profile, c->flatten_inlines, &bytes, err);
	if (status == 0)
		status = write_result(c->output, &bytes, err);
	buf_done(&bytes);
	profile_free(profile);
	recording_close(recording);
	return status;
}

int cmd_export(struct command *c)
{
	struct err err = { 0 };

	if (!c->n_operands)
		return command_usage("export needs a format: pprof");
	if (strcmp(c->operand[0], "pprof") != 0)
		return command_usage("unknown export format '%s', expected pprof", c->operand[0]);
	if (!c->output)
		return command_usage("export needs an output: -o FILE");
	c->operand++;
	c->n_operands--;
	if (export_profile(c, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
