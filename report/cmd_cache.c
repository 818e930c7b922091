/* `cache`: not there yet. */
#include "report/cmd.h"

int cmd_cache(struct command *c)
{
	(void)c;
	return command_usage("'cache' is not there yet");
}
