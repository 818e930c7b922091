#include "record/unrecorded.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/base/log.h"
#include "record/target.h"
#include "record/user.h"

int unrecorded_run(const struct session_options *options)
{
	struct err err = { .code = 0 };
	int status = target_check_command(options->argv[0], &err);

	if (status) {
		log_error("%s", err.text);
		return status;
	}
	if (options->user) {
		int r = user_become(options->user);

		if (r < 0) {
			log_error("Failed to switch to user %s: %s", options->user_name,
				  strerror(-r));
			return EXIT_OWN_FAILURE;
		}
	}
	if (!strcmp(options->output, "-"))
		target_leave_stdout(); /* who reads there waits for a recording */
	execvp(options->argv[0], options->argv);
	int code = errno;
	log_error("cannot run '%s': %s", options->argv[0], strerror(code));
	return code == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}
