/* `missing`: not there yet. */
#include "report/cmd.h"

int cmd_missing(struct command *c)
{
	(void)c;
	return command_usage("'missing' is not there yet");
}
